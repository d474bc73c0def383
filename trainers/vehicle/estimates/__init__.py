"""Estimates of a car's parameters: of each window, pooled over the windows of a car, refined, with intervals."""
