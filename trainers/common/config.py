"""Settings that the configurations of several studies share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trainers.common.schedules import ScheduleName
from trainers.study import Config, PhaseBase


class CurriculumPhase(PhaseBase):
    """A phase of optimiser steps under one learning-rate schedule.

    Weights and moments carry over from the phase before unless `start` or `optimiser_state` says otherwise: two equal
    phases of n steps at a constant rate are the same training as one phase of 2n. A model whose `phases` are of this
    class gets prefixes and warm starts from the contract, see `ModelConfigBase`.
    """

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-3
    """Peak of the learning rate [1/step]."""
    schedule: ScheduleName = "constant"
    """How the rate changes within the phase. linear, cosine: falls to `final_rate`; plateau: falls when the validation
    (or training) loss stalls."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of the phase in which the rate rises linearly to its peak [1]; warmup_cosine: 0 stands for 0.05."""
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """linear, cosine: rate at the end, in parts of the peak [1]."""
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """plateau: what the rate is multiplied by when the loss has stalled [1]."""
    plateau_patience: Annotated[int, Field(ge=1)] = 5
    """plateau: checks in a row without progress before the rate falls [integer]."""
    plateau_floor: Annotated[float, Field(ge=0, le=1)] = 2.0**-10
    """plateau: smallest rate, in parts of the peak [1]."""
    start: Literal["last", "best"] = "last"
    """Weights that the phase starts from: the last ones of the phase before, or its best. The first phase has none."""
    optimiser_state: Literal["keep", "reset"] = "keep"
    """Whether the optimiser's moments carry over from the phase before."""


class HorizonCurriculum(Config):
    """How the number of points of a window that count in the loss grows during a phase.

    A sudden switch makes the loss jump; linear growth does not. Losses over different horizons are not comparable: give
    each horizon a phase of its own where a plateau rule or the choice of the best weights depends on them.
    """

    first: Annotated[int, Field(ge=1)]
    """Points at the first step."""
    over: Annotated[int, Field(ge=1)]
    """Steps until all points count."""
    growth: Literal["linear", "switch"] = "linear"
    """linear: one point after another; switch: all at once."""
