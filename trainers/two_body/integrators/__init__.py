"""Numerical integration: steps planned from the data, RK4, adaptive methods, and reference solutions."""
