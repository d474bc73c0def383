"""Artifacts on disk: whole, sealed, replaced at once."""
