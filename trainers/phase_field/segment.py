"""Turn snapshots into scores, in one basis that is fitted to the training runs, and split by run.

Whole runs are the samples. The published proportions, 4400 training, 550 validation and 550 test runs, are 8/9 of a
dataset beside a test set of its own.
"""

from __future__ import annotations

import numpy as np

from trainers.common.splits import split
from trainers.phase_field.config import SegmentationConfig
from trainers.phase_field.microstructure.basis import Basis, fit_basis
from trainers.study import Arrays, Segments, Trajectories

Array = np.ndarray


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Prepare and split runs, or take validation runs of their own; those that hold NaN are dropped and counted.

    The one phase, which all phases of a training share, holds for train and validation: `scores` (S, T, K), `first`
    (S, C) the statistics of the first snapshot, `parameters` (S, P), `trajectory` (S,). fitted: the basis, the times,
    the mean of the training scores, the ranges of their parameters. meta: the names of parameters and channels.

    Raises:
        ValueError: the runs have different times, or `basis: none` with another number of channels than `components`.
    """
    count = len(trajectories.t)
    if validation is None:
        train, held_out = split(count, config.train_fraction, config.split_seed)
    else:
        train, held_out = np.arange(count), np.arange(len(validation.t))
    sources = {"train": (trajectories, train), "validation": (validation or trajectories, held_out)}
    used = {side: index[_whole(source, index)] for side, (source, index) in sources.items()}
    basis = _basis(config, trajectories, used["train"])
    t = common_times(trajectories)
    arrays: dict[str, Array] = {}
    for side, (source, _) in sources.items():
        statistics = source.y[used[side]].astype(np.float64)
        arrays |= {
            f"{side}/scores": basis.scores(statistics),
            f"{side}/first": statistics[:, 0],
            f"{side}/parameters": _parameters(source, tuple(trajectories.parameters))[used[side]],
            f"{side}/trajectory": used[side],
        }
    counts = {
        "phase": 0,
        "total_runs": len(train) + len(held_out),
        "train_segments": len(used["train"]),
        "validation_segments": len(used["validation"]),
        "dropped_nan": len(train) + len(held_out) - len(used["train"]) - len(used["validation"]),
        "explained": float(basis.explained.sum()),
    }
    scores = arrays["train/scores"].reshape(-1, len(basis.explained))
    parameters = arrays["train/parameters"]
    fitted = {
        **basis._asdict(),
        "t": t,
        "scores_mean": scores.mean(axis=0),
        "parameters_low": parameters.min(axis=0),
        "parameters_high": parameters.max(axis=0),
    }
    meta = {"parameters": " ".join(trajectories.parameters), "channels": " ".join(trajectories.names)}
    return Segments((arrays,), used["train"], used["validation"], (counts,), fitted, meta)


def common_times(trajectories: Trajectories) -> Array:
    """Return the times (T,) that all runs share.

    Raises:
        ValueError: they do not share them.
    """
    whole = trajectories.t[np.isfinite(trajectories.t).all(axis=1)]
    if not len(whole) or not np.allclose(whole, whole[0], rtol=0, atol=1e-9 * np.ptp(whole[0])):
        raise ValueError("the runs have different times; expected the same snapshots for all, so cut or resample them")
    return np.asarray(whole[0], np.float64)


def _whole(source: Trajectories, index: Array) -> Array:
    """Return which runs (S,) have no NaN."""
    return np.asarray(np.isfinite(source.y[index]).all(axis=(1, 2)))


def _parameters(source: Trajectories, names: tuple[str, ...]) -> Array:
    """Return the parameters (N, P) of these names.

    Raises:
        ValueError: one is missing.
    """
    if missing := [name for name in names if name not in source.parameters]:
        raise ValueError(f"the runs come without {', '.join(missing)}; expected all of {', '.join(names)}")
    rows = [np.asarray(source.parameters[name], np.float64) for name in names]
    return np.stack(rows, axis=1) if rows else np.zeros((len(source.t), 0))


def _basis(config: SegmentationConfig, trajectories: Trajectories, train: Array) -> Basis:
    rows = trajectories.y[train].reshape(-1, trajectories.y.shape[2]).astype(np.float64)
    channels = rows.shape[1]
    if config.basis == "none":
        if channels != config.components:
            raise ValueError(
                f"basis is 'none' with components {config.components}; the runs have {channels} channels, expected "
                "as many"
            )
        variance = rows.var(axis=0)
        return Basis(np.zeros(channels), np.eye(channels), variance / max(variance.sum(), np.finfo(float).tiny))
    return fit_basis(rows, config.components)


def select(arrays: Arrays, side: str, available: str, wanted: tuple[str, ...]) -> Array:
    """Return the parameters (S, P) that a model asks for, of those that its data have.

    Raises:
        ValueError: its data lack one.
    """
    names = available.split()
    if missing := [name for name in wanted if name not in names]:
        raise ValueError(
            f"the data have no {', '.join(missing)}; expected parameters among {', '.join(names) or 'none'}"
        )
    return np.asarray(arrays[f"{side}/parameters"][:, [names.index(name) for name in wanted]])
