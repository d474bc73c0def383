"""Baselines without training: a constant acceleration, and the equation of motion of the data."""

from __future__ import annotations

import pandas as pd

from trainers.study import Job, Trained


def train_baseline(job: Job) -> Trained:
    """Return the baseline `job.config.kind` as a model of zero optimiser steps.

    mean_acceleration: the constant that `segment` fitted; true_law: the problem's own acceleration, without weights.
    """
    fitted = job.segments.fitted
    constant = {"acceleration": fitted["mean_acceleration"]} if job.config.kind == "mean_acceleration" else {}
    weights = {f"{which}/{name}": array for which in ("best", "last") for name, array in constant.items()}
    return Trained(
        key=job.key,
        weights=weights,
        state={},
        history=pd.DataFrame({name: [] for name in ("phase", "step", "learning_rate", "loss", "validation_loss")}),
        timings={"trace": 0.0, "compile": 0.0, "train": 0.0},
        counts={"parameters": sum(array.size for array in constant.values()), "steps": 0, "solver_steps": 0},
        fitted=fitted,
        meta=job.segments.meta,
    )
