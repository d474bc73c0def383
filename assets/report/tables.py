"""The tables of a report, every cell as text: leaderboard, effects, failures, settings, rows and their origin."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.identity.paths import dotted, flatten
from assets.identity.text import cell, ranged, shown
from assets.statistics.convergence import convergence
from assets.statistics.effects import SCALES
from assets.statistics.experiment import Experiment, short
from assets.sweeps.diff import difference

if TYPE_CHECKING:
    import pandas as pd

    from assets.report.neighbours import Neighbours
    from assets.sweeps.sweep import Row

MOST_ROWS = 300


@dataclass(frozen=True)
class Shown:
    """A table for people."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def of_rows(self, firsts: Sequence[str]) -> Shown:
        """Return the table with those rows alone whose first cell is one of some, and without its note."""
        return Shown(self.title, self.header, tuple(row for row in self.rows if row[0] in firsts))


def shown_table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "") -> Shown:
    """Return a table of at most 300 rows, with a note on how many there are beyond."""
    cut = tuple(tuple(map(cell, row)) for row in rows[:MOST_ROWS])
    more = f"{len(rows) - len(cut)} more rows are in the table of the store. " if len(rows) > len(cut) else ""
    return Shown(title, tuple(header), cut, more + note)


def ranking(experiment: Experiment, board: pd.DataFrame) -> Shown:
    """Return the ranking over all test sets: one row per setting with its score."""
    axes = [axis for axis in experiment.sweep.axes if axis in board]
    unit = next(filter(None, board["unit"]), "1")
    stopped = ["stopped"] if "stopped" in board else []
    header = ["rank", *map(short, axes), "status", "seeds", *stopped, f"score [{unit}]", "marks", "keys"]
    doubts = board[board["test"].isin(experiment.tests)].groupby("keys", sort=False)["marks"].agg(_together)
    rows = [
        [row["rank"], *[shown(row[axis]) for axis in axes], row["status"], row["seeds"], *[row[s] for s in stopped],
         ranged(row["score"], row["score_low"], row["score_high"]), doubts.get(row["keys"], ""), row["keys"]]
        for row in board.drop_duplicates("keys").to_dict("records")
    ]  # fmt: skip
    return shown_table("All test sets", header, rows, f"Score: the mean of {experiment.metric} over the test sets.")


def _together(marks: Sequence[str]) -> str:
    """Join the marks of several test sets, each once."""
    return "; ".join(dict.fromkeys(mark for text in marks for mark in text.split("; ") if mark))


def leaderboards(experiment: Experiment, board: pd.DataFrame) -> Iterator[Shown]:
    """Yield the leaderboard of each test set, those that rank first."""
    axes = [axis for axis in experiment.sweep.axes if axis in board]
    others = [name for name in ("train", "gap") if name in board] + list(experiment.study.headline[1:])
    for test in sorted(experiment.sweep.tests, key=lambda test: test not in experiment.tests):
        table = board[board["test"] == test]
        unit = next(filter(None, table["unit"]), "1")
        header = ["rank", *map(short, axes), "status", "seeds", f"mean [{unit}]", "marks", "median", "iqr", "worst"]
        rows = [
            [row["rank"], *[shown(row[axis]) for axis in axes], row["status"], row["seeds"],
             ranged(row["mean"], row["low"], row["high"]), row["marks"], row["median"], row["iqr"], row["worst"],
             *[row[name] for name in others], row["keys"]]
            for row in table.to_dict("records")
        ]  # fmt: skip
        data, on, code = (", ".join(sorted(set(filter(None, table[name])))) for name in
                          ("test_dataset", "dataset", "code"))  # fmt: skip
        note = f"{experiment.metric}; test set {test}: {data}; trained on {on}; code {code}"
        names = [name.replace("_", " ") for name in others]
        yield shown_table(f"Test set {test}", [*header, *names, "keys"], rows, note)


