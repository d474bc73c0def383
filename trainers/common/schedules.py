"""Learning rates as functions of the step within a training phase, for JAX and torch alike.

A rate is computed on the host, outside the compiled program, so that programs are compiled once for every schedule. It
is the product of the peak and of the shape at this step (`learning_rates`). Under a plateau rule it is multiplied once
more, by a factor that falls at checks without progress (`Plateau`); that factor belongs to the resumable state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from trainers.study import Config

ScheduleName = Literal["constant", "linear", "cosine", "warmup_cosine", "plateau"]
"""Names of schedules in configurations; `warmup_cosine` is a cosine after a warm-up of `WARM_UP`."""

WARM_UP = 0.05
"""Warm-up of `warmup_cosine` unless the configuration has one: fraction of the phase."""


class Schedule(Config):
    """How the learning rate changes within a phase, in parts of its peak.

    Source: Goyal et al. (2017) for the warm-up; Loshchilov & Hutter, SGDR (2017), for the cosine.
    """

    shape: Literal["constant", "linear", "cosine", "plateau"] = "constant"
    """What follows the warm-up. linear, cosine: fall to `final` at the end; plateau: fall when a score stalls."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of the phase in which the rate rises linearly to the peak [1]; good values 0 to 0.1."""
    start: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Rate before the first step of the warm-up, in parts of the peak [1]."""
    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    """linear, cosine: rate after the last step, in parts of the peak [1]."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """plateau: what the rate is multiplied by [1]; good values 0.1 to 0.7."""
    patience: Annotated[int, Field(ge=1)] = 5
    """plateau: checks in a row without progress before the rate falls [1]; good values 5 to 20."""
    threshold: Annotated[float, Field(ge=0, lt=1)] = 1e-3
    """plateau: smallest fall of the score that counts as progress, relative to the best score [1]."""
    floor: Annotated[float, Field(ge=0, le=1)] = 2.0**-10
    """plateau: smallest rate, in parts of the peak [1]."""

    @property
    def depends_on_length(self) -> bool:
        """Whether a phase of more steps has other rates from its beginning on."""
        return self.shape in ("linear", "cosine") or self.warmup > 0

    def warmup_steps(self, steps: int) -> int:
        """Return the number of warm-up steps in a phase of `steps`."""
        return max(1, round(self.warmup * steps)) if self.warmup else 0


CONSTANT = Schedule()


def schedule_named(name: str, **fields: float) -> Schedule:
    """Return the schedule of a name; `fields` are the other fields of `Schedule`.

    Raises:
        ValueError: the name is unknown.
    """
    if name == "warmup_cosine":
        return Schedule(shape="cosine", **{**fields, "warmup": fields.get("warmup") or WARM_UP})  # type: ignore[arg-type]
    if name not in ("constant", "linear", "cosine", "plateau"):
        raise ValueError(f"unknown schedule {name!r}; expected constant, linear, cosine, warmup_cosine or plateau")
    return Schedule(shape=name, **fields)  # type: ignore[arg-type]


def learning_rates(schedule: Schedule | str, peak: float, step: np.ndarray, steps: int) -> np.ndarray:
    """Return the learning rates (K,) of steps k (K,) = 0 ... n - 1 of a phase with n steps [1/step].

    warm-up:            `peak (s + (1 - s) (k + 1)/w)` over the first w = max(1, round(warmup n)) steps, if `warmup` > 0
    constant, plateau:  `peak`; under a plateau rule to be multiplied by `Plateau.factor`
    linear:             `peak (f + (1 - f) (1 - x))`
    cosine:             `peak (f + (1 - f) (1 + cos(pi x))/2)`

    with x = (k - w)/(n - w), s = `start` and f = `final`, so that a step after the last one would have the rate f peak.
    Each phase starts its schedule anew.
    """
    schedule = schedule if isinstance(schedule, Schedule) else schedule_named(schedule)
    k, rise = np.asarray(step, dtype=np.float64), schedule.warmup_steps(steps)
    x = (k - rise) / max(1, steps - rise)
    fall = {"linear": 1 - x, "cosine": (1 + np.cos(np.pi * x)) / 2}.get(schedule.shape, np.ones_like(x))
    up = schedule.start + (1 - schedule.start) * (k + 1) / max(1, rise)
    return peak * np.where(k < rise, up, schedule.final + (1 - schedule.final) * fall)


@dataclass(frozen=True)
class Plateau:
    """The state of a plateau rule within a phase: three numbers, stored in the resumable state."""

    factor: float = 1.0
    """What the rate is multiplied by."""
    best: float = np.inf
    """Lowest score so far."""
    stalled: int = 0
    """Checks since that score was reached, or since the rate last fell."""

    def update(self, score: float, schedule: Schedule) -> Plateau:
        """Return the state after one more check; a score of NaN is no progress."""
        # best (1 - threshold) lies above a negative best, such as a log likelihood: the sign makes it lie below
        if score < self.best * (1 - np.copysign(schedule.threshold, self.best)):
            return replace(self, best=float(score), stalled=0)
        if self.stalled + 1 < schedule.patience:
            return replace(self, stalled=self.stalled + 1)
        return replace(self, stalled=0, factor=max(schedule.floor, self.factor * schedule.factor))


def after_check(schedule: Schedule, plateau: Plateau, score: float, step: int, steps: int) -> Plateau:
    """Return the plateau state after a check with a score (smaller is better) at `step` of a phase of `steps`.

    It stays as it is under a schedule without a plateau rule, and during the warm-up, in which the rate still rises.
    """
    if schedule.shape != "plateau" or step < schedule.warmup_steps(steps):
        return plateau
    return plateau.update(score, schedule)
