"""Networks that estimate unknowns and forecasts from a series."""
