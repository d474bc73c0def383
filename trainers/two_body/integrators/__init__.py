"""Numerical integration: steps planned from the data, adaptive and classical methods, reference motion."""
