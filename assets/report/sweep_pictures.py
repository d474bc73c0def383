"""The figures of a report: over the whole sweep, and of the best and the worst setting side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from assets.identity.paths import dotted, flatten
from assets.identity.text import shown
from assets.report import sweep_figures
from assets.report.model_tables import tables_of
from assets.report.pictures import Picture, compared_figures, compared_pictures, drawn, study_pictures
from assets.report.tables import axes_text
from assets.report.trade_off import loss_parts, trade_off
from assets.statistics.best_against_rest import ranked_settings
from assets.statistics.experiment import Experiment, Setting
from assets.sweeps.sweep_file import TRAIN

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row


def sweep_pictures(experiment: Experiment, board: pd.DataFrame, values: pd.DataFrame) -> Iterator[Picture]:
    """Draw the figures over the whole sweep."""
    label, metric = sweep_label(experiment), experiment.metric
    unit = next(filter(None, board["unit"]), "") if len(board) else ""
    names = [axis for axis in experiment.sweep.axes if axis in board]
    histories = _histories(experiment)
    yield drawn(sweep_figures.losses, {"histories": histories}, label)
    if loss_parts(histories):
        yield drawn(trade_off, {"histories": histories}, label)
    if not board["score"].notna().any():
        return
    yield drawn(sweep_figures.ranking, {"board": board, "axes_names": names, "metric": metric}, label)
    if len(values):
        yield drawn(sweep_figures.axis_effects, {"values": values, "metric": metric, "unit": unit}, label)
    several = sweep_figures.important_axes(values)
    if len(several) > 2:
        told = {"board": board, "axes_names": several, "metric": metric, "fixed": fixed_text(experiment)}
        yield drawn(sweep_figures.facets, told, label)
        told = {"board": board, "axes_names": several, "metric": metric}
        yield drawn(sweep_figures.parallel_settings, told, label)
    for first, second in sweep_figures.axis_pairs(values):
        told = {"scores": _scores(experiment), "first": first, "second": second, "metric": metric, "unit": unit}
        yield drawn(sweep_figures.heat_map, told, label)
    if len(experiment.sweep.tests) > 1:
        yield drawn(sweep_figures.test_matrix, {"board": board, "axes_names": names, "metric": metric}, label)


MOST_COMPARED = 8
"""Settings that a figure shows side by side."""


def setting_pictures(experiment: Experiment, board: pd.DataFrame) -> Iterator[Picture]:
    """Draw what the study shows of several models: of the first settings in rank the median seeds, in their order."""
    ranked = ranked_settings(experiment, board)[:MOST_COMPARED]
    rows = {setting.text: median_row(experiment, setting) for setting in experiment.settings if setting in ranked}
    if not rows or not compared_figures(experiment.study):
        return
    test = largest_test(experiment, list(rows.values()))
    place = list(experiment.sweep.tests).index(test)
    hashes = {setting: row.evaluations[place].hash for setting, row in rows.items()}
    tables = {setting: tables_of(experiment.sweep.study, hash, experiment.store) for setting, hash in hashes.items()}
    keys = ", ".join(row.configuration.item.hash for row in rows.values())
    label = f"{sweep_label(experiment)}; median seeds of the settings, keys {keys}, on test set {test}"
    yield from compared_pictures(experiment.study, tables, label)


def sweep_label(experiment: Experiment) -> str:
    """Return what a figure over a sweep is of."""
    tests = ", ".join(experiment.tests)
    datasets = sorted(set(experiment.table["dataset"]))
    data = datasets[0] if len(datasets) == 1 else f"{len(datasets)} datasets"
    codes = sorted({code for code in experiment.table["code"] if code})
    code = codes[0] if len(codes) == 1 else f"{len(codes)} versions"
    axes = ", ".join(experiment.sweep.axes)
    return f"{experiment.sweep.name}; axes {axes}; trained on {data}; test sets {tests}; code {code}"


def fixed_text(experiment: Experiment) -> str:
    """Return the settings that all rows share and that are not at their default."""
    trees = [{"dataset": dict(row.configuration.item.dataset.config),
              "model": dict(row.configuration.item.config)} for row in experiment.sweep.rows]  # fmt: skip
    flat = [{dotted(place): value for place, value in flatten(tree)} for tree in trees]
    shared = {path: value for path, value in flat[0].items() if all(one.get(path) == value for one in flat[1:])}
    return ", ".join(f"{path.partition('.')[2]} {shown(value)}" for path, value in shared.items()) or "all defaults"


def row_label(experiment: Experiment, row: Row, test: str) -> str:
    """Return what a figure of one row on one test set is of."""
    record = experiment.record(row, test)
    return (
        f"{axes_text(row)}; key {row.configuration.key}; trained on {record['dataset']}; "
        f"test set {test} ({record['test_dataset']}); code {record['code']}"
    )


def _histories(experiment: Experiment) -> dict[str, list[pd.DataFrame]]:
    """Return the histories of the runs that ended, by setting; those of failed ones as far as they got."""
    found: dict[str, list[pd.DataFrame]] = {}
    for setting in experiment.settings:
        for row in setting.rows:
            address = row.configuration.item.address
            manifest = experiment.store.manifest(*address)
            if manifest and "history.parquet" in manifest["files"]:
                history = experiment.store.open(*address).table("history")
                found.setdefault(setting.text, []).extend([history] if len(history) else [])
    return {setting: runs for setting, runs in found.items() if runs}


def _scores(experiment: Experiment) -> pd.DataFrame:
    """Return the score of every row that is ok, with its axes as values that a table can be made of."""
    import pandas as pd

    from assets.identity.canonical import compact

    def plain(value: Any) -> Any:
        return compact(value) if isinstance(value, list | dict) else value

    rows = [row for setting in experiment.settings for row in experiment.usable(setting)]
    return pd.DataFrame(
        [{axis: plain(value) for axis, value in row.axes.items()} | {"score": experiment.score(row)} for row in rows]
    )


def chosen_settings(experiment: Experiment, board: pd.DataFrame) -> list[tuple[str, Setting]]:
    """Return the best setting and, where there are several, the worst one that has a rank; none where none has."""
    ordered = ranked_settings(experiment, board)
    return [("best", setting) for setting in ordered[:1]] + [("worst", setting) for setting in ordered[1:][-1:]]


def median_row(experiment: Experiment, setting: Setting) -> Row:
    """Return the row of a setting whose score is the median of its seeds, the lower one of two."""
    ordered = sorted(experiment.usable(setting), key=experiment.score)
    return ordered[(len(ordered) - 1) // 2]


def largest_test(experiment: Experiment, rows: Sequence[Row]) -> str:
    """Return the test set with the most trajectories, `train` only if there is no other."""
    tests = experiment.tests or (TRAIN,)
    sizes = {test: experiment.samples(rows, [test])[0].values.shape[1] for test in tests}
    return max(sizes, key=lambda test: sizes[test])


def row_pictures(experiment: Experiment, row: Row, test: str) -> list[Picture]:
    """Draw the figures of the study for one row on one test set."""
    item = row.evaluations[list(experiment.sweep.tests).index(test)]
    tables = tables_of(item.study, item.hash, experiment.store)
    return list(study_pictures(experiment.study, tables, row_label(experiment, row, test)))
