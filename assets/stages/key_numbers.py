"""The few numbers of an artifact that a plot over partitions shows, and its number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.study import Evaluation, Failed, Segments, Study, Trained, Trajectories

if TYPE_CHECKING:
    import pandas as pd

BASELINE = "baseline"


def numbers_of(study: Study, made: Trajectories | Segments | Trained | Evaluation) -> dict[str, float]:
    """Return a handful of floats that describe an artifact."""
    if isinstance(made, Trajectories):
        return _trajectories(made)
    if isinstance(made, Segments):
        return _segments(made)
    if isinstance(made, Trained):
        return _trained(made)
    return _evaluation(study, made)


def rows_of(made: Trajectories | Segments | Trained | Evaluation) -> int:
    """Return trajectories, training segments, steps of the history, or rows of the summary."""
    if isinstance(made, Trajectories):
        return len(made.t)
    if isinstance(made, Segments):
        return int(_segments(made)["train_segments"])
    return len(made.history if isinstance(made, Trained) else made.summary)


def last_numbers(failed: Failed, reported: dict[str, float]) -> dict[str, float]:
    """Return what was measured last before a failure, as `last_<name>`: the last row of a history, else of a report."""
    if failed.partial is None or not len(failed.partial.history):
        return reported
    row = failed.partial.history.iloc[-1].drop(["phase", "step"]).dropna()
    return {f"last_{name}": float(value) for name, value in row.items()}


def _trajectories(made: Trajectories) -> dict[str, float]:
    drifts = [float(drift.max()) for drift in made.drift.values() if drift.size]
    largest = {"largest_drift": max(drifts)} if drifts else {}
    return {"trajectories": float(made.t.shape[0]), "points": float(made.t.shape[1])} | largest


def _segments(made: Segments) -> dict[str, float]:
    counted = {
        name: float(sum(float(row.get(name, 0)) for row in made.counts))
        for name in ("train_segments", "validation_segments")
    }
    sizes = {"train_trajectories": float(len(made.train)), "validation_trajectories": float(len(made.validation))}
    return counted | sizes


def _trained(made: Trained) -> dict[str, float]:
    losses = {name: made.history[name].dropna() for name in ("loss", "validation_loss") if name in made.history}
    final = {f"final_{name}": float(values.iloc[-1]) for name, values in losses.items() if len(values)}
    best = {f"best_{name}": float(values.min()) for name, values in losses.items() if len(values)}
    return final | best | {name: float(count) for name, count in made.counts.items()}


def _evaluation(study: Study, made: Evaluation) -> dict[str, float]:
    values = _values(made.summary)
    shown = {name: values[name] for name in (*study.headline, BASELINE) if name in values}
    return {"headline": values[study.headline[0]], **shown}


def _values(summary: pd.DataFrame) -> dict[str, float]:
    return dict(zip(summary["metric"], summary["value"].astype(float), strict=True))
