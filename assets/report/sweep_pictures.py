"""The pictures of a report: over the whole sweep, and of the best and the worst setting beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.canonical import compact
from assets.identity.paths import dotted, flatten
from assets.identity.text import value_text
from assets.report import axis_figures, sweep_figures
from assets.report.heat_maps import RATIO, heat_map, mapped_pairs, segment_ratios
from assets.report.model_tables import tables_of
from assets.report.pictures import (
    Picture,
    across_figures,
    compared_figures,
    compared_pictures,
    picture_of,
    study_pictures,
)
from assets.statistics.best_against_rest import median_row, ranked_settings
from assets.statistics.experiment import Experiment, Setting, row_text
from assets.sweeps.sweep_file import TRAIN

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row

MOST_COMPARED = 8
"""Settings that a figure shows side by side."""


def sweep_pictures(experiment: Experiment, board: pd.DataFrame, values: pd.DataFrame) -> Iterator[Picture]:
    """Draw the figures over the whole sweep; `values` is the frame of `axis_values`."""
    label, metric = sweep_label(experiment), experiment.metric
    of_metric = {"metric": metric, "unit": next(filter(None, board["unit"]), "") if len(board) else ""}
    of_board = {"board": board, "axes_names": [axis for axis in experiment.sweep.axes if axis in board]}
    histories = _histories(experiment)
    yield picture_of(sweep_figures.losses, {"histories": histories}, label)
    if sweep_figures.loss_parts(histories):
        yield picture_of(sweep_figures.trade_off, {"histories": histories}, label)
    if not board["score"].notna().any():
        return
    yield picture_of(sweep_figures.ranking, of_board | {"metric": metric}, label)
    if len(values):
        yield picture_of(axis_figures.axis_effects, {"values": values, **of_metric}, label)
    axes = axis_figures.important_axes(values)
    if len(axes) > 2:
        by_importance = {"board": board, "axes_names": axes, "metric": metric}
        yield picture_of(axis_figures.facets, by_importance | {"fixed": shared_settings(experiment)}, label)
        yield picture_of(axis_figures.parallel_settings, by_importance, label)
    for test in experiment.tests:
        scores = _scores(experiment, test)
        own = of_metric | {"scores": scores, "test": test, "ratios": segment_ratios(scores, axes)}
        for first, second in mapped_pairs(scores, axes):
            yield picture_of(heat_map, own | {"first": first, "second": second}, f"{label}; test set {test}")
    if len(experiment.settings) > 1:
        yield picture_of(sweep_figures.spread, {"values": _values(experiment), **of_metric}, label)
    if len(experiment.sweep.tests) > 1:
        yield picture_of(sweep_figures.test_matrix, of_board | {"metric": metric}, label)


def setting_pictures(experiment: Experiment, board: pd.DataFrame) -> Iterator[Picture]:
    """Draw the study's figures of several models, for the median seeds of the first settings in rank."""
    ranked = ranked_settings(experiment, board)[:MOST_COMPARED]
    rows = {setting.text: median_row(experiment, setting) for setting in experiment.settings if setting in ranked}
    if not rows or not compared_figures(experiment.study):
        return
    test = largest_test(experiment, list(rows.values()))
    place = list(experiment.sweep.tests).index(test)
    tables = {
        setting: tables_of(experiment.sweep.study, row.evaluations[place].hash, experiment.store)
        for setting, row in rows.items()
    }
    keys = ", ".join(row.configuration.item.hash for row in rows.values())
    label = f"{sweep_label(experiment)}; median seeds of the settings, keys {keys}, on test set {test}"
    yield from compared_pictures(experiment.study, tables, label)


def sweep_label(experiment: Experiment) -> str:
    """Return the label of a figure over a sweep."""
    tests = ", ".join(experiment.tests)
    datasets = sorted(set(experiment.table["dataset"]))
    data = datasets[0] if len(datasets) == 1 else f"{len(datasets)} datasets"
    codes = sorted({code for code in experiment.table["code"] if code})
    code = codes[0] if len(codes) == 1 else f"{len(codes)} versions"
    axes = ", ".join(experiment.sweep.axes)
    return f"{experiment.sweep.name}; axes {axes}; trained on {data}; test sets {tests}; code {code}"


