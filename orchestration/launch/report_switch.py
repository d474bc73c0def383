"""Whether a launch writes a report: `ORRERY_REPORT=off` and `orrery run --no-report` leave it out."""

import os

SWITCH = "ORRERY_REPORT"


def writes_report() -> bool:
    """Return whether launches of this process write a report; `orrery report` always does."""
    return os.environ.get(SWITCH) != "off"


def turn_off_report() -> None:
    """Leave the report out of the launches of this process and of those that it starts."""
    os.environ[SWITCH] = "off"
