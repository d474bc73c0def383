"""Which axes act together: what two of them explain beyond what each explains alone."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.identity.canonical import compact
from assets.statistics.experiment import Experiment, is_seed

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("first", "second", "rows", "share_first", "share_second", "share_both", "interaction")

Array = np.ndarray


def interactions(experiment: Experiment) -> pd.DataFrame:
    """Return for every two axes their shares of the variance of the scores; see COLUMNS.

    share_first, share_second: what each explains alone; share_both: the two side by side, `s ~ a_i + b_j`;
    interaction: what every pair of values for itself, `s ~ c_ij`, explains beyond that. Of the logarithms where all
    scores are positive. Seeds and all other axes are the rest of the variance.
    """
    import pandas as pd

    rows = [row for setting in experiment.settings for row in experiment.usable(setting)]
    rows = [row for row in rows if math.isfinite(experiment.score(row))]
    scores = np.array([experiment.score(row) for row in rows], float)
    scores = np.log(scores) if len(scores) and (scores > 0).all() else scores
    values = {axis: [compact(row.axes[axis]) for row in rows] for axis in experiment.sweep.axes if not is_seed(axis)}
    several = [axis for axis, found in values.items() if len(set(found)) > 1]
    found = [
        {"first": a, "second": b, "rows": len(rows), **shares(scores, values[a], values[b])}
        for a, b in combinations(several, 2)
    ]
    return pd.DataFrame(found, columns=list(COLUMNS)).sort_values("interaction", ascending=False, ignore_index=True)


def shares(scores: Array, first: list[str], second: list[str]) -> dict[str, Any]:
    """Return the shares of the variance of scores (N,) that two groupings explain, alone, side by side and together."""
    a, b = _dummies(first), _dummies(second)
    both = _dummies([f"{one}|{other}" for one, other in zip(first, second, strict=True)])
    additive = np.concatenate([a, b], axis=1)
    alone, beside, together = (
        [_explained(scores, a), _explained(scores, b)], _explained(scores, additive), _explained(scores, both)
    )  # fmt: skip
    told = {"share_first": alone[0], "share_second": alone[1], "share_both": beside}
    return told | {"interaction": max(0.0, together - beside)}


def _dummies(groups: list[str]) -> Array:
    """Return indicator columns (N, G)."""
    return (np.array(groups)[:, None] == np.array(sorted(set(groups)))[None]).astype(float)


def _explained(scores: Array, columns: Array) -> float:
    """Return the share of the variance that a least-squares fit on the columns explains; NaN without variance."""
    centred = scores - scores.mean()
    total = float(centred @ centred)
    fitted = columns @ np.linalg.lstsq(columns, scores, rcond=None)[0]
    return 1.0 - float(((scores - fitted) ** 2).sum()) / total if total > 0 else math.nan