def shared_settings(experiment: Experiment) -> str:
    """Return the settings that all rows share and that are not at their default."""
    items = [row.configuration.item for row in experiment.sweep.rows]
    trees = [{"dataset": dict(item.dataset.config), "model": dict(item.config)} for item in items]
    flat = [{dotted(place): value for place, value in flatten(tree)} for tree in trees]
    shared = {path: value for path, value in flat[0].items() if all(one.get(path) == value for one in flat[1:])}
    return (
        ", ".join(f"{path.partition('.')[2]} {value_text(value)}" for path, value in shared.items()) or "all defaults"
    )


def _histories(experiment: Experiment) -> dict[str, list[pd.DataFrame]]:
    """Return the histories of all stored runs by setting, those of failed ones up to their end."""
    histories: dict[str, list[pd.DataFrame]] = {}
    for setting in experiment.settings:
        for row in setting.rows:
            address = row.configuration.item.address
            manifest = experiment.store.manifest(*address)
            if manifest and "history.parquet" in manifest["files"]:
                history = experiment.store.open(*address).table("history")
                if len(history):
                    histories.setdefault(setting.text, []).append(history)
    return histories


def _scores(experiment: Experiment, test: str) -> pd.DataFrame:
    """Return the metric of every row that is ok on a test set, with its axes as values that a pivot table accepts.

    Where the study counts a segment ratio, it is a column as well.
    """
    import pandas as pd

    def hashable(value: Any) -> Any:
        return compact(value) if isinstance(value, list | dict) else value

    rows = [row for setting in experiment.settings for row in experiment.usable(setting)]
    records = [(row, experiment.record(row, test)) for row in rows]
    return pd.DataFrame(
        [
            {axis: hashable(value) for axis, value in row.axes.items()}
            | {name: record[name] for name in (RATIO,) if name in record}
            | {"score": float(record[experiment.metric])}
            for row, record in records
        ]
    )


def _values(experiment: Experiment) -> dict[str, dict[str, np.ndarray]]:
    """Return the finite values of the metric per seed and trajectory, by test set and setting."""
    values: dict[str, dict[str, np.ndarray]] = {}
    for test in experiment.tests:
        for setting in experiment.settings:
            if rows := experiment.usable(setting):
                (sample,) = experiment.samples(rows, [test])
                finite = sample.values[np.isfinite(sample.values)]
                if finite.size:
                    values.setdefault(test, {})[setting.text] = finite
    return values


def best_and_worst(experiment: Experiment, board: pd.DataFrame) -> list[tuple[str, Setting]]:
    """Return the best setting and, where there are several, the worst one with a rank; empty where none has one."""
    ranked = ranked_settings(experiment, board)
    return [("best", setting) for setting in ranked[:1]] + [("worst", setting) for setting in ranked[1:][-1:]]


def largest_test(experiment: Experiment, rows: Sequence[Row]) -> str:
    """Return the test set with the most trajectories, `train` only if there is no other."""
    tests = experiment.tests or (TRAIN,)
    sizes = {test: experiment.samples(rows, [test])[0].values.shape[1] for test in tests}
    return max(sizes, key=lambda test: sizes[test])


def row_pictures(experiment: Experiment, row: Row, test: str) -> list[Picture]:
    """Draw the figures of the study for one row on one test set."""
    item, record = row.evaluations[list(experiment.sweep.tests).index(test)], experiment.record(row, test)
    label = (
        f"{row_text(row)}; key {row.configuration.key}; trained on {record['dataset']}; "
        f"test set {test} ({record['test_dataset']}); code {record['code']}"
    )
    tables = tables_of(item.study, item.hash, experiment.store)
    return list(study_pictures(experiment.study, tables, label))


def across_tests(experiment: Experiment, row: Row) -> list[Picture]:
    """Draw the figures of the study that show one row on all its test sets at once."""
    sweep, store = experiment.sweep, experiment.store
    tables = {
        test: tables_of(sweep.study, item.hash, store) for test, item in zip(sweep.tests, row.evaluations, strict=True)
    }
    label = f"{row_text(row)}; key {row.configuration.key}; test sets {', '.join(tables)}"
    return list(compared_pictures(experiment.study, tables, label, across_figures(experiment.study)))
