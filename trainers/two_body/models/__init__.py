"""The network of the neural ODE and the tables of its layers."""
