"""Curricula: training phases one after another, and horizons that grow within a phase."""

from __future__ import annotations

import numpy as np

from trainers.common.config import CurriculumPhase, HorizonCurriculum
from trainers.common.schedules import Schedule, learning_rates, schedule_named


def schedule_of(phase: CurriculumPhase) -> Schedule:
    """Return the schedule that the flat fields of a phase describe."""
    return schedule_named(
        phase.schedule,
        warmup=phase.warmup,
        final=phase.final_rate,
        factor=phase.plateau_factor,
        patience=phase.plateau_patience,
        floor=phase.plateau_floor,
    )


def phase_rates(phase: CurriculumPhase, step: np.ndarray) -> np.ndarray:
    """Return the learning rates (K,) of steps k (K,) of a phase, before the factor of a plateau rule [1/step]."""
    return learning_rates(schedule_of(phase), phase.learning_rate, step, phase.steps)


def horizon_points(horizon: HorizonCurriculum, step: np.ndarray, full: int) -> np.ndarray:
    """Return the horizon (K,) at steps k (K,): how many of the `full` points of a window count in the loss.

    linear: `min(first + floor((full - first) k / over), full)`; switch: `first` while k < `over`, then `full`.
    """
    k, first = np.asarray(step), min(horizon.first, full)
    if horizon.growth == "switch":
        return np.where(k < horizon.over, first, full)
    return np.minimum(first + (full - first) * k // horizon.over, full)
