"""Configurations of the two-body study. Lengths in km, angles in degrees."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from trainers.common.config import CurriculumPhase
from trainers.common.curriculum import schedule_of
from trainers.common.names import check_name
from trainers.study import Config, DatasetConfigBase, ModelConfigBase
from trainers.two_body.general.equations import Equations
from trainers.two_body.general.observation import Observation
from trainers.two_body.general.settings import HEADLINE, KINDS, NETWORK_ONLY, NETWORKS, ORBITS_ONLY, General, Latent
from trainers.two_body.general.systems import SYSTEMS, load_system

EARTH_RADIUS_KM = 6378.137
"""Equatorial radius of the Earth [km]."""

GEOSTATIONARY_KM = 42164.0
"""Semi-major axis of a geostationary orbit [km]."""

CISLUNAR_KM = (60_000.0, 180_000.0)
"""Semi-major axes at which the pull of the Moon matters [km]."""

ENERGY_OF = "two_body"
"""The problem whose energy `losses.energy_drift` computes."""

PART_ORBITS = 20_000
"""Orbits per part of the simulation; a set of no more than that has one part."""

PART_TRAJECTORIES = 100
"""The same for trajectories of a system, which are integrated one by one."""

ORBITAL = ("family", "planar", "revolutions", "true_anomaly", "apse", "semi_major_axis", "eccentricity")
"""Settings of a dataset that only orbits have."""

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
TrainFraction = Annotated[float, Field(gt=0, le=1)]
SplitBy = Literal["orbit", "segment"]
Normalisation = Literal["canonical", "largest"]


class DatasetConfig(DatasetConfigBase):
    """Orbits of one problem, sampled on an even grid of mean anomaly (two-body) or time (others); or any dynamics."""

    problem: str = "two_body"
    """Equation of motion: a file in `problems/`, or in `general/systems/` for dynamics that are no orbits."""
    equations: Equations | None = None
    """Equations of one's own in a few lines, in the place of a problem."""
    duration: Annotated[float, Field(ge=0)] = 0.0
    """Length of a trajectory of a system [its time unit]; 0: that of the system. Orbits have `revolutions`."""
    family: Literal["complex", "simple", "circular", "printed"] = "complex"
    """complex: any eccentricity that keeps perigee above the Earth; simple: eccentricity up to 0.3; circular:
    eccentricity 0; printed: the one orbit whose elements the literature prints."""
    planar: bool = True
    """Whether all orbits lie in the x-y plane."""
    orbits: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Number of orbits or other trajectories; the first k of a larger set with the same seed are the smaller set."""
    points: Annotated[int, Field(ge=2, le=100_000)] = 360
    """Points per trajectory; the end of the last revolution is not one of them."""
    revolutions: Positive = 1.0
    """Length of a trajectory in periods."""
    true_anomaly: Annotated[float, Field(ge=0, lt=360)] | Literal["random"] = "random"
    """True anomaly of the first point [degrees], or random in 0..360."""
    apse: Literal["aligned", "random"] = "aligned"
    """Planar sets: apse lines all along x, as in the literature, or random. Those of 3D sets are always random."""
    semi_major_axis: tuple[Positive, Positive] = (EARTH_RADIUS_KM + 200.0, GEOSTATIONARY_KM)
    """Range of the semi-major axis [km]."""
    eccentricity: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.0, 0.99)
    """Range of the eccentricity before the perigee check [1]."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of the orbital elements [integer]."""

    def parts(self) -> int:
        """Return how many parts the simulation has: one for each 20,000 orbits, or 100 trajectories of a system."""
        return -(-self.orbits // (PART_ORBITS if self.system() is None else PART_TRAJECTORIES))

    def system(self) -> Equations | None:
        """Return the system of dynamics that are no orbits, else None."""
        return load_system(self.problem) if self.problem in SYSTEMS else self.equations

    @field_validator("problem")
    @classmethod
    def _check_problem(cls, name: str) -> str:
        from trainers.two_body.problems import PROBLEMS

        return check_name("problem", name, (*PROBLEMS, *SYSTEMS))

    @model_validator(mode="after")
    def _check_kind_of_motion(self) -> DatasetConfig:
        if self.equations is not None and self.problem != "two_body":
            raise ValueError(f"equations are given beside problem {self.problem}; expected one of the two")
        orbital = self.problem not in SYSTEMS and self.equations is None
        what, unused = ("orbits", ("duration",)) if orbital else ("a system's trajectories", ORBITAL)
        for name in unused:
            if (value := getattr(self, name)) != type(self).model_fields[name].default:
                raise ValueError(f"{name} is {value}, which {what} do not have; leave it out")
        return self

    @model_validator(mode="after")
    def _check_ranges(self) -> DatasetConfig:
        for name in ("semi_major_axis", "eccentricity"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} is [{low}, {high}]; expected [smallest, largest]")
        return self

    @model_validator(mode="after")
    def _check_printed_orbit(self) -> DatasetConfig:
        if self.family == "printed" and (self.orbits != 1 or not self.planar):
            raise ValueError(
                f"family printed is one planar orbit; given orbits {self.orbits}, planar {self.planar}; "
                "set orbits: 1, planar: true"
            )
        return self


class SegmentationPhase(Config):
    """How the segments of a phase are cut."""

    segment_length: Annotated[int, Field(ge=2)] = 18
    """Points per segment."""
    window: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] = (0.0, 1.0)
    """Part of each trajectory's points that is cut into segments [start, stop as fractions, start < stop]."""

    @field_validator("window")
    @classmethod
    def _check_window(cls, window: tuple[float, float]) -> tuple[float, float]:
        if window[0] >= window[1]:
            raise ValueError(f"window is [{window[0]}, {window[1]}]; expected start < stop within [0, 1]")
        return window


