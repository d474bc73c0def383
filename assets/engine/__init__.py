"""A warm worker per CPU, fed one cohort after another."""
