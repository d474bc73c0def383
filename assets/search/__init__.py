"""Searches by Optuna on the workers of sweeps."""