class Phase(SegmentationPhase, CurriculumPhase):
    """One training phase of a curriculum, on segments of its own."""

    steps: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    """Optimiser steps."""


class SegmentationConfig(Config):
    """How trajectories are split and cut; a projection of the model configuration."""

    phases: tuple[SegmentationPhase, ...] = (SegmentationPhase(),)
    train_fraction: TrainFraction = 1.0
    split_by: SplitBy = "orbit"
    split_seed: Seed = 0
    normalisation: Normalisation = "largest"
    tolerance: float | None = None
    """Largest local error of the planned steps [1]; None plans none."""
    states: Literal["orbits", "any", "observed"] = "orbits"
    """orbits: positions and velocities; any: other channels, with control inputs; observed: only those observed."""
    observation: Observation = Observation()


class Loss(Config):
    """The training loss: one main term and weighted extra terms."""

    name: str = "percent_error"
    """Main term: a name in `losses.py`."""
    rmse_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the normalised RMSE in `percent_error_plus_nmse` [1]."""
    weigh_by: Literal["point", "angle"] = "point"
    """Weight of a data point in the main term: point, 1, which is even in time; or angle, that which the orbit sweeps
    since the point before, so that the fast passage of periapsis counts as if points were even in true anomaly."""
    attraction: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the penalty on outward acceleration, `a . r > 0` [1]."""
    sign_flip: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the penalty on sign flips of the magnitude channel between neighbouring steps [1]."""
    energy_drift: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the penalty on the change of orbital energy along a segment [1]."""
    l1: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the mean absolute network weight [1]."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the mean squared network weight [1]."""

    @field_validator("name")
    @classmethod
    def _check_loss(cls, name: str) -> str:
        from trainers.two_body.losses import LOSSES

        return check_name("loss", name, LOSSES)


class Solver(Config):
    """How segments are integrated in training; rollouts of an evaluation have a method of their own."""

    method: Literal["planned", "rk4", "tsit5"] = "planned"
    """planned: Tsitouras 5 with the steps that each segment needs, chosen from the data before training;
    rk4: classical Runge-Kutta on the data grid; tsit5: adaptive, diffrax."""
    tolerance: Annotated[float, Field(gt=0, le=1e-2)] = 1e-8
    """planned: largest local error of a step on the true dynamics, relative to position and to velocity [1]."""
    substeps: Annotated[int, Field(ge=1, le=1000)] = 1
    """rk4: steps per data interval."""
    rtol: Positive = 1e-6
    """tsit5: relative tolerance [1]."""
    atol: Positive = 1e-8
    """tsit5: absolute tolerance [normalised units]."""
    adjoint: Literal["checkpointed", "direct", "backsolve"] = "checkpointed"
    """tsit5: how gradients go through the solver: recursive checkpointing; direct, which stores all steps; or the
    adjoint ODE solved backwards in time."""
    max_steps: Annotated[int, Field(ge=16)] = 4096
    """tsit5: most steps per segment."""


