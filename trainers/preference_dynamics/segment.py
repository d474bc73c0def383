"""Cut the horizon off series, normalise them, and split them into training and validation by series.

Whole series are the samples: no windows are cut. The published proportions, 70 % training, 15 % validation and 15 %
test, are 14/17 of a dataset that is 85 % of all; test sets are datasets of their own.
"""

from __future__ import annotations

import numpy as np

from trainers.common.splits import split
from trainers.preference_dynamics.config import SegmentationConfig
from trainers.preference_dynamics.series.inputs import inputs_of
from trainers.preference_dynamics.system.equations import Array, actions_of, unknown_names
from trainers.study import Arrays, Segments, Trajectories

SAME_TIME = 1e-6
"""Largest difference of two times that count as the same, in parts of the length of a series [1]."""


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Split series into training and validation, unless there is validation data of its own, and normalise them.

    Series that hold NaN are dropped and counted. The one phase has, for `train` and `validation`, the arrays of
    `Inputs` (`train/x` and so on), `unknowns` (S, Q) in the flat order, and `trajectory` (S,), the index in the
    dataset. fitted: `t`, and over the training series mean, std and range of unknowns, forecasts and features.
    meta: the number of actions, and the rule by which the systems were accepted.

    Raises:
        ValueError: the channels are not desires and efforts, the unknowns of the series are missing, or the series have
            different times.
    """
    actions, count = actions_of(trajectories.names), len(trajectories.t)
    if validation is None:
        train, held_out = split(count, config.train_fraction, config.split_seed)
    else:
        train, held_out = np.arange(count), np.arange(len(validation.t))
    sources = {"train": (trajectories, train), "validation": (validation or trajectories, held_out)}
    arrays: dict[str, Array] = {}
    t = _common_times(trajectories, validation or trajectories)
    for side, (source, index) in sources.items():
        unknowns = _unknowns(source, actions)
        finite = np.isfinite(source.y).all(axis=(1, 2)) & np.isfinite(unknowns).all(axis=1)
        index = index[finite[index]]
        inputs = inputs_of(config, source.y[index], t)
        arrays |= {f"{side}/{name}": array for name, array in inputs._asdict().items()}
        arrays |= {f"{side}/unknowns": unknowns[index], f"{side}/trajectory": index}
    members = {side: arrays[f"{side}/trajectory"] for side in sources}
    counts = {
        "phase": 0,
        "total_series": len(train) + len(held_out),
        "train_segments": len(members["train"]),
        "validation_segments": len(members["validation"]),
        "dropped_nan": len(train) + len(held_out) - len(members["train"]) - len(members["validation"]),
    }
    fitted = _statistics(arrays, t)
    meta = {"actions": actions, "stability": trajectories.meta.get("stability", "none")}
    return Segments((arrays,), members["train"], members["validation"], (counts,), fitted, meta)


def _common_times(*sources: Trajectories) -> Array:
    """Return the times (T,) of the whole series of all sources: a model takes their points by number.

    Raises:
        ValueError: they are not the same.
    """
    whole = [source.t[np.isfinite(source.y).all(axis=(1, 2))] for source in sources]
    t = next((rows[0] for rows in whole if len(rows)), sources[0].t[0])
    for rows in whole:
        same = rows.shape[1] == len(t) and np.allclose(rows, t, rtol=0, atol=SAME_TIME * float(np.ptp(t)))
        if len(rows) and not same:
            raise ValueError(
                "the series have different times; expected the same for all of them, validation included: interpolate "
                "them to one grid, or fit them one by one with `orrery fit`"
            )
    return t


def _unknowns(trajectories: Trajectories, actions: int) -> Array:
    names = unknown_names(actions)
    missing = [name for name in names if name not in trajectories.parameters]
    if missing:
        raise ValueError(f"the series come without {', '.join(missing)}; training expects all of {', '.join(names)}")
    return np.stack([trajectories.parameters[name] for name in names], axis=1)


def _statistics(arrays: Arrays, t: Array) -> dict[str, Array]:
    """Return mean, std and range of targets and features over the training series; NaN without any."""
    fitted = {"t": t}
    for name in ("unknowns", "forecast", "features"):
        values = arrays[f"train/{name}"]
        values = values if len(values) else np.full((1, values.shape[1]), np.nan)
        fitted |= {f"{name}_mean": values.mean(axis=0), f"{name}_std": values.std(axis=0)}
        fitted |= {f"{name}_low": values.min(axis=0), f"{name}_high": values.max(axis=0)}
    return fitted
