"""Series as input of a model: normalised points, features by name, targets."""
