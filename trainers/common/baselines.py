"""Baselines: models fitted without optimiser steps, ranked in the leaderboard like any other."""

from __future__ import annotations

import pandas as pd

from trainers.common.named_arrays import prefixed
from trainers.study import Arrays, Job, Trained


def without_steps(job: Job, weights: Arrays, fitted: Arrays | None = None, seconds: float = 0.0) -> Trained:
    """Return a model of zero optimiser steps: its weights are both best and last, its history is empty.

    Args:
        weights: what the fit determined, by name; copied into `best/` and `last/`.
        fitted: further arrays beside those of the segments; they replace these where names agree.
        seconds: duration of the fit [s].
    """
    return Trained(
        key=job.key,
        weights={**prefixed("best", weights), **prefixed("last", weights)},
        state={},
        history=pd.DataFrame({name: [] for name in ("phase", "step", "learning_rate", "loss", "validation_loss")}),
        timings={"train": seconds},
        counts={"parameters": sum(array.size for array in weights.values()), "steps": 0},
        fitted={**job.segments.fitted, **(fitted or {})},
        meta={**job.segments.meta, "device": "cpu"},
    )
