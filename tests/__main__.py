"""Run the tests as `make test` does: side by side, then one at a time those that measure time or need every CPU.

    python -m tests                    the whole suite, or the paths that are given
    python -m tests -m unit [PATH...]  unit tests only, as `make check` does

The last line is the sum of all passes, as a CI reads it: `N passed, M failed`, with `, K skipped` where some were.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from assets.home.hardware import usable_cpus

UNIT = "not launch and not ui and not alone and not exhaustive"
SIDE_BY_SIDE = "not alone and not exhaustive"
ALONE = "alone and not exhaustive"
MOST_WORKERS = 8
"""Each takes about 1.5 GB with JAX and torch."""

NOTHING_SELECTED = 5
"""The exit code of pytest where no test was selected."""


def one_pass(selected: str, options: list[str], paths: list[str]) -> tuple[int, Counter]:
    """Run the tests that a marker expression selects; return pytest's exit code and the number of each outcome."""
    with tempfile.TemporaryDirectory(prefix="orrery-tests-") as place:
        report = Path(place) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", selected, f"--junitxml={report}", *options, *paths]
        code = subprocess.run(command, check=False).returncode
        suites = ElementTree.parse(report).getroot().iter("testsuite") if report.exists() else ()
        outcomes = sum((counted(suite) for suite in suites), Counter())
    if code not in (0, NOTHING_SELECTED) and not outcomes["failed"]:
        outcomes["failed"] = 1  # pytest itself broke off, or could not begin
    return code, outcomes


def counted(suite: ElementTree.Element) -> Counter:
    """Return how many tests of a suite passed, failed and were skipped; an error in a fixture is a failure.

    >>> counted(ElementTree.fromstring('<testsuite tests="9" failures="1" errors="2" skipped="3"/>'))
    Counter({'passed': 3, 'failed': 3, 'skipped': 3})
    """
    number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed, skipped = number["failures"] + number["errors"], number["skipped"]
    return Counter(passed=number["tests"] - failed - skipped, failed=failed, skipped=skipped)


def closing_line(outcomes: Counter) -> str:
    """Return the sum in one line.

    >>> closing_line(Counter(passed=3, skipped=1))
    '3 passed, 0 failed, 1 skipped'
    """
    skipped = f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
    return f"{outcomes['passed']} passed, {outcomes['failed']} failed{skipped}"


def main() -> int:
    """Run what the command line asks for; return 0 only if tests ran and none failed."""
    parser = argparse.ArgumentParser(prog="python -m tests")
    parser.add_argument("-m", choices=["all", "unit"], default="all", dest="which")
    parser.add_argument("paths", nargs="*")
    asked = parser.parse_args()
    workers = min(len(usable_cpus()), MOST_WORKERS)
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"] if workers > 1 else []
    if asked.which == "unit":
        passes = [one_pass(UNIT, spread, asked.paths)]
    else:
        passes = [one_pass(SIDE_BY_SIDE, spread, asked.paths), one_pass(ALONE, ["-p", "no:xdist"], asked.paths)]
    codes = {code for code, _ in passes} - {NOTHING_SELECTED}
    print(closing_line(sum((outcomes for _, outcomes in passes), Counter())), flush=True)
    return max(codes, default=NOTHING_SELECTED)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
