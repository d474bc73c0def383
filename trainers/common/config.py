"""Settings that the configurations of several studies share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trainers.common.schedules import ScheduleName
from trainers.study import Config, PhaseBase


class CurriculumPhase(PhaseBase):
    """A phase of optimiser steps under one learning-rate schedule.

    With equal fields two phases of n steps at a constant rate are one phase of 2n: weights and moments carry over
    unless `start` and `optimiser_state` say otherwise. A model's `phases` of these have prefixes and warm starts by the
    contract, see `ModelConfigBase`.
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
    """How many points of a window count in the loss while training goes on.

    A hard switch lets the loss jump; growth does not. Losses of different horizons do not compare: give each horizon a
    phase of its own where a plateau rule or the best weights depend on them.
    """

    first: Annotated[int, Field(ge=1)]
    """Points at the first step."""
    over: Annotated[int, Field(ge=1)]
    """Steps until all points count."""
    growth: Literal["linear", "switch"] = "linear"
    """linear: one point after another; switch: all at once."""
