"""Effects of the axes: paired comparisons of their values, scores at each value, and which axes interact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.canonical import compact
from assets.statistics.experiment import Experiment, Setting, is_seed
from assets.statistics.intervals import estimate, scores
from assets.statistics.paired_comparison import compare_rows, holm, verdict

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row

EFFECTS = (
    "axis", "a", "b", "pairs", "better_b", "scale", "effect", "low", "high", "p", "p_holm", "p_permutation", "verdict"
)  # fmt: skip
AXIS_VALUES = ("axis", "value", "runs", "best", "median", "mean", "low", "high", "importance")
INTERACTIONS = ("first", "second", "rows", "share_first", "share_second", "share_both", "interaction")

Array = np.ndarray


def effects(experiment: Experiment) -> pd.DataFrame:
    """Compare every two values of every axis, all other axes and the seed held equal; columns: EFFECTS.

    Most columns are those of `compare_samples`; p_holm is p corrected for the number of comparisons in this table
    (Holm 1979).
    """
    import pandas as pd

    comparisons = [
        {"axis": axis, "a": a, "b": b, **compare_rows(experiment, pairs_of(experiment, axis, a, b))}
        for axis in experiment.sweep.axes
        if not is_seed(axis)
        for a, b in combinations(_values(experiment, axis), 2)
    ]
    table = pd.DataFrame(comparisons, columns=[name for name in EFFECTS if name not in ("p_holm", "verdict")])
    table["p_holm"] = holm(table["p"].to_numpy(float), experiment.analyses)
    table["verdict"] = [verdict(row) for row in table.to_dict("records")]
    return table[list(EFFECTS)]


def pairs_of(experiment: Experiment, axis: str, a: Any, b: Any) -> list[tuple[Row, Row]]:
    """Return the rows at two values of an axis that are equal in all else, seed included, and ok."""

    def equal_elsewhere(first: Setting, second: Setting) -> bool:
        return all(compact(value) == compact(second.axes[name]) for name, value in first.axes.items() if name != axis)

    at_a, at_b = (
        [setting for setting in experiment.settings if compact(setting.axes[axis]) == compact(value)]
        for value in (a, b)
    )
    return [
        pair
        for first in at_a
        for second in at_b
        if equal_elsewhere(first, second)
        for pair in experiment.pairs(first, second, axis)
    ]


def _values(experiment: Experiment, axis: str) -> list[Any]:
    """Return the values of an axis in the order of the sweep."""
    return list({compact(setting.axes[axis]): setting.axes[axis] for setting in experiment.settings}.values())


def axis_values(experiment: Experiment) -> pd.DataFrame:
    """Summarise the scores at every value of every axis over all rows that are ok; columns: AXIS_VALUES.

    best, median and mean are those of the scores, the mean being the geometric one of positive scores; low and high
    are its 95 % interval; importance is the share of the variance of the scores (see `_variance_scale`) between the
    values of the axis.
    """
    import pandas as pd

    rows = _scored_rows(experiment)
    records: list[dict[str, Any]] = []
    for axis in experiment.sweep.axes if experiment.tests else ():
        if is_seed(axis):
            continue
        groups = [compact(row.axes[axis]) for row in rows]
        importance = _explained_variance(_variance_scale(experiment, rows), _indicators(groups))
        for value in _values(experiment, axis):
            at_value = [row for row, group in zip(rows, groups, strict=True) if group == compact(value)]
            records.append(
                {"axis": axis, "value": value, **_row_numbers(experiment, at_value), "importance": importance}
            )
    return pd.DataFrame(records, columns=list(AXIS_VALUES))


def _row_numbers(experiment: Experiment, rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {"runs": 0, **dict.fromkeys(("best", "median", "mean", "low", "high"), math.nan)}
    samples = experiment.samples(rows)
    values, mean = scores(samples), estimate(samples)
    centre = {"best": float(values.min()), "median": float(np.median(values)), "mean": mean.value}
    return {"runs": len(rows), **centre, "low": mean.low, "high": mean.high}


def interactions(experiment: Experiment) -> pd.DataFrame:
    """Return for every two axes their shares of the variance of the scores; columns: INTERACTIONS.

    share_first, share_second: explained by one axis alone; share_both: by the two additively, `s ~ a_i + b_j`;
    interaction: the additional share of a value for every pair, `s ~ c_ij`. Seeds and all other axes make up the rest.
    """
    import pandas as pd

    rows = _scored_rows(experiment)
    values = _variance_scale(experiment, rows)
    groups = {axis: [compact(row.axes[axis]) for row in rows] for axis in experiment.sweep.axes if not is_seed(axis)}
    varied = [axis for axis, group in groups.items() if len(set(group)) > 1]
    records = [
        {"first": a, "second": b, "rows": len(rows), **shares(values, groups[a], groups[b])}
        for a, b in combinations(varied, 2)
    ]
    table = pd.DataFrame(records, columns=list(INTERACTIONS))
    return table.sort_values("interaction", ascending=False, ignore_index=True)


def shares(values: Array, first: list[str], second: list[str]) -> dict[str, float]:
    """Return the shares of the variance of values (N,) that two groupings explain: alone, additively, interacting."""
    a, b = _indicators(first), _indicators(second)
    cells = _indicators([f"{one}|{other}" for one, other in zip(first, second, strict=True)])
    additive = _explained_variance(values, np.concatenate([a, b], axis=1))
    return {
        "share_first": _explained_variance(values, a),
        "share_second": _explained_variance(values, b),
        "share_both": additive,
        "interaction": max(0.0, _explained_variance(values, cells) - additive),
    }


def _scored_rows(experiment: Experiment) -> list[Row]:
    rows = [row for setting in experiment.settings for row in experiment.usable(setting)]
    return [row for row in rows if math.isfinite(experiment.score(row))]


def _variance_scale(experiment: Experiment, rows: Sequence[Row]) -> Array:
    """Return the scores (N,) on the scale on which variances are compared: logarithms where all are positive."""
    values = np.array([experiment.score(row) for row in rows], float)
    return np.log(values) if len(values) and (values > 0).all() else values


def _indicators(groups: list[str]) -> Array:
    """Return indicator columns (N, G)."""
    return (np.array(groups)[:, None] == np.array(sorted(set(groups)))[None]).astype(float)


def _explained_variance(values: Array, columns: Array) -> float:
    """Return the share of the variance that a least-squares fit on the columns explains; NaN without variance."""
    if not len(values):
        return math.nan
    centred = values - values.mean()
    total = float(centred @ centred)
    fit = columns @ np.linalg.lstsq(columns, values, rcond=None)[0]
    return 1.0 - float(((values - fit) ** 2).sum()) / total if total > 0 else math.nan
