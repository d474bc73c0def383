"""Dynamics of a car: fields dy/dt = f(state, control, parameters) by name, their parameters, limits and integration."""
