"""The system: its equations and prior, its exact solution, which systems are stable, kinds of series."""
