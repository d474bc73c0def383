"""Configurations of the vehicle study. SI units; angles in rad."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from trainers.common.config import CurriculumPhase, HorizonCurriculum
from trainers.common.curriculum import schedule_of
from trainers.common.names import check_name
from trainers.study import Config, DatasetConfigBase, ModelConfigBase

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]

NETWORKS = ("network", "one_step")
"""Kinds of model that are trained step by step."""

ESTIMATORS = (*NETWORKS, "least_squares", "default", "prior_mean")
"""Kinds that estimate parameters."""

PART_CARS = 2000
"""A set of more cars is simulated in parts of about that size."""


class DatasetConfig(DatasetConfigBase):
    """Runs of cars whose parameters are hidden, on an even grid of time."""

    dynamics: Literal["singletrack", "pacejka"] = "singletrack"
    """Tyres: linear, or Pacejka ones that saturate (a realistic twin)."""
    vehicle_class: str = "rc"
    """Class of cars, see `cars.CLASSES`: rc, full_size, miniature."""
    car: str = "prior"
    """prior: every car drawn from the ranges of its class; or the name of a published set, see `cars.PUBLISHED`."""
    cars: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Number of cars; the first k cars of a larger set with the same seed are the smaller set."""
    runs: Annotated[int, Field(ge=1, le=1000)] = 4
    """Runs of each car."""
    points: Annotated[int, Field(ge=2, le=100_000)] = 164
    """Points of a run."""
    time_step: Annotated[int, Field(ge=1, le=100)] = 5
    """Time between two points [hundredths of a second]."""
    speeds: Annotated[tuple[Positive, ...], Field(min_length=1)] = (2.0, 3.0, 4.0, 5.0)
    """Speeds about which the runs of a car swing, taken in turn [m/s]."""
    friction: tuple[Positive, ...] = ()
    """Levels of mu that cars are drawn from; without any, mu has the range of the class [1]."""
    excitation: str = "multi_sine"
    """How the speed of a run goes on: a name in `excitation.SPEEDS`."""
    noise: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Noise of the sensors in parts of `dynamics/states.SENSORS` [1]."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of cars, controls and noise [integer]."""

    def parts(self) -> int:
        """Return how many parts the simulation has: one for each 2000 cars."""
        return -(-self.cars // PART_CARS)

    @field_validator("vehicle_class")
    @classmethod
    def _known_class(cls, name: str) -> str:
        from trainers.vehicle.cars import CLASSES

        return check_name("vehicle class", name, CLASSES)

    @field_validator("excitation")
    @classmethod
    def _known_excitation(cls, name: str) -> str:
        from trainers.vehicle.dynamics.excitation import SPEEDS

        return check_name("excitation", name, SPEEDS)

    @model_validator(mode="after")
    def _known_car(self) -> DatasetConfig:
        from trainers.vehicle.cars import CLASS_OF

        if self.car != "prior":
            check_name("car", self.car, ["prior", *CLASS_OF])
            if CLASS_OF[self.car] != self.vehicle_class:
                raise ValueError(
                    f"car {self.car} with vehicle_class {self.vehicle_class}; expected {CLASS_OF[self.car]}"
                )
        return self


class SegmentationConfig(Config):
    """How runs become windows: a projection of the model configuration."""

    phases: Count = 1
    window: Annotated[int, Field(ge=3)] = 41
    stride: Annotated[int, Field(ge=0)] = 0
    time_step: Annotated[int, Field(ge=1)] = 5
    features: tuple[str, ...] = ("signals", "regression")
    feature_mode: Literal["features", "with_state"] = "features"
    vehicle_class: str = "rc"
    most_windows: Annotated[int, Field(ge=0)] = 0
    most_validation_windows: Annotated[int, Field(ge=0)] = 0
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 0.85
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class Loss(Config):
    """How a rollout is compared with a window."""

    name: str = "scaled"
    """A name in `losses.py`."""
    towards_default: Weight = 1e-4
    """Weight of the mean squared distance from the defaults, in the network's own scale [1]: what the rollout cannot
    tell apart, such as mu and C_S, stays there."""


class Phase(CurriculumPhase):
    """One training phase."""

    steps: Annotated[int, Field(ge=1, le=10_000_000)] = 2000
    """Optimiser steps."""
    horizon: HorizonCurriculum | None = None
    """How many points of a window count while the phase goes on; None: all. The published hard switch is
    `{first: 10, over: 500, growth: switch}`."""


class Refinement(Config):
    """Gauss-Newton steps from the first estimate, see `estimates/gauss_newton.py`."""

    steps: Annotated[int, Field(ge=0, le=200)] = 0
    """Most iterations; 0 keeps the first estimate. Good values 5 to 15."""
    population: bool = True
    """Whether the cars of the training set are a prior of the estimate."""


class ModelConfig(ModelConfigBase):
    """A network that maps windows to parameters, trained through the simulation; or a baseline."""

    shared: ClassVar[tuple[str, ...]] = ("seed", "phases[*].learning_rate")

    kind: Literal[
        "network",
        "one_step",
        "least_squares",
        "default",
        "prior_mean",
        "kinematic",
        "constant_twist",
        "true_parameters",
    ] = "network"
    """network: trained on rollouts; one_step: the same network, trained on the step from each measured state to the
    next; least_squares: fitted to the windows by optimistix from the defaults; default: the middle of the ranges;
    prior_mean: the mean over training cars; kinematic: a bicycle that rolls without slip; constant_twist: speed and
    yaw rate stay; true_parameters: what is left with the parameters known."""
    dynamics: str = "singletrack"
    """What is simulated: a name in `dynamics/registry.py`."""
    dynamics_hidden: Count = 16
    """mlp-dynamics: units of its hidden layer."""
    vehicle_class: str = "rc"
    """Class of cars, whose ranges bound the parameters: see `cars.CLASSES`."""
    known: dict[str, Annotated[float, Field(gt=0)]] = {}
    """Combinations that were measured otherwise, with their values: `{lf: 0.16, lr: 0.17}`. They are not estimated."""
    hidden: tuple[Count, ...] = (128, 128)
    """Units of each hidden layer of the network."""
    features: Annotated[tuple[str, ...], Field(min_length=1)] = ("signals", "regression")
    """What the network sees of a window: names in `windows/features.py`."""
    feature_mode: Literal["features", "with_state"] = "features"
    """Whether the first state of the window stands beside the features."""
    window: Annotated[int, Field(ge=3, le=10_000)] = 41
    """Points of a window; at 0.05 s 41 points are 2 s."""
    stride: Annotated[int, Field(ge=0)] = 0
    """Points from one window to the next; 0: windows share no point."""
    time_step: Annotated[int, Field(ge=1, le=100)] = 5
    """Time between two points of a window, a multiple of the data's [hundredths of a second]."""
    substeps: Annotated[int, Field(ge=1, le=100)] = 4
    """Steps of the integrator per point."""
    most_windows: Annotated[int, Field(ge=0)] = 0
    """Training windows that are used at most; 0: all."""
    most_validation_windows: Annotated[int, Field(ge=0)] = 0
    """Validation windows that are used at most; 0: all."""
    loss: Loss = Loss()
    validation_loss: Loss | None = None
    """The loss that validates and chooses the best weights; None: that of training."""
    optimiser: Literal["adam", "adamw"] = "adamw"
    """Adam or AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019); a plateau keeps its moments and its weight decay."""
    weight_decay: Weight = 1e-4
    """Decoupled weight decay of AdamW [1/step]."""
    clip_norm: Weight = 1.0
    """Largest norm of the gradient; 0 does not clip [1]."""
    batch_size: Count = 64
    """Windows per optimiser step; the last batch of an epoch may be smaller."""
    validate_every: Annotated[int, Field(ge=0)] = 0
    """Steps between two validations; 0: once per epoch."""
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 0.85
    """Part of the cars that trains; the rest validates [1]."""
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of the split [integer]."""
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] = (Phase(),)
    """The curriculum, in order."""
    estimate: Literal["window", "car"] = "car"
    """What an estimate rests on: one window, or all windows of the car pooled."""
    refine: Refinement = Refinement()
    initial_points: Annotated[int, Field(ge=0, le=1000)] = 0
    """Measured points, up to the first of a rollout, from which its state there is estimated through the simulation;
    0: the point as measured. Good value: 21."""
    chunk_size: Count = 512
    """Windows that go through network and simulation at a time in use; no number depends on it."""

    @field_validator("dynamics")
    @classmethod
    def _known_dynamics(cls, name: str) -> str:
        from trainers.vehicle.dynamics.registry import DYNAMICS

        return check_name("dynamics", name, DYNAMICS)

    @field_validator("vehicle_class")
    @classmethod
    def _known_class(cls, name: str) -> str:
        from trainers.vehicle.cars import CLASSES

        return check_name("vehicle class", name, CLASSES)

    @field_validator("features")
    @classmethod
    def _known_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from trainers.vehicle.windows.features import FEATURES

        return tuple(check_name("feature", name, FEATURES) for name in names)

    @model_validator(mode="after")
    def _consistent(self) -> ModelConfig:
        from trainers.vehicle.dynamics.registry import dynamics_named
        from trainers.vehicle.losses import LOSSES

        for loss in (self.loss, self.validation_loss):
            if loss:
                check_name("loss", loss.name, LOSSES)
        dynamics_named(self.dynamics, self.vehicle_class, self.dynamics_hidden, held=self.known)
        learned = self.dynamics == "mlp-dynamics"
        if learned and (self.kind not in NETWORKS or self.refine.steps):
            raise ValueError(
                f"dynamics mlp-dynamics with kind {self.kind!r}, refine.steps {self.refine.steps}; a network emits its "
                "weights, and they have no combinations: expected kind network or one_step, refine.steps 0"
            )
        if self.refine.steps and self.kind not in ESTIMATORS:
            raise ValueError(f"refine with kind {self.kind!r}, which estimates no parameters; remove refine")
        if self.initial_points and self.kind not in (*ESTIMATORS, "true_parameters"):
            raise ValueError(f"initial_points with kind {self.kind!r}, which has no simulation; remove it")
        if self.initial_points > self.window:
            raise ValueError(
                f"initial_points is {self.initial_points}; expected at most the window, {self.window} points"
            )
        return self

    def validation_columns(self) -> tuple[str, ...]:
        """Return the parts of a loss that are measured in validation."""
        return ("loss", "rollout", "towards_default")

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        names = [name for name in SegmentationConfig.model_fields if name != "phases"]
        return SegmentationConfig(phases=len(self.phases), **{name: getattr(self, name) for name in names})

    def extendable(self) -> bool:
        """Return whether a longer last phase passes through the end of this one.

        Not where the phase may end between two checks, under a schedule that knows its end, or in an epoch whose length
        only the data say.
        """
        last = self.phases[-1]
        whole = self.validate_every > 0 and last.steps % self.validate_every == 0
        return self.kind in NETWORKS and whole and not schedule_of(last).depends_on_length


def _presets() -> dict[str, DatasetConfig]:
    """Build the named datasets. Training sets have seed 0, test sets 1000 and above."""
    named: dict[str, DatasetConfig] = {}
    levels = (0.5, 0.8, 1.1)
    for name, changes in {"rc": {}, "rc_pacejka": {"dynamics": "pacejka"}}.items():
        train = DatasetConfig.model_validate({"cars": 200, "seed": 0, **changes})
        test = DatasetConfig.model_validate({"cars": 40, "seed": 1000, "friction": levels, **changes})
        named |= {f"{name}_train": train, f"{name}_test": test}
        named[f"{name}_test_clean"] = test.model_copy(update={"noise": 0.0})
        named[f"{name}_test_noisy"] = test.model_copy(update={"noise": 3.0})
    rest = {"cars": 40, "seed": 1001, "excitation": "from_rest"}
    named["rc_from_rest_test"] = DatasetConfig.model_validate(rest)
    named["f1tenth_test"] = DatasetConfig(car="f1tenth", cars=10, seed=1002)
    full = {"vehicle_class": "full_size", "speeds": (6.0, 10.0, 15.0, 20.0)}
    named["full_size_train"] = DatasetConfig.model_validate({"cars": 200, **full})
    named["full_size_test"] = DatasetConfig.model_validate({"cars": 40, "seed": 1000, "friction": levels, **full})
    return named


PRESETS: dict[str, DatasetConfig] = _presets()
"""Datasets by name."""
