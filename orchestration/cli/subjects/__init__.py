"""What commands do with a file under sweeps/, be it a sweep or a search."""
