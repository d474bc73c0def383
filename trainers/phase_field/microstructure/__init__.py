"""Statistics of microstructures: two-point statistics, lengths, and a basis in which they are a few scores."""
