"""The contract of a study: five pure functions and the few data types that cross a stage.

Dimension letters used in every docstring of the project:

    N trajectories   T times        C channels of the state    U channels of the input
    S segments       L points per segment                      P parameters
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Arrays = Mapping[str, "np.ndarray"]
"""Named arrays: what a stage stores, and all that a checkpoint holds."""

SETTLED = ("skipped:zero_segments", "diverged", "solver_failed")
"""Failures that the configuration itself causes: stored, and not repeated while nothing changes."""

REPEATABLE = ("oom", "disk_full", "interrupted", "pruned", "killed", "failed")
"""Ends that say nothing of the configuration: the next run tries again, or goes on where a search lost interest."""

STATUSES = ("ok", *SETTLED, *REPEATABLE)


class Config(BaseModel):
    """A frozen configuration: unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class ModelConfigBase(Config):
    """What the house needs to know of every model configuration."""

    shared: ClassVar[tuple[str, ...]] = ()
    """Paths that may differ within a cohort since the compiled program stays the same: `phases[*].learning_rate`."""

    seed: int = 0
    """Seed of every random choice of the training [integer >= 0]."""

    def segmentation(self) -> Config:
        """Project the fields that `segment` needs; two models with equal projections share their segments."""
        raise NotImplementedError

    def at_once(self) -> int:
        """Return how many members of a cohort on the same segments `train` should be handed at once."""
        return 1

    def prefixes(self) -> tuple[ModelConfigBase, ...]:
        """Return this configuration cut after each phase but the last, shortest first."""
        return ()

    def lineage(self) -> tuple[ModelConfigBase, int] | None:
        """Return what configurations share that differ only in how long they train last, and that length [steps].

        Of two of one lineage the longer passes through the end of the shorter, and goes on from there bit for bit. None
        where it does not: the length changes the way, as under a schedule that knows its end.
        """
        return None


@dataclass(frozen=True)
class Trajectories:
    """Simulated or measured trajectories.

    t (N, T) times, y (N, T, C) states; NaN pads trajectories of unequal length at their end.
    """

    t: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]
    units: tuple[str, ...]
    time_unit: str
    inputs: np.ndarray | None = None
    """(N, T, U) control inputs."""
    input_names: tuple[str, ...] = ()
    input_units: tuple[str, ...] = ()
    parameters: Arrays = field(default_factory=dict)
    """(N,) each: the numbers that make one trajectory differ from the next."""
    parameter_units: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str | float | int | bool] = field(default_factory=dict)
    """What holds for the whole set: constants, the name of the problem."""
    drift: Arrays = field(default_factory=dict)
    """(N,) each: largest relative change of a conserved quantity along each trajectory."""
    drift_tolerance: float = 1e-8


@dataclass(frozen=True)
class Segments:
    """Windows of trajectories, one mapping of named arrays per training phase, split by trajectory."""

    phases: tuple[Arrays, ...]
    """Per phase `train/<name>` and `validation/<name>`, first axis S, such as `train/t` (S, L), `train/y` (S, L, C)."""
    train: np.ndarray
    """(N_train,) indices of the training trajectories."""
    validation: np.ndarray
    """(N_validation,) indices of the validation trajectories; may be empty."""
    counts: tuple[Mapping[str, int | float | str], ...]
    """One row per phase: trajectories, segments used and dropped, segment ratio, ..."""
    fitted: Arrays = field(default_factory=dict)
    """What was fitted on training data (scales, bases); copied into `Trained`."""

    @property
    def usable(self) -> bool:
        """Whether every phase has at least one training segment."""
        return all(row["train_segments"] > 0 for row in self.counts)  # type: ignore[operator]


@dataclass(frozen=True)
class Job:
    """One training: its key, its configuration, its segments and, to go on from, a stored state."""

    key: str
    config: Any
    segments: Segments
    state: Arrays | None = None


@dataclass(frozen=True)
class Progress:
    """What a training says of itself from time to time."""

    key: str
    phase: int
    step: int
    """Optimiser steps done in all phases together."""
    total_steps: int
    losses: Mapping[str, float]
    state: Callable[[], Arrays]
    """Yield the resumable state; called only when a checkpoint is due."""
    phase_end: bool = False


