"""What one launch shares, so that nothing is read twice: the store, one planner, results and report of each sweep.

A launch is one `orrery run` with all the Dagster runs that it starts, or a single Dagster run that was started alone.
Whoever makes or removes artifacts within it tells it so; what rests on them is judged anew, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from assets.identity.canonical import Item
from assets.report import sweep_report
from assets.report.sweep_report import Report
from assets.stages.freshness import Planner
from assets.statistics.experiment import Experiment
from assets.store.store import Store
from assets.sweeps.sweep import Sweep


class Launch:
    """The store as one launch sees it."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.planner = Planner(self.store)
        self._experiments: dict[tuple[str, ...], Experiment] = {}
        self._reports: dict[Experiment, Report] = {}

    def experiment(self, sweep: Sweep, metric: str = "", column: str = "") -> Experiment:
        """Return the results of a sweep, see `Experiment`; the same object until an artifact is made."""
        key = (sweep.name, metric, column, *sweep.tests, *(row.configuration.item.hash for row in sweep.rows))
        if key not in self._experiments:
            self._experiments[key] = Experiment(sweep, self.store, self.planner, metric, column)
        return self._experiments[key]

    def report(self, sweep: Sweep, metric: str = "") -> Report:
        """Write the report of a sweep, unless this launch has written it from the same results."""
        experiment = self.experiment(sweep, metric)
        if experiment not in self._reports:
            self._reports[experiment] = sweep_report.write(experiment)
        return self._reports[experiment]

    def forget(self, items: Iterable[Item]) -> None:
        """Drop what is known of artifacts that were made, removed or found damaged, and of all that rests on them."""
        self.planner.forget(items)
        self._forget_results()

    def reread_code(self) -> None:
        """Drop everything if the code was edited meanwhile: workers that start then make artifacts of the new code."""
        if self.planner.reread_code():
            self._forget_results()

    def refresh(self) -> None:
        """Drop everything, since other processes may have changed the store."""
        self.planner.refresh()
        self._forget_results()

    def _forget_results(self) -> None:
        self._experiments.clear()
        self._reports.clear()


_present: ContextVar[Launch | None] = ContextVar("launch", default=None)


def present_launch() -> Launch:
    """Return the launch that is under way, or one of its own for a Dagster run that was started alone."""
    return _present.get() or Launch()


@contextmanager
def launching(launch: Launch | None = None) -> Iterator[Launch]:
    """Make a launch (default: the one under way, or a new one) the present one within this block."""
    launch = launch or present_launch()
    token = _present.set(launch)
    try:
        yield launch
    finally:
        _present.reset(token)
