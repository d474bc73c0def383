"""Run the tests as `make test` does: side by side, then one at a time those that other tests would disturb.

    python -m tests                    the whole suite, or the paths that are given
    python -m tests -m unit [PATH...]  unit tests only, as `make check` does

The last line is the sum of all passes, as a CI reads it: `N passed, M failed`, with `, K skipped` where some were.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from assets.home.hardware import usable_cpus
from tests.homes import SHARED

UNIT = "not launch and not training and not ui and not alone and not exhaustive"
SIDE_BY_SIDE = "not alone and not exhaustive"
ALONE = "alone and not exhaustive"
MOST_WORKERS = 8
"""Each takes about 1.5 GB with JAX and torch."""

NOTHING_SELECTED = 5
"""The exit code of pytest where no test was selected."""


def spread(workers: int) -> list[str]:
    """Return the options that let so many processes share the files."""
    workers = min(workers, MOST_WORKERS)
    return ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"] if workers > 1 else []


def files_with_lone_tests() -> list[str]:
    """Return the files that the last pass has to load: to load all takes as long as it does."""
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    return [str(file) for file in files if "pytest.mark.alone" in file.read_text(encoding="utf-8")]


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
    cpus = len(usable_cpus())
    with tempfile.TemporaryDirectory(prefix="orrery-tests-") as shared:
        os.environ[SHARED] = shared
        if asked.which == "unit":
            passes = [one_pass(UNIT, spread(cpus), asked.paths)]
        else:  # launches wait for one another's processes: one more worker keeps every CPU busy
            passes = [
                one_pass(SIDE_BY_SIDE, spread(cpus + 1), asked.paths),
                one_pass(ALONE, ["-p", "no:xdist"], asked.paths or files_with_lone_tests()),
            ]
    codes = {code for code, _ in passes} - {NOTHING_SELECTED}
    print(closing_line(sum((outcomes for _, outcomes in passes), Counter())), flush=True)
    return max(codes, default=NOTHING_SELECTED)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
