"""Series as models see them: normalised inputs, features by name, targets."""
