"""Data of one's own: what they declare, and their units."""