Report = Callable[[Progress], bool]
"""Receive progress; a true answer asks the training to stop and keep its best."""


@dataclass(frozen=True)
class Trained:
    """A trained model."""

    key: str
    weights: Arrays
    """`best/<name>`, `last/<name>` and the same per phase: `phase0/best/<name>`."""
    state: Arrays
    """All that is needed to go on bit for bit: weights, optimiser, random state, schedule, history."""
    history: pd.DataFrame
    """Columns phase, step, learning_rate, loss, one per loss part, and `validation_*` (NaN where not measured)."""
    timings: Mapping[str, float]
    """Seconds by the monotonic clock: trace, compile, train."""
    counts: Mapping[str, int]
    """parameters, steps, solver steps, ..."""
    fitted: Arrays = field(default_factory=dict)
    stopped: bool = False
    """Whether `report` asked to stop before the last step."""


@dataclass(frozen=True)
class Failed:
    """A training that did not end well, with what can be kept of it."""

    key: str
    status: Literal["skipped:zero_segments", "diverged", "solver_failed", "failed"]
    stage: str
    phase: int
    step: int
    detail: str
    partial: Trained | None = None
    """The best model so far and the history up to the failure."""


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of one model on one test set."""

    summary: pd.DataFrame
    """Tidy: metric, value, unit, n. Holds the study's headline and the row `baseline`: what the trivial constant
    predictor reaches on the same test set, in the unit of the first headline metric."""
    tables: Mapping[str, pd.DataFrame]
    """Named tables behind the summary: errors per trajectory and step, rollouts of a reference panel, ...

    `per_trajectory` is the one that every study has: `trajectory`, `n` (finite points, the weight of the trajectory)
    and a column per metric that is a mean over trajectories, the first headline metric among them, such that
    `sum(n x) / sum(n)` is the value in the summary. Intervals and paired comparisons resample its rows."""


@dataclass(frozen=True)
class Stage:
    """A function that is imported when first called."""

    module: str
    name: str

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return getattr(import_module(self.module), self.name)(*arguments, **options)


@dataclass(frozen=True)
class Study:
    """A study: two configuration types, named datasets and five pure functions.

    The functions live in the module of their name inside `package` and are imported at first call:

        simulate(DatasetConfig) -> Trajectories
        segment(model.segmentation(), Trajectories) -> Segments
        train(Sequence[Job], report) -> iterator of Trained | Failed, one per job, in order
        apply(ModelConfig, Trained) -> the predictor in the study's own terms
        evaluate(ModelConfig, Trained, test name, Trajectories) -> Evaluation
    """

    name: str
    title: str
    framework: Literal["jax", "torch"]
    package: str
    dataset: type[Config]
    model: type[ModelConfigBase]
    presets: Mapping[str, Config]
    """Datasets by name, older names included."""
    headline: tuple[str, ...]
    """Metrics that a leaderboard shows per test set; the first one ranks, smaller is better."""
    older: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """Reader of an older sweep format: mapping -> mapping in the present form."""

    def stage(self, name: str) -> Stage:
        """Return the stage function `name` without importing its module."""
        return Stage(f"{self.package}.{name}", name)

    def simulate(self, config: Config) -> Trajectories:
        """Simulate a dataset."""
        return self.stage("simulate")(config)

    def segment(self, config: Config, trajectories: Trajectories) -> Segments:
        """Cut trajectories into training and validation segments."""
        return self.stage("segment")(config, trajectories)

    def train(self, jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
        """Train the jobs of one cohort, one after another, through one compiled program."""
        return self.stage("train")(jobs, report)

    def apply(self, config: Config, trained: Trained) -> Any:
        """Return the predictor of a trained model."""
        return self.stage("apply")(config, trained)

    def evaluate(self, config: Config, trained: Trained, name: str, test: Trajectories) -> Evaluation:
        """Evaluate a trained model on one test set."""
        return self.stage("evaluate")(config, trained, name, test)
