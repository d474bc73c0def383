"""`python -m orchestration.cli` is `orrery`."""

from orchestration.cli import app

app(prog_name="orrery")