class ModelConfig(ModelConfigBase):
    """A neural ODE of orbits or of any dynamics, its training, or a baseline."""

    shared: ClassVar[tuple[str, ...]] = ("seed", "phases[*].learning_rate")

    kind: Literal["neural_ode", "mean_acceleration", "true_law", "general_ode", "linear_ode", "sindy", "latent_ode"] = (
        "neural_ode"
    )
    """Orbits: neural_ode: the network; mean_acceleration: the constant baseline; true_law: the problem's own
    acceleration. Any state with any inputs: general_ode: a network for `dy/dt = f(y, u)`; linear_ode: `A y + B u + c`;
    sindy: sparse polynomials; latent_ode: an encoder of observations, an ODE of a latent state, a decoder."""
    feature_layer: str = "sph_4D_rinv_vel"
    """Features of the state: a name in `feature_layers.py`."""
    output_layer: str = "mlp_4D_signed"
    """Head that turns the network's output into an acceleration: a name in `output_layers.py`."""
    output_scale: Positive = 1.0
    """Scale `s` of the log-magnitude heads, `a_max` of the sigmoid head [normalised acceleration]."""
    planar_constraint: bool = True
    """Whether the z component of the acceleration is set to zero."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """Units per hidden layer."""
    depth: Annotated[int, Field(ge=0, le=64)] = 2
    """Hidden layers."""
    activation: str = "leaky_relu"
    """Any function of `jax.nn`, `prelu` (learned slope) or `shifted_softplus`."""
    final_activation: str = "identity"
    """Activation after the last layer; the head and the figures use its result."""
    loss: Loss = Loss()
    optimiser: Literal["adam", "adamw"] = "adam"
    """Adam or AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019)."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Decoupled weight decay of AdamW [1]."""
    clip_norm: Annotated[float, Field(ge=0)] = 0.0
    """Largest norm of the gradient; 0 does not clip [1]."""
    together: Annotated[int, Field(ge=1, le=1024)] = 1
    """Lanes: trainings side by side in one program, for accelerators; their configurations differ in seed and learning
    rates alone. Results depend on this number by rounding, and not on the other trainings [integer]."""
    batch_size: Count = 256
    """Segments per optimiser step; all of them where there are fewer. Good values 64 to 1024."""
    train_fraction: TrainFraction = 1.0
    """Part of the orbits that trains; the rest validates; 1 leaves no validation set [1]."""
    split_by: SplitBy = "orbit"
    """orbit: split orbits, then cut them; segment: cut first, so that segments of one orbit train and validate, a leak
    that is counted and reported."""
    split_seed: Seed = 0
    """Seed of the split [integer]."""
    validate_every: Annotated[int, Field(ge=1)] = 50
    """Steps between two validations."""
    normalisation: Normalisation = "largest"
    """Units of length and time: the largest radius of the training data with mu = 1, or those of the dataset."""
    solver: Solver = Solver()
    general: General = General()
    """Settings of general_ode, linear_ode, sindy and latent_ode."""
    latent: Latent = Latent()
    """Settings of latent_ode."""
    observation: Observation = Observation()
    """What models of any state observe of the data."""
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] = (Phase(),)
    """The curriculum, in order."""

    @field_validator("feature_layer")
    @classmethod
    def _check_feature_layer(cls, name: str) -> str:
        from trainers.two_body.models.feature_layers import FEATURE_LAYERS

        return check_name("feature layer", name, FEATURE_LAYERS)

    @field_validator("output_layer")
    @classmethod
    def _check_output_layer(cls, name: str) -> str:
        from trainers.two_body.models.output_layers import OUTPUT_LAYERS

        return check_name("output layer", name, OUTPUT_LAYERS)

    @field_validator("activation", "final_activation")
    @classmethod
    def _check_activation(cls, name: str) -> str:
        from trainers.two_body.models.activations import ACTIVATIONS

        return check_name("activation", name, ACTIVATIONS)

    @model_validator(mode="after")
    def _check_sign_flip(self) -> ModelConfig:
        from trainers.two_body.models.output_layers import OUTPUT_LAYERS

        if self.loss.sign_flip and not OUTPUT_LAYERS[self.output_layer].signed_magnitude:
            signed = ", ".join(name for name, head in OUTPUT_LAYERS.items() if head.signed_magnitude)
            raise ValueError(
                f"loss.sign_flip is {self.loss.sign_flip} with output_layer {self.output_layer}, whose magnitude has "
                f"no sign; set it to 0 or choose one of: {signed}"
            )
        return self

    @model_validator(mode="after")
    def _check_observed_points(self) -> ModelConfig:
        shortest = min(phase.segment_length for phase in self.phases)
        if self.kind == "latent_ode" and self.observation.points >= shortest:
            raise ValueError(
                f"observation.points is {self.observation.points} with segments of {shortest}; expected fewer "
                "points than a segment has, so that the model learns to predict"
            )
        return self

    @model_validator(mode="after")
    def _check_kind(self) -> ModelConfig:
        unused: tuple[str, ...] = ("general", "latent", "observation")
        if self.kind in KINDS:
            unused = (*ORBITS_ONLY, *(() if self.kind in NETWORKS else NETWORK_ONLY))
            unused = unused if self.kind == "latent_ode" else (*unused, "latent")
        for name in unused:
            if (value := getattr(self, name)) != type(self).model_fields[name].default:
                raise ValueError(f"{name} is {value}, which a model of kind {self.kind} does not have; leave it out")
        return self

    def headline(self) -> tuple[str, ...]:
        """Return the metrics that rank models of any state; none for models of orbits, which the study's own rank."""
        return HEADLINE if self.kind in KINDS else ()

    def validation_columns(self) -> tuple[str, ...]:
        """Return the parts of a loss, penalties, and the error of the field."""
        if self.kind in KINDS:
            return ("loss",)
        main = ("percent_error", "mean_squared_error", "mean_absolute_error", "nrmse")
        penalties = ("attraction", "sign_flip", "energy_drift", "l1", "l2")
        return ("loss", "field", *main, *penalties)

    def check_dataset(self, problem: str | None) -> None:
        """Refuse the penalty on energy drift where `v^2/2 - 1/r` is not the energy.

        Raises:
            ValueError: one line.
        """
        if self.loss.energy_drift and problem not in (None, ENERGY_OF):
            raise ValueError(
                f"loss.energy_drift is {self.loss.energy_drift} with problem {problem}, whose energy is not "
                f"v^2/2 - 1/r; set it to 0, or train on problem {ENERGY_OF}"
            )

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        planned = self.solver.method == "planned" and self.kind == "neural_ode"
        names = ("train_fraction", "split_by", "split_seed", "normalisation")
        cuts = [{name: getattr(phase, name) for name in SegmentationPhase.model_fields} for phase in self.phases]
        return SegmentationConfig(
            phases=tuple(SegmentationPhase(**cut) for cut in cuts),
            tolerance=self.solver.tolerance if planned else None,
            states="observed" if self.kind == "latent_ode" else "any" if self.kind in KINDS else "orbits",
            observation=self.observation,
            **{name: getattr(self, name) for name in names},
        )

    def at_once(self) -> int:
        """Return the number of lanes: members of a cohort that train side by side."""
        return self.together if self.kind == "neural_ode" else 1

    def extendable(self) -> bool:
        """Return whether the same training with a longer last phase passes through the end of this one.

        It does not under a schedule that depends on the length of the phase. Nor does it where the phase ends between
        two checks: its last step is followed by a check, which the longer training does not have.
        """
        last = self.phases[-1]
        whole_checks = last.steps % self.validate_every == 0
        return self.kind in ("neural_ode", *NETWORKS) and whole_checks and not schedule_of(last).depends_on_length
