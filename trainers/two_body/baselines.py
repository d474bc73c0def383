"""Models that need no training: the constant acceleration and the generating law."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainers.study import Job, Segments, Trained


def mean_acceleration(segments: Segments) -> np.ndarray:
    """Return the mean acceleration (3,) of the last phase's training segments, in the network's units.

    The mean of the finite differences `(v_(k+1) - v_k)/(t_(k+1) - t_k)` over all intervals, so that it knows the data
    alone and no law.
    """
    phase = segments.phases[-1]
    rates = np.diff(phase["train/y"][..., 3:], axis=1) / np.diff(phase["train/t"], axis=1)[..., None]
    return rates.reshape(-1, 3).mean(axis=0)


def train_baseline(job: Job) -> Trained:
    """Return the baseline `job.config.kind`, trained in no steps."""
    constant = {"acceleration": mean_acceleration(job.segments)} if job.config.kind == "mean_acceleration" else {}
    weights = {f"{which}/{name}": array for which in ("best", "last") for name, array in constant.items()}
    return Trained(
        key=job.key,
        weights=weights,
        state={},
        history=pd.DataFrame({name: [] for name in ("phase", "step", "learning_rate", "loss", "validation_loss")}),
        timings={"trace": 0.0, "compile": 0.0, "train": 0.0},
        counts={"parameters": sum(array.size for array in constant.values()), "steps": 0, "solver_steps": 0},
        fitted=fitted_of(job.segments),
        meta=job.segments.meta,
    )


def fitted_of(segments: Segments) -> dict[str, np.ndarray]:
    """Return what the segmentation fitted, and the constant that every evaluation compares with."""
    return {**segments.fitted, "mean_acceleration": mean_acceleration(segments)}
