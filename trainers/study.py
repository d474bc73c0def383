"""The contract of a study: five pure functions, `fit` as a sixth, and the few data types that pass between them.

Dimension letters used in every docstring of the project:

    N trajectories   T times        C channels of the state    U channels of the control input
    S segments       L points per segment                      P parameters
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, get_args

from trainers.configurations import Config as Config
from trainers.configurations import DatasetConfigBase as DatasetConfigBase
from trainers.configurations import DatasetSettings as DatasetSettings
from trainers.configurations import ModelConfigBase as ModelConfigBase
from trainers.configurations import PhaseBase as PhaseBase
from trainers.estimates import Estimates as Estimates

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Arrays = Mapping[str, "np.ndarray"]
"""Named arrays: what a stage stores, and all that a checkpoint holds."""

Meta = Mapping[str, str | float | int | bool]
"""Named facts that are no arrays: the name of a problem, the number of actions, a length in seconds."""

Role = Literal["unknown", "known", "nuisance"]
"""What a parameter of a trajectory is to a model: to be inferred, told to it, or neither."""

Device = Literal["cpu", "gpu", "auto"]
"""Where a study is asked to compute; auto: on the GPU if there is one."""

Settled = Literal["skipped:zero_segments", "diverged", "solver_failed"]
"""Failures that the configuration itself causes: stored, and not repeated while nothing changes."""

Repeatable = Literal["oom", "disk_full", "interrupted", "pruned", "killed", "failed"]
"""Ends that say nothing of the configuration: the next run tries again, or resumes what a search pruned."""

Status = Literal["ok"] | Settled | Repeatable

SETTLED: tuple[Settled, ...] = get_args(Settled)
REPEATABLE: tuple[Repeatable, ...] = get_args(Repeatable)
STATUSES: tuple[Status, ...] = ("ok", *SETTLED, *REPEATABLE)


@dataclass(frozen=True)
class Trajectories:
    """Simulated or measured trajectories.

    t (N, T) times, y (N, T, C) states, float64 or float32; NaN pads trajectories of unequal length at their end.

    Raises:
        ValueError: a role or unit is given for a parameter that does not exist, or a role is not a `Role`.
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
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Role of each parameter; a parameter without one is unknown."""
    arrays: Arrays = field(default_factory=dict)
    """Arrays of any shape that the whole set shares: a grid, radii, the centres of bins."""
    meta: Meta = field(default_factory=dict)
    """What holds for the whole set: constants, the name of the problem."""
    drift: Arrays = field(default_factory=dict)
    """(N,) each: largest relative change of a conserved quantity along each trajectory."""
    drift_tolerance: float = 1e-8

    def __post_init__(self) -> None:
        for what, names in (("roles", self.roles), ("parameter_units", self.parameter_units)):
            if strangers := sorted(set(names) - set(self.parameters)):
                expected = ", ".join(self.parameters) or "no parameter"
                raise ValueError(f"{what} names {', '.join(strangers)}; expected {expected}")
        for name, role in self.roles.items():
            if role not in get_args(Role):
                raise ValueError(f"roles: {name} is {role!r}; expected one of {', '.join(get_args(Role))}")

    def parameters_as(self, role: Role) -> Arrays:
        """Return the parameters of one role, in their order."""
        return {name: values for name, values in self.parameters.items() if self.roles.get(name, "unknown") == role}


@dataclass(frozen=True)
class Segments:
    """Windows of trajectories, one mapping of named arrays per training phase, split by trajectory."""

    phases: tuple[Arrays, ...]
    """Per phase `train/<name>` and `validation/<name>`, first axis S, such as `train/t` (S, L), `train/y` (S, L, C)."""
    train: np.ndarray
    """(N_train,) indices of the training trajectories."""
    validation: np.ndarray
    """(N_validation,) indices of the validation trajectories, in the validation dataset if it is one of its own; may be
    empty."""
    counts: tuple[Mapping[str, int | float | str], ...]
    """One row per phase: trajectories, segments used and dropped, segment ratio, ..."""
    fitted: Arrays = field(default_factory=dict)
    """What was fitted on training data (scales, bases); copied into `Trained`."""
    meta: Meta = field(default_factory=dict)
    """What a model must know of its data besides; copied into `Trained`."""

    @property
    def usable(self) -> bool:
        """Whether every phase has at least one training segment; Orrery trains on nothing else."""
        return all(int(row["train_segments"]) > 0 for row in self.counts)


@dataclass(frozen=True)
class Job:
    """One training: its key, its configuration, its usable segments and, to resume from, a stored state."""

    key: str
    config: Any
    segments: Segments
    state: Arrays | None = None
    device: Device = "cpu"
    """Where to compute, for a framework that has to be told."""


@dataclass(frozen=True)
class Progress:
    """What a training reports from time to time."""

    key: str
    phase: int
    step: int
    """Optimiser steps done in all phases together."""
    total_steps: int
    losses: Mapping[str, float]
    state: Callable[[], Arrays]
    """Return the resumable state; called only when a checkpoint is due."""
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
    """All that is needed to resume bit for bit: weights, optimiser, random state, schedule, history."""
    history: pd.DataFrame
    """Columns phase, step, learning_rate, loss, one per loss part, and `validation_*` (NaN where not measured).

    Any further numeric column is allowed (teacher forcing, noise, an epoch) and can be plotted."""
    timings: Mapping[str, float]
    """Seconds by the monotonic clock: trace, compile, train."""
    counts: Mapping[str, int]
    """parameters, steps, solver steps, ..."""
    fitted: Arrays = field(default_factory=dict)
    meta: Meta = field(default_factory=dict)
    stopped: bool = False
    """Whether `report` asked to stop before the last step."""

    def fact(self, name: str) -> str | float | int | bool:
        """Return a fact of `meta`.

        Raises:
            ValueError: the model was trained before its study stored this fact.
        """
        if name not in self.meta:
            raise ValueError(
                f"model {self.key} holds no {name!r}: it was trained by an older version of its study; train it again "
                "with `orrery run` and the name of its sweep"
            )
        return self.meta[name]


@dataclass(frozen=True)
class Place:
    """How far the making of an artifact came: its stage and, in a training, phase and optimiser steps."""

    stage: str
    phase: int = 0
    step: int = 0
    """Optimiser steps done in all phases together."""


@dataclass(frozen=True)
class Failed:
    """A stage that did not end well, with what can be kept of it. A study says diverged, solver_failed or failed."""

    key: str
    status: Settled | Repeatable
    place: Place
    detail: str
    """One line: what happened, and what to change."""
    partial: Trained | None = None
    """The best model so far and the history up to the failure."""


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of one model on one test set."""

    summary: pd.DataFrame
    """Tidy: metric, value, unit, n. Holds the study's headline and the row `baseline`: what the trivial constant
    predictor reaches on the same test set, in the unit of the first headline metric. A row `unresolved` counts the
    trajectories whose numerical error exceeds the study's tolerance: it becomes a caveat."""
    tables: Mapping[str, pd.DataFrame]
    """Named tables behind the summary: errors per trajectory and step, rollouts of a reference panel, ...

    `per_trajectory` is the one that every study has: `trajectory`, `n` (finite points, the weight of the trajectory)
    and a column per metric that is a mean over trajectories, the first headline metric among them, such that
    `sum(n x) / sum(n)` is the value in the summary. Intervals and paired comparisons resample its rows."""
    arrays: Arrays = field(default_factory=dict)
    """What is no table: images, fields on a grid, samples of a posterior."""


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

        simulate(DatasetConfig, part=None) -> Trajectories, all or those of one of `DatasetConfig.parts()`
        segment(model.segmentation(), Trajectories, validation: Trajectories | None) -> Segments
        train(Sequence[Job], report) -> iterator of Trained | Failed, one per job, in order
        apply(ModelConfig, Trained) -> the predictor in the study's own terms
        evaluate(ModelConfig, Trained, Trajectories) -> Evaluation

    A study may have a module `accept`, for datasets from files and for `fit`. It compares names, units and facts with
    its own, converts what converts exactly, and refuses the rest in one line (ValueError). Where a sweep is read it is
    called for data of no trajectory, of which it can look at the declarations alone:

        accept(Trajectories) -> Trajectories

    A study whose models estimate parameters from data of one's own has a sixth. Orrery hands it channels, inputs and
    known parameters of the names, units and order of the training data (`common/measurements.py`); it refuses what it
    cannot use in one line (ValueError), such as a series that is too short:

        fit(ModelConfig, Trained, Trajectories) -> Estimates
    """

    name: str
    title: str
    framework: Literal["jax", "torch", "numpy"]
    package: str
    dataset: type[DatasetConfigBase]
    model: type[ModelConfigBase]
    presets: Mapping[str, Config]
    """Datasets by name, older names included."""
    headline: tuple[str, ...]
    """Metrics that a leaderboard shows per test set.

    The first one ranks and is a mean over trajectories: smaller is better. A coverage, whose best value is its nominal
    one, cannot be the first; nor can an accuracy, unless as an error, 1 - accuracy."""
    order: int = 100
    """Place among the studies: the default sweep of the first one is run where none is named."""
    observed: tuple[str, ...] = ()
    """Channels of the state that `fit` needs of data of one's own; all of them where none is named."""
    older: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """Reader of an older sweep format: mapping -> mapping in the present form."""

    def of(self, model: ModelConfigBase) -> Study:
        """Return the study as models of one kind see it: with the headline metrics that rank them."""
        headline = model.headline()
        return replace(self, headline=headline) if headline else self

    def stage(self, name: str) -> Stage:
        """Return the stage function `name` without importing its module."""
        return Stage(f"{self.package}.{name}", name)

    def simulate(self, config: Config, part: int | None = None) -> Trajectories:
        """Simulate a dataset, or one of its parts."""
        return self.stage("simulate")(config) if part is None else self.stage("simulate")(config, part)

    def accept(self, own: Trajectories) -> Trajectories:
        """Bring data of one's own to the names and units of the study; a study without `accept` takes them as they are.

        Raises:
            ValueError: the study cannot use them; one line.
        """
        return self.stage("accept")(own) if self.accepts() else own

    def accepts(self) -> bool:
        """Return whether the study has a module `accept`."""
        return find_spec(self.package) is not None and find_spec(f"{self.package}.accept") is not None

    def segment(self, config: Config, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
        """Cut trajectories into training and validation segments; of validation data of its own, nothing is fitted."""
        return self.stage("segment")(config, trajectories, validation)

    def train(self, jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
        """Train the jobs of one cohort, one after another, through one compiled program."""
        return self.stage("train")(jobs, report)

    def apply(self, config: Config, trained: Trained) -> Any:
        """Return the predictor of a trained model."""
        return self.stage("apply")(config, trained)

    def evaluate(self, config: Config, trained: Trained, test: Trajectories) -> Evaluation:
        """Evaluate a trained model on one test set."""
        return self.stage("evaluate")(config, trained, test)

    def fit(self, config: Config, trained: Trained, measured: Trajectories) -> Estimates:
        """Estimate the parameters of trajectories of one's own, with intervals.

        Raises:
            ValueError: the study has no `fit`, or cannot use the data; one line.
        """
        if find_spec(f"{self.package}.fit") is None:
            raise ValueError(f"the study {self.name} cannot be fitted to data of your own; its package has no `fit`")
        return self.stage("fit")(config, trained, measured)
