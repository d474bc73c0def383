"""From readings to what a model sees of a prefix: points in time, known inputs, the clock."""
