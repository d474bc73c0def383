"""Numerics of every study. Imports no orchestrator, reads and writes no files."""

from trainers.preference_dynamics import STUDY as preference_dynamics
from trainers.study import Study
from trainers.two_body import STUDY as two_body

STUDIES: dict[str, Study] = {study.name: study for study in (two_body, preference_dynamics)}
"""Every study by name: the only registry."""
