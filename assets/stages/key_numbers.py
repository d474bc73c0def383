"""Key numbers of an artifact, for plots over partitions: sizes, final losses, loss spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainers.study import Evaluation, Failed, Segments, Study, Trained, Trajectories

if TYPE_CHECKING:
    import pandas as pd

BASELINE = "baseline"

WINDOW = 51
"""Length of the window of the running median [steps]."""

DEVIATIONS = 6.0
"""How far above the median a spike is, in standard deviations of a normal distribution."""

LEAST_RATIO = 2.0
"""A spike is at least this many times the median."""


MOST_FITTED = 12
"""Entries of an array that was fitted on training data up to which people can read it."""


def numbers_of(study: Study, artifact: Trajectories | Segments | Trained | Evaluation) -> dict[str, float]:
    """Return a handful of floats that describe an artifact."""
    if isinstance(artifact, Trajectories):
        return _trajectories(artifact)
    if isinstance(artifact, Segments):
        return _segments(artifact)
    if isinstance(artifact, Trained):
        return _model_numbers(artifact)
    return _evaluation(study, artifact)


def fitted_numbers(segments: Segments) -> dict[str, list[float]]:
    """Return what was fitted on training data as far as it is a few numbers, such as the ranges of the states."""
    few = {name: array for name, array in segments.fitted.items() if 0 < array.size <= MOST_FITTED}
    return {name: array.ravel().astype(float).tolist() for name, array in few.items() if array.dtype.kind in "fiu"}


def rows_of(artifact: Trajectories | Segments | Trained | Evaluation) -> int:
    """Return trajectories, training segments, steps of the history, or rows of the summary."""
    if isinstance(artifact, Trajectories):
        return len(artifact.t)
    if isinstance(artifact, Segments):
        return int(_segments(artifact)["train_segments"])
    return len(artifact.history if isinstance(artifact, Trained) else artifact.summary)


def last_numbers(failed: Failed, reported: dict[str, float]) -> dict[str, float]:
    """Return what was measured last before a failure, as `last_<name>`: the last row of a history, else of a report."""
    if failed.partial is None or not len(failed.partial.history):
        return reported
    row = failed.partial.history.iloc[-1].drop(["phase", "step"]).dropna()
    return {f"last_{name}": float(value) for name, value in row.items()}


def loss_spikes(history: pd.DataFrame) -> dict[str, Any]:
    """Return the number of loss spikes, and the step and ratio of the largest.

    A step of a phase belongs to a spike where

        log(loss) - m > max(6 * 1.4826 * median |log(loss) - m|, log 2),   m the median of log(loss) over 51 steps,

    neighbouring steps being one spike; the ratio is loss / exp(m). The scaled median deviation (Hampel, 1974) is not
    moved by the spikes themselves. Losses that are not positive have no logarithm and are left out.
    """
    import numpy as np
    import pandas as pd

    excesses = [_excess(phase) for _, phase in history.groupby("phase")] if "phase" in history else []
    excess = pd.concat(excesses) if excesses else pd.Series(dtype=float)
    spiking = excess.notna()
    count = int((spiking & ~spiking.shift(fill_value=False)).sum())
    if not count:
        return {"count": 0}
    largest = int(np.nanargmax(excess))
    step, height = excess.index.to_numpy()[largest], excess.to_numpy()[largest]
    return {"count": count, "step": int(step), "ratio": float(np.exp(height))}


def _excess(phase: pd.DataFrame) -> pd.Series:
    """Return log(loss) - m of the steps that spike, NaN elsewhere, by step."""
    import numpy as np

    losses = phase.set_index("step")["loss"].astype(float)
    logs = losses.where(losses > 0).transform("log")
    above = logs - logs.rolling(WINDOW, center=True, min_periods=1).median()
    spread = 1.4826 * above.abs().rolling(WINDOW, center=True, min_periods=1).median()
    return above.where(above > np.maximum(DEVIATIONS * spread, np.log(LEAST_RATIO)))


def _trajectories(artifact: Trajectories) -> dict[str, float]:
    drifts = [float(drift.max()) for drift in artifact.drift.values() if drift.size]
    largest = {"largest_drift": max(drifts)} if drifts else {}
    return {"trajectories": float(artifact.t.shape[0]), "points": float(artifact.t.shape[1])} | largest


def _segments(artifact: Segments) -> dict[str, float]:
    counted = {
        name: float(sum(float(row.get(name, 0)) for row in artifact.counts))
        for name in ("train_segments", "validation_segments")
    }
    counted["train_trajectories"] = float(len(artifact.train))
    counted["validation_trajectories"] = float(len(artifact.validation))
    return counted


def _model_numbers(artifact: Trained) -> dict[str, float]:
    losses = {name: artifact.history[name].dropna() for name in ("loss", "validation_loss") if name in artifact.history}
    final = {f"final_{name}": float(values.iloc[-1]) for name, values in losses.items() if len(values)}
    best = {f"best_{name}": float(values.min()) for name, values in losses.items() if len(values)}
    return final | best | {name: float(count) for name, count in artifact.counts.items()}


def _evaluation(study: Study, artifact: Evaluation) -> dict[str, float]:
    values = _values(artifact.summary)
    metrics = {name: values[name] for name in (*study.headline, BASELINE) if name in values}
    return {"headline": values[study.headline[0]], **metrics}


def _values(summary: pd.DataFrame) -> dict[str, float]:
    return dict(zip(summary["metric"], summary["value"].astype(float), strict=True))
