"""Pruning: at every report a training is compared with the complete trials at the same part of their training.

The worker has the rule and the curves of the complete trials. It decides at its own reports, so that no decision
depends on how fast a message travels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from trainers.study import Progress

if TYPE_CHECKING:
    import pandas as pd

WHOLE = 100
"""The end of a training [%]."""

Curve = dict[int, float]
"""Value of the objective by the part of the training that is done [%]."""


@dataclass(frozen=True)
class Pruning:
    """The rule by which one trial may end early."""

    objective: str
    maximise: bool
    keep: float
    """Trials that continue past each interim value [%]."""
    startup_trials: int
    warmup: int
    interval: int
    """Both in percent of the training [%]."""
    curves: tuple[Curve, ...] = field(repr=False)
    """Curves of the complete trials."""

    def json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Pruning:
        """Return what `json` described."""
        curves = tuple(_of_text(curve) for curve in value["curves"])
        return cls(**{**value, "curves": curves})


class Judge:
    """Judge one training at its reports."""

    def __init__(self, rule: Pruning) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.rule = rule
        self.curve: Curve = {}
        pruner = optuna.pruners.PercentilePruner(rule.keep, rule.startup_trials, rule.warmup)
        study = optuna.create_study(
            direction=direction_of(rule.maximise), pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0)
        )
        for curve in rule.curves:
            study.add_trial(optuna.create_trial(value=curve[WHOLE], intermediate_values=curve))
        self._trial = study.ask()

    def __call__(self, progress: Progress) -> bool:
        """Return whether the training shall end now."""
        value = progress.losses.get(self.rule.objective, math.nan)
        part = part_of(progress.step, progress.total_steps, self.rule.interval)
        if not math.isfinite(value) or not part or part <= max(self.curve, default=0):
            return False
        self._see(part, float(value))
        return part < WHOLE and self._trial.should_prune()  # at its end, a training is complete

    def restore(self, text: str) -> None:
        """Restore the reports of an interrupted training, unless the objective or interval changed."""
        stored = json.loads(text)
        for part, value in _of_text(stored["seen"]).items() if stored["by"] == self._by else ():
            self._see(part, value)

    @property
    def report(self) -> str:
        """The interim values so far, as text for a checkpoint."""
        return json.dumps({"by": self._by, "seen": self.curve})

    @property
    def _by(self) -> list[Any]:
        return [self.rule.objective, self.rule.interval]

    def _see(self, part: int, value: float) -> None:
        self.curve[part] = value
        self._trial.report(value, part)


def direction_of(maximise: bool) -> Literal["maximize", "minimize"]:
    """Return a direction as Optuna spells it."""
    return "maximize" if maximise else "minimize"


def part_of(step: int, total: int, interval: int) -> int:
    """Return the part of a training that is done, rounded down to a multiple of `interval` [%].

    >>> part_of(333, 1000, 5)
    30
    """
    return WHOLE * step // total // interval * interval if total else 0


def curve_of(history: pd.DataFrame, objective: str, total: int, interval: int) -> Curve:
    """Return the value of a training at each multiple of the interval: the first one measured there or later.

    Where it ended early by itself, the last value holds to the end.
    """
    values = history[["step", objective]].dropna()
    curve: Curve = {}
    for part in [*range(interval, WHOLE, interval), WHOLE] if len(values) else ():
        later = values[values["step"] * WHOLE >= part * total]
        curve[part] = float(later[objective].iloc[0] if len(later) else values[objective].iloc[-1])
    return curve


def _of_text(curve: Mapping[Any, float]) -> Curve:
    """Return a curve whose keys went through JSON."""
    return {int(part): float(value) for part, value in curve.items()}
