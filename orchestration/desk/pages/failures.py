"""`/failures/<sweep>`: the failures of a sweep grouped by cause, with the settings that each group has in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assets.stages.freshness import Planner
from assets.statistics.adaptive_seeds import sweep_so_far
from assets.statistics.failure_causes import Cause, causes, row_status
from assets.store.store import Store
from assets.sweeps.sweep import Row, Sweep
from orchestration.desk.pages.sweeps import sweep_of
from orchestration.desk.render import render


def failures_page(request: Request) -> Response:
    """Show the failures of a sweep."""
    store = Store()
    sweep, planner = sweep_so_far(sweep_of(request), store), Planner(store)
    rows = {row.configuration.key: row for row in sweep.rows}
    groups = [_group(cause, sweep, rows, planner) for cause in causes(sweep, store)]
    failed = sum(len(group["rows"]) for group in groups)
    return render("failures.html", sweep=sweep, causes=groups, failed=failed)


def _group(cause: Cause, sweep: Sweep, rows: Mapping[str, Row], planner: Planner) -> dict[str, Any]:
    """Return a cause as the template shows it, with the share of rows of each common value that failed so."""
    failures = []
    for failure in cause.failures:
        row = rows[failure.key]
        _, item = row_status(row, planner)
        failures.append({
            "axes": row.axes, "key": failure.key, "phase": failure.phase, "step": failure.step,
            "loss": f"{failure.last['last_loss']:.4g}" if "last_loss" in failure.last else "",
            "link": f"/files/{'/'.join(item.address)}" if item else "",
        })  # fmt: skip
    common = []
    for axis, value in cause.common.items():
        of_value = Counter(str(row.axes[axis]) for row in sweep.rows)[str(value)] if axis in sweep.axes else 0
        common.append((axis, value, f"{len(failures)} of {of_value} rows with it" if of_value else ""))
    text = {"status": cause.status, "stage": cause.stage, "detail": cause.detail}
    return text | {"rows": failures, "common": common, "bounds": cause.bounds}
