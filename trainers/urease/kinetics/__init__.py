"""The batch reactor: rate law, charge balance, master curve, stiff integration, probe, prior families."""
