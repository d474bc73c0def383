"""Inference through the simulator itself, and by trees: baselines, and the posterior that is exact."""
