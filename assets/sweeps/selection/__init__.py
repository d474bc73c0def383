"""Parts of sweeps: the rows that meet conditions, or chosen models of any sweeps."""
