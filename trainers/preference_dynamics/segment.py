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


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Split series into training and validation, unless there is validation data of its own, and normalise them.

    Series that hold NaN are dropped and counted. The one phase has, for `train` and `validation`, the arrays of
    `Inputs` (`train/x` and so on), `unknowns` (S, Q) in the flat order, and `trajectory` (S,), the index in the
    dataset. fitted: `t`, and over the training series mean, std and range of unknowns, forecasts and features.
    meta: the number of actions.

    Raises:
        ValueError: the channels are not desires and efforts, or the unknowns of the series are missing.
    """
    actions, count = actions_of(trajectories.names), len(trajectories.t)
    if validation is None:
        train, held_out = split(count, config.train_fraction, config.split_seed)
    else:
        train, held_out = np.arange(count), np.arange(len(validation.t))
    sources = {"train": (trajectories, train), "validation": (validation or trajectories, held_out)}
    arrays: dict[str, Array] = {}
    for side, (source, index) in sources.items():
        unknowns = _unknowns(source, actions)
        finite = np.isfinite(source.y).all(axis=(1, 2)) & np.isfinite(unknowns).all(axis=1)
        index = index[finite[index]]
        inputs = inputs_of(config, source.y[index], source.t[0])
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
    fitted = _statistics(arrays, trajectories.t[0])
    return Segments((arrays,), members["train"], members["validation"], (counts,), fitted, {"actions": actions})


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
