"""The report at the end of a run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from assets.engine.engine import shared_engine
from orchestration.launch.report_switch import writes_report

Report = TypeVar("Report")


def report_unless_stopped(write: Callable[[], Report]) -> Report | None:
    """Write a report if one is wanted; whoever stops a run does not wait for figures, so then there is none."""
    if shared_engine().interrupted or not writes_report():
        return None
    try:
        return write()
    except OSError as error:
        print(f"orrery: no report: {error}", file=sys.stderr)
        return None
