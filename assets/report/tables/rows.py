"""Tables of the rows of a sweep: failures, convergence, every row, how to make it again, settings, provenance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assets.identity.paths import dotted, flatten
from assets.identity.text import value_text
from assets.report.tables.table import MOST_ROWS, Table, table_of
from assets.statistics.caveats import WORSE
from assets.statistics.convergence import convergence
from assets.statistics.experiment import Experiment, row_text
from assets.store.manifest import complete
from assets.sweeps.diff import difference

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row


def failure_table(experiment: Experiment) -> Table:
    """Return every row that is not ok, with the place and the reason."""
    rows = [
        [row_text(row), row.configuration.key, status, *_failure(experiment, row)]
        for row in experiment.sweep.rows
        if (status := experiment.status(row)) != "ok"
    ]
    header = ("row", "key", "status", "stage", "phase", "step", "detail")
    return table_of("Rows that are not ok", header, rows)


def _failure(experiment: Experiment, row: Row) -> list[Any]:
    """Return stage, phase, step and detail of the first stored failure of a row, or why it is not up to date."""
    for item in (row.configuration.item, *row.evaluations):
        if failure := experiment.store.manifest_or_missing(*item.address)["failure"]:
            return [failure.get(name) for name in ("stage", "phase", "step", "detail")]
    return ["", "", "", experiment.planner.verdict(row.configuration.item).reason]


def convergence_table(experiment: Experiment) -> Table:
    """Return how fast the trainings of every setting converged: medians over its seeds."""
    settings, histories = {}, {}
    for setting in experiment.settings:
        for row in experiment.usable(setting):
            key, history = (
                row.configuration.key,
                experiment.store.open(*row.configuration.item.address).table("history"),
            )
            if len(history):
                settings[key], histories[key] = setting.text, history
    if not histories:
        return table_of("Convergence", (), [])
    table = convergence(histories)
    table.insert(0, "setting", table.pop("name").map(settings))
    medians: pd.DataFrame = table.groupby("setting", sort=False).median().reset_index()
    note = "Of the training loss, medians over seeds; a seed that does not reach a loss does not count there"
    return speed_table(medians, note)


def speed_table(speeds: pd.DataFrame, note: str) -> Table:
    """Return a frame of `convergence` as a table; `note` says of what."""
    header = [name.replace("area", "mean of log10(loss)") for name in speeds.columns]
    note = f"{note}. The mean of the logarithm is the area under the curve per step."
    return table_of("Convergence", header, speeds.to_numpy(object).tolist(), note)


def every_row(experiment: Experiment) -> Table:
    """Return every configuration on every test set, with its key, time, loss spikes, code and commit."""
    rows = [
        [row_text(row), row.configuration.key, record["test"], record["status"], record[experiment.metric],
         WORSE if record["worse_than_baseline"] else "", record["train_seconds"], record["loss_spikes"],
         record["code"], record["commit"]]
        for row in experiment.sweep.rows
        for record in (experiment.record(row, test) for test in experiment.sweep.tests)
    ]  # fmt: skip
    header = ("row", "key", "test set", "status", experiment.metric, "caveats", "training [s]", "loss spikes",
              "code", "commit")  # fmt: skip
    return table_of("Rows", header, rows, "A loss spike lies far above the running median of the training loss.")


def segment_table(experiment: Experiment) -> Table:
    """Return what every phase of every distinct segmentation trains and validates on, and how many orbits do both."""
    records = []
    for item in dict.fromkeys(row.configuration.item.segments for row in experiment.sweep.rows):
        counts = experiment.store.manifest_or_missing(*item.address)["counts"]
        records += [{"segments": item.key, **phase} for phase in counts or ()]
    header = list(dict.fromkeys(name for record in records for name in record))
    rows = [[record.get(name) for name in header] for record in records]
    note = (
        "One row per segmentation and phase. Where validation data leak into training, the columns of leaks count the "
        "trajectories that do both."
    )
    return table_of("Segments", [name.replace("_", " ") for name in header], rows, note)


def sweep_files(experiment: Experiment) -> list[tuple[str, str]]:
    """Return for every row its key and a sweep file of this row alone, defaults left out: JSON, which is YAML."""
    tests = [name if item is None else {name: dict(item.config)} for name, item in experiment.sweep.tests.items()]
    files = []
    for row in experiment.sweep.rows[:MOST_ROWS]:
        model = row.configuration.item
        base = {"dataset": dict(model.dataset.config), "model": dict(model.config)}
        content = {"study": experiment.sweep.study, "tests": tests, "base": base}
        files.append((row.configuration.key, json.dumps(content, indent=1)))
    return files


def setting_table(experiment: Experiment) -> Table:
    """Return every setting that all rows share, defaults resolved; the axes are in the leaderboard."""
    configurations = {row.configuration.key: row.configuration.settings() for row in experiment.sweep.rows}
    varied = {path for path, _ in difference(configurations)}
    first = next(iter(configurations.values()))
    rows = [[dotted(place), value_text(value)] for place, value in flatten(first) if dotted(place) not in varied]
    return table_of("Settings of every row", ("setting", "value"), rows)


def provenance_table(experiment: Experiment) -> Table:
    """Return where the numbers come from: code, packages, machine, dates, data, time spent."""
    stored = [experiment.store.manifest(*row.configuration.item.address) for row in experiment.sweep.rows]
    manifests = [manifest for manifest in stored if manifest]
    newest = max(manifests, key=lambda manifest: manifest["created"], default=complete({}))
    oldest = min((manifest["created"] for manifest in manifests), default="")
    commits = {f"{m['commit'] or 'none'}{' with uncommitted changes' if m['dirty'] else ''}" for m in manifests}
    seconds = sum(float(manifest["timings"].get("train", 0.0)) for manifest in manifests)
    rows = [
        ["commit", ", ".join(sorted(commits))],
        ["trained", f"{oldest[:19]} to {newest['created'][:19]} UTC"],
        ["training time", f"{seconds:.0f} s in all"],
        ["device", value_text(newest["device"])],
        ["environment", value_text(newest["environment"])],
        ["versions", ", ".join(f"{name} {number}" for name, number in newest["versions"].items())],
        *[["dataset", key] for key in sorted(set(experiment.table["dataset"]))],
        *[[f"test set {test}", ", ".join(sorted(set(group["test_dataset"])))]
          for test, group in experiment.table.groupby("test", sort=False)],
    ]  # fmt: skip
    return table_of("Origin", ("what", "value"), rows)
