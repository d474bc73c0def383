"""Settings of a model that contradict each other, or would have no effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic.fields import FieldInfo

from trainers.urease.settings import NETWORKS, GaussianHead, Pooling, Schedule

TRAINING = (
    "channels",
    "filters",
    "kernel",
    "pooling",
    "components",
    "known_hidden",
    "dropout",
    "redraw",
    "learning_rate",
    "schedule",
    "weight_decay",
    "clip_norm",
    "batch_size",
    "epochs",
    "patience",
)
"""Settings that only networks have."""


class Settings(Protocol):
    """What conflicts are looked for in: a model configuration."""

    @property
    def kind(self) -> str: ...

    @property
    def durations(self) -> tuple[float, ...]: ...

    @property
    def sampling(self) -> str: ...

    @property
    def channels(self) -> str: ...

    @property
    def gaussian(self) -> GaussianHead: ...

    @property
    def schedule(self) -> Schedule: ...

    @property
    def pooling(self) -> Pooling: ...

    @property
    def epochs(self) -> int: ...

    @property
    def base(self) -> str: ...

    @property
    def redraw(self) -> bool: ...


def conflicts(model: Settings, fields: Mapping[str, FieldInfo]) -> list[tuple[bool, str]]:
    """Return whether settings of a model conflict, and the line that explains each; fields: with their defaults."""
    low, high = model.gaussian.log_variance
    return [
        (
            list(model.durations) != sorted(set(model.durations)),
            f"durations are {list(model.durations)}; expected increasing ones, each once",
        ),
        (
            model.sampling != "bins" and len(model.durations) > 1,
            f"sampling {model.sampling!r} with durations {list(model.durations)}; it takes one prefix, bins take all",
        ),
        (
            model.channels == "source" and len(model.durations) > 1,
            f"channels 'source' with durations {list(model.durations)}; times standardised within a curve hide its "
            "length: expected a single prefix, or channels 'clock'",
        ),
        (low >= high, f"gaussian.log_variance is [{low}, {high}]; expected [lowest, highest]"),
        (
            model.schedule.warmup_epochs >= model.epochs,
            f"schedule.warmup_epochs is {model.schedule.warmup_epochs}, epochs {model.epochs}; expected fewer",
        ),
        (
            model.pooling.name == "average" and model.pooling != Pooling(name="average"),
            "pooling average with settings of weighted means; expected heads and start_bias at their defaults",
        ),
        (
            model.base == "laplace" and model.redraw,
            "base 'laplace' with redraw: the approximation is of the readings as stored; expected redraw: false",
        ),
        *_idle(model, fields),
    ]


def _idle(model: Settings, fields: Mapping[str, FieldInfo]) -> list[tuple[bool, str]]:
    """Return settings that would have no effect: they are refused where they are not at their defaults."""
    network = model.kind in NETWORKS
    owners = [
        (model.sampling == "points", "sampling 'points'", ("points",)),
        (model.sampling == "adaptive", "sampling 'adaptive'", ("target_interval",)),
        (model.sampling == "bins", "sampling 'bins'", ("bins",)),
        (model.sampling != "bins", "interpolated points", ("finer",)),
        (model.kind == "posterior", "kind posterior", ("flow", "embedding", "base")),
        (model.kind == "gaussian", "kind gaussian", ("gaussian", "head_hidden")),
        (network, "networks", TRAINING),
    ]
    return [
        (
            not acts and getattr(model, name) != fields[name].default,
            f"{name} is for {owner}; kind is {model.kind!r}, sampling {model.sampling!r}: leave it out",
        )
        for acts, owner, names in owners
        for name in names
    ]
