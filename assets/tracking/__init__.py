"""MLflow: one run per training."""
