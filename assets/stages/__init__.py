"""Make one artifact, in a worker or alone."""
