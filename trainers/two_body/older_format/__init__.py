"""Reader of the older sweep format."""