def effect_table(table: pd.DataFrame, metric: str) -> Shown:
    """Return the paired comparisons of the axes."""
    rows = [
        [short(row["axis"]), shown(row["a"]), shown(row["b"]), f"{row['better_b']} of {row['pairs']}",
         SCALES[row["scale"]], ranged(row["effect"], row["low"], row["high"]),
         row["p"], row["p_holm"], row["verdict"]]
        for row in table.to_dict("records")
    ]  # fmt: skip
    header = ("axis", "a", "b", "b is better in", "scale", "effect", "p", "p corrected", "verdict")
    note = (
        f"Of {metric}, averaged over the test sets that rank; a pair differs in this axis alone, seed included. "
        "Permutation test of paired samples, corrected for the number of comparisons (Holm)."
    )
    return shown_table("Comparisons", header, rows, note)


def axis_table(values: pd.DataFrame) -> Shown:
    """Return what every value of every axis reached."""
    rows = [
        [short(row["axis"]), shown(row["value"]), row["runs"], row["best"], row["median"],
         ranged(row["mean"], row["low"], row["high"]), _percent(row["importance"])]
        for row in values.to_dict("records")
    ]  # fmt: skip
    header = ("axis", "value", "runs", "best", "median", "mean", "share of the variance")
    return shown_table("Axes", header, rows, "Over all other axes and seeds; the best case stands beside the average.")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else ""


def interaction_table(found: pd.DataFrame) -> Shown:
    """Return which axes act together."""
    rows = [
        [short(row["first"]), short(row["second"]), row["rows"],
         *[_percent(row[name]) for name in ("share_first", "share_second", "share_both", "interaction")]]
        for row in found.to_dict("records")
    ]  # fmt: skip
    header = (
        "axis",
        "and axis",
        "rows",
        "the first alone",
        "the second alone",
        "side by side",
        "beyond that, together",
    )
    return shown_table("Interactions", header, rows, "Shares of the variance of the scores of all rows that are ok.")


def rival_table(against: pd.DataFrame) -> Shown:
    """Return the comparisons of the best setting with the others."""
    rows = [
        [row["setting"], f"{row['pairs'] - row['better']} of {row['pairs']}", SCALES[row["scale"]],
         ranged(row["effect"], row["low"], row["high"]), row["p"], row["p_holm"],
         "worse" if row["told"] else "cannot be told"]
        for row in against.to_dict("records")
    ]  # fmt: skip
    header = ("b", "a, the first, is better in", "scale", "effect", "p", "p corrected", "verdict")
    return shown_table("The first against the others", header, rows, "Paired by seed, on the same test trajectories.")


def neighbour_table(found: Sequence[Neighbours]) -> Shown:
    """Return the neighbours in rank with the command that compares them."""
    rows = [[f"{pair.rank} and {pair.rank + 1}", *pair.settings, f"orrery compare {pair.first} {pair.other}"]
            for pair in found]  # fmt: skip
    header = ("rank", "a", "b", "side by side")
    return shown_table("Neighbours in rank", header, rows, "Each by the median seed of a, and the same seed of b.")


def failures(experiment: Experiment) -> Shown:
    """Return every row that is not ok, with where it ended and why."""
    rows = []
    for row in experiment.sweep.rows:
        if (status := experiment.status(row)) != "ok":
            rows.append([axes_text(row), row.configuration.key, status, *_end_of(experiment, row)])
    header = ("row", "key", "status", "stage", "phase", "step", "detail")
    return shown_table("Rows that are not ok", header, rows)


def _end_of(experiment: Experiment, row: Row) -> list[Any]:
    """Return stage, phase, step and detail of the first stored failure of a row."""
    for item in (row.configuration.item, *row.evaluations):
        manifest = experiment.store.manifest(*item.address) or {}
        if failure := manifest.get("failure"):
            return [failure.get(name) for name in ("stage", "phase", "step", "detail")]
    return ["", "", "", experiment.planner.verdict(row.configuration.item).reason]


def axes_text(row: Row) -> str:
    """Return the axes of a row in one line."""
    return ", ".join(f"{short(axis)} {shown(value)}" for axis, value in row.axes.items())


