"""Dagster wiring and the command line. No numerics."""

import warnings

warnings.filterwarnings("ignore", message=r".*is currently in (beta|preview).*")
