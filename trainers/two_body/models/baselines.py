"""Baselines without training: a constant acceleration, and the equation of motion of the data."""

from __future__ import annotations

from trainers.common.baselines import without_steps
from trainers.study import Job, Trained


def train_baseline(job: Job) -> Trained:
    """Return the baseline `job.config.kind` as a model of zero optimiser steps.

    mean_acceleration: the constant that `segment` fitted; true_law: the problem's own acceleration, without weights.
    """
    constant = job.config.kind == "mean_acceleration"
    return without_steps(job, {"acceleration": job.segments.fitted["mean_acceleration"]} if constant else {})
