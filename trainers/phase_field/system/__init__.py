"""The Cahn-Hilliard equation: free energy, grid, initial states and time steps."""
