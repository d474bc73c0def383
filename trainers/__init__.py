"""Numerics of every study. Imports no orchestrator, reads and writes no files."""

from trainers.study import Study
from trainers.two_body import STUDY as two_body

STUDIES: dict[str, Study] = {study.name: study for study in (two_body,)}
"""Every study by name: the only registry."""