def convergence_table(experiment: Experiment) -> Shown:
    """Return how fast the trainings of every setting came down: medians over its seeds."""
    rows = {row.configuration.key: row for setting in experiment.settings for row in experiment.usable(setting)}
    known = {key: history_of(experiment, row) for key, row in rows.items()}
    table = convergence({key: history for key, history in known.items() if len(history)})
    settings = {row.configuration.key: setting.text for setting in experiment.settings for row in setting.rows}
    if not len(table):
        return shown_table("Convergence", (), [])
    table.insert(0, "setting", table.pop("name").map(settings))
    middle: pd.DataFrame = table.groupby("setting", sort=False).median().reset_index()
    of = "Of the training loss, medians over seeds; a seed that does not reach a loss does not count there"
    return speed_table(middle, of)


def speed_table(found: pd.DataFrame, of: str) -> Shown:
    """Return what `convergence` found; `of` says of what."""
    header = [name.replace("area", "mean of log10(loss)") for name in found.columns]
    note = f"{of}. The mean of the logarithm is the area under the curve per step."
    return shown_table("Convergence", header, found.to_numpy(object).tolist(), note)


def history_of(experiment: Experiment, row: Row) -> pd.DataFrame:
    """Return the history of the training of a row."""
    return experiment.store.open(*row.configuration.item.address).table("history")


def every_row(experiment: Experiment) -> Shown:
    """Return every configuration on every test set, with what is needed to find and make it again."""
    rows = [
        [axes_text(row), row.configuration.key, record["test"], record["status"], record[experiment.metric],
         record["train_seconds"], record["code"], record["commit"]]
        for row in experiment.sweep.rows
        for record in (experiment.record(row, test) for test in experiment.sweep.tests)
    ]  # fmt: skip
    header = ("row", "key", "test set", "status", experiment.metric, "training [s]", "code", "commit")
    return shown_table("Rows", header, rows)


def recipes(experiment: Experiment) -> list[tuple[str, str]]:
    """Return for every row its key and a sweep file that makes it alone: JSON, which is YAML."""
    return [(row.configuration.key, recipe(experiment, row)) for row in experiment.sweep.rows[:MOST_ROWS]]


def recipe(experiment: Experiment, row: Row) -> str:
    """Return a sweep file of one row, defaults left out."""
    model = row.configuration.item
    tests = [
        name if item is None else {name: dict(item.config)} for name, item in experiment.sweep.tests.items()
    ]  # fmt: skip
    base = {"dataset": dict(model.dataset.config), "model": dict(model.config)}
    return json.dumps({"study": experiment.sweep.study, "tests": tests, "base": base}, indent=1)


def settings(experiment: Experiment) -> Shown:
    """Return every setting that all rows share, defaults resolved; the axes are in the leaderboard."""
    configurations = {row.configuration.key: row.configuration.settings() for row in experiment.sweep.rows}
    varied = {path for path, _ in difference(configurations)}
    first = next(iter(configurations.values()))
    rows = [[dotted(place), shown(value)] for place, value in flatten(first) if dotted(place) not in varied]
    return shown_table("Settings of every row", ("setting", "value"), rows)


def provenance(experiment: Experiment) -> Shown:
    """Return where the numbers come from: code, packages, machine, dates, data, time spent."""
    manifests = [experiment.store.manifest(*row.configuration.item.address) or {} for row in experiment.sweep.rows]
    made = [manifest for manifest in manifests if manifest]
    newest = max(made, key=lambda manifest: manifest["created"], default={})
    commits = sorted({f"{m['commit'] or 'none'}{' with uncommitted changes' if m['dirty'] else ''}" for m in made})
    seconds = sum(float(manifest.get("timings", {}).get("train", 0.0)) for manifest in made)
    rows = [
        ["commit", ", ".join(commits)],
        ["trained", f"{min((m['created'] for m in made), default='')[:19]} to {newest.get('created', '')[:19]} UTC"],
        ["training time", f"{seconds:.0f} s in all"],
        ["device", shown(newest.get("device", ""))],
        ["environment", shown(newest.get("environment", {}))],
        ["versions", ", ".join(f"{name} {number}" for name, number in newest.get("versions", {}).items())],
        *[["dataset", key] for key in sorted(set(experiment.table["dataset"]))],
        *[[f"test set {test}", ", ".join(sorted(set(group["test_dataset"])))]
          for test, group in experiment.table.groupby("test", sort=False)],
    ]  # fmt: skip
    return shown_table("Origin", ("what", "value"), rows)
