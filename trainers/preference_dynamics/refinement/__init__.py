"""Refinement of estimates by least squares through the exact solution."""
