"""Configurations of the phase-field study. All quantities are dimensionless; lengths are in cells."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from trainers.study import Config, DatasetConfigBase, ModelConfigBase

Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]

SCORES = tuple(f"comp_{k}" for k in range(1, 6))
"""Channels of a dataset with the source's statistics."""

PART_RUNS = 50
"""A set of more runs is simulated in parts of about that size."""

STABLE = 2.0
"""An explicit step is stable below this over `q^2 M kappa`."""

NETWORKS = ("lstm", "scaled_time")
"""Kinds of model that are trained step by step."""

ParameterName = Literal["mobility", "gradient_coefficient", "mean", "amplitude"]


class DatasetConfig(DatasetConfigBase):
    """Runs of spinodal decomposition from white noise, and the statistics of their snapshots."""

    trajectories: Annotated[int, Field(ge=1, le=1_000_000)] = 450
    """Number of runs; a smaller set of the same seed is the beginning of a larger one."""
    grid: Annotated[int, Field(ge=16, le=1024, multiple_of=2)] = 128
    """Cells N per side; the spacing is 1."""
    duration: Positive = 30.0
    """Time of the last snapshot; the first is at 0."""
    snapshots: Annotated[int, Field(ge=2, le=10_000)] = 151
    """Snapshots, both ends included."""
    mean: tuple[Fraction, Fraction] = (0.3, 0.7)
    """Range of the mean composition c0."""
    mobility: tuple[Positive, Positive] = (1.0, 2.0)
    """Range of the mobility M."""
    gradient_coefficient: tuple[Positive, Positive] = (0.5, 1.0)
    """Range of the gradient coefficient kappa."""
    amplitude: tuple[Positive, Positive] = (0.05, 0.15)
    """Range of the amplitude A of the initial noise `A (U(0, 1) - 1/2)`."""
    corners: Literal["kept", "left_out", "only"] = "kept"
    """Runs in the corners of the box, where M, kappa and c0 are all near an end of their range: `system/initial.py`."""
    perturbation: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Above 0, each run is followed by two from the same noise: with M, and with kappa, increased by this part [1].
    Evaluation then compares sensitivities."""
    scheme: Literal["sbdf3", "sbdf2", "semi_implicit", "explicit"] = "sbdf3"
    """Time steps, see `system/stepping.py`; explicit: the source's, with its clipping."""
    step: Positive = 0.05
    """Time step; the time between snapshots is a multiple of it."""
    laplacian: Literal["spectral", "five_point"] = "spectral"
    """Derivatives in space; five_point: the source's."""
    statistics: Literal["radial", "published"] = "radial"
    """radial: the radial profile of the autocorrelation; published: five scores of the whole map, in a basis of each
    run by itself."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of parameters and noise [integer]."""

    @property
    def every(self) -> int:
        """Steps between snapshots."""
        return round(self.interval / self.step)

    @property
    def interval(self) -> float:
        """Time between snapshots."""
        return self.duration / (self.snapshots - 1)

    def times(self) -> np.ndarray:
        """Return the times (T,) of the snapshots."""
        return np.linspace(0.0, self.duration, self.snapshots)

    def parts(self) -> int:
        """Return how many parts the simulation has: one for each 50 runs, which are independent of one another."""
        return -(-self.trajectories // PART_RUNS)

    @field_validator("mean", "mobility", "gradient_coefficient", "amplitude")
    @classmethod
    def _ordered(cls, ends: tuple[float, float]) -> tuple[float, float]:
        if ends[0] > ends[1]:
            raise ValueError(f"given [{ends[0]}, {ends[1]}]; expected [smallest, largest]")
        return ends

    @model_validator(mode="after")
    def _steps_fit(self) -> DatasetConfig:
        if self.every < 1 or abs(self.every * self.step - self.interval) > 1e-9 * self.interval:
            raise ValueError(f"step is {self.step}; expected a part of the time between snapshots, {self.interval:g}")
        if self.scheme == "explicit":
            if self.laplacian != "five_point":
                raise ValueError(f"scheme explicit with laplacian {self.laplacian!r}; expected 'five_point'")
            limit = STABLE / (64 * self.mobility[1] * self.gradient_coefficient[1])
            if self.step >= limit:
                raise ValueError(f"step is {self.step}; an explicit step is stable below {limit:.4g}")
        return self


class SegmentationConfig(Config):
    """How snapshots become scores: a projection of the model configuration."""

    basis: Literal["fitted", "none"] = "fitted"
    components: Count = 5
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 8 / 9
    split_seed: int = 42


class Loss(Config):
    """The training loss over curves of scores, see `losses.py`."""

    name: Literal["mae", "autocorrelation", "combined"] = "mae"
    """combined: `alpha mae + (1 - alpha) autocorrelation`."""
    alpha: Share = 0.5
    """Weight of the MAE in the combined loss [1]. Good values 0.3 to 0.8."""
    parameters: bool = False
    """lstm: whether the channels of the parameters, which are constant, count as well; so in the source."""


class Phase(Config):
    """A phase of training by epochs. The defaults are the first phase of the source's MAE programme."""

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Passes over the training runs."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """Rate at the start, and the peak where it rises first [1/step]."""
    last_rate: Annotated[float, Field(ge=0, le=1)] = 5e-4
    """Rate at the end [1/step]."""
    schedule: Literal["warmup_cosine", "warmup_linear", "linear"] = "linear"
    """warmup_...: rises from half the rate in the first 30 % of the steps, then falls; linear: falls from the start."""
    teacher_forcing: tuple[Share, Share] = (0.0, 0.0)
    """lstm: probability that a step is fed the truth, in the first epoch and after the last [1]."""
    max_lag: Count = 10
    """Largest lag of the autocorrelation loss [snapshots]."""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Std of the Gaussian noise on inputs in training [score]."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    """AdamW's [1/step]."""
    clip_norm: Annotated[float, Field(ge=0)] = 1.0
    """Largest norm of the gradient; 0 does not clip [1]."""
    start_epoch: Count | None = None
    """Epoch, counted over all phases, whose stored weights this phase starts from, with a fresh optimiser; None: see
    `start`. Weights are stored every `checkpoint_every` epochs."""


class ModelConfig(ModelConfigBase):
    """A model of the curve of scores that follows a first snapshot. The defaults are the source's network."""

    shared: ClassVar[tuple[str, ...]] = ("seed", "phases[*].learning_rate", "phases[*].last_rate")

    kind: Literal["lstm", "scaled_time", "persistence", "mean_curve", "ridge", "nearest", "master_curve"] = "lstm"
    """lstm, scaled_time: see `models`; the others, without training: see `baselines.py`."""
    basis: Literal["fitted", "none"] = "fitted"
    """fitted: principal components of all training snapshots; none: the channels are scores already."""
    components: Count = 5
    """Scores per snapshot."""
    parameters: tuple[ParameterName, ...] = ("mobility", "gradient_coefficient", "mean")
    """What a model is told of each run beside its first snapshot; the source: mobility and gradient_coefficient."""
    first_scores: bool = True
    """ridge, nearest: whether the scores of the first snapshot are features beside the parameters."""
    neighbours: Count = 1
    """nearest: training runs whose curves are averaged."""
    hidden_size: Count = 256
    """lstm: units of each layer; scaled_time: units of each hidden layer."""
    num_layers: Count = 2
    """lstm: layers of encoder and decoder each; scaled_time: hidden layers."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Part of the units between layers that is dropped in training [1]."""
    loss: Loss = Loss()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] = (Phase(schedule="warmup_cosine"),)
    batch_size: Count = 32
    """Runs per optimiser step."""
    accumulate: Count = 1
    """Parts of a batch whose gradients are accumulated, to save memory."""
    mixed_precision: bool = False
    """Whether products are computed in bfloat16, which needs no scaling of gradients."""
    start: Literal["best", "last"] = "best"
    """Which weights of the phase before a phase starts from."""
    optimiser_state: Literal["reset", "keep"] = "reset"
    """Whether a phase keeps the optimiser's moments of the phase before."""
    patience: Count | None = None
    """Epochs without a lower validation loss after which a phase ends."""
    largest_gap: Annotated[float, Field(gt=0)] | None = None
    """A phase ends when validation exceeds training loss by more than this part of it [1]. The source advises 0.5."""
    largest_gradient: Annotated[float, Field(gt=0)] | None = None
    """A mean norm of the gradient above this counts as divergence [1]."""
    checkpoint_every: Annotated[int, Field(ge=0)] = 0
    """Epochs after which weights are stored apart; 0 stores the best and the last of each phase."""
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 8 / 9
    """Part of the runs that trains; the rest validates [1]. As published, 4400 of 4950, beside 550 that test."""
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Seed of the split [integer]."""

    @field_validator("phases")
    @classmethod
    def _falling(cls, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        for number, phase in enumerate(phases):
            if phase.last_rate > phase.learning_rate:
                rates = f"{phase.learning_rate:g} to {phase.last_rate:g}"
                raise ValueError(f"phase {number}: the rate goes from {rates}; expected a last_rate that is not larger")
        return phases

    @field_validator("parameters")
    @classmethod
    def _once(cls, names: tuple[ParameterName, ...]) -> tuple[ParameterName, ...]:
        if len(set(names)) < len(names):
            raise ValueError(f"parameters are {', '.join(names)}; expected each at most once")
        return names

    @model_validator(mode="after")
    def _consistent(self) -> ModelConfig:
        for wrong, text in _conflicts(self):
            if wrong:
                raise ValueError(text)
        return self

    def validation_columns(self) -> tuple[str, ...]:
        """Return the parts of a loss that are measured in validation."""
        return ("loss", "mae", "autocorrelation", "scores_mae")

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        names = ("basis", "components", "train_fraction", "split_seed")
        return SegmentationConfig(**{name: getattr(self, name) for name in names})


def _conflicts(model: ModelConfig) -> list[tuple[bool, str]]:
    """Return conflicts between settings, and the line that explains each."""
    clock = {"mobility", "gradient_coefficient"} - set(model.parameters)
    forced = any(phase.teacher_forcing != (0.0, 0.0) for phase in model.phases)
    return [
        *_wrong_starts(model),
        (
            model.kind in ("scaled_time", "master_curve") and bool(clock),
            f"parameters are {list(model.parameters)}; kind {model.kind!r} scales time by mobility and "
            "gradient_coefficient, so expected both",
        ),
        (
            model.kind == "scaled_time" and model.basis == "none",
            "basis is 'none'; kind 'scaled_time' continues a radial profile, so expected 'fitted'",
        ),
        (
            model.kind != "lstm" and model.loss.parameters,
            f"loss.parameters is true; only kind 'lstm' predicts parameters, kind is {model.kind!r}",
        ),
        (
            model.kind == "scaled_time" and any(phase.noise for phase in model.phases),
            "noise is for kind 'lstm'; kind 'scaled_time' reads the whole first profile, so expected 0",
        ),
        (
            model.kind != "lstm" and forced,
            f"teacher_forcing is for kind 'lstm', which is fed its own output; kind is {model.kind!r}, expected [0, 0]",
        ),
    ]


def _wrong_starts(model: ModelConfig) -> list[tuple[bool, str]]:
    """Return what is wrong with the epochs that phases start from."""
    before, conflicts = 0, []
    early = model.patience is not None or model.largest_gap is not None
    for number, phase in enumerate(model.phases):
        if (epoch := phase.start_epoch) is not None:
            start, every = f"phase {number}: start_epoch is {epoch}", model.checkpoint_every
            stored = every > 0 and epoch % every == 0 and epoch <= before
            among = f"checkpoint_every {every}; expected a multiple of it, up to the {before} epochs before the phase"
            kept = "optimiser_state 'keep'; moments are not stored with the weights of an epoch, so expected 'reset'"
            conflicts += [
                (not stored, f"{start} with {among}"),
                (early, f"{start} with patience or largest_gap; a phase may end before that epoch, so remove either"),
                (model.optimiser_state == "keep", f"{start} with {kept}"),
            ]
        before += phase.epochs
    return conflicts


def _presets() -> dict[str, DatasetConfig]:
    """Build the named datasets: training sets have seed 42, test sets others."""
    train = DatasetConfig(seed=42, corners="left_out")
    test = train.model_copy(update={"trajectories": 100, "seed": 1042})
    corners = test.model_copy(update={"trajectories": 50, "seed": 2042, "corners": "only"})
    sensitivity = test.model_copy(update={"trajectories": 60, "seed": 3042, "perturbation": 0.1})
    named = {"train": train, "test": test, "corners_test": corners, "sensitivity_test": sensitivity}
    named |= {f"{name}_64": one.model_copy(update={"grid": 64}) for name, one in named.items()}
    published = DatasetConfig(trajectories=4950, seed=42)
    named |= {"published_train": published, "published_test": DatasetConfig(trajectories=550, seed=1042)}
    named["per_run_train"] = named["train_64"].model_copy(update={"statistics": "published"})
    named["per_run_test"] = named["test_64"].model_copy(update={"statistics": "published"})
    named["source"] = DatasetConfig(
        trajectories=100, scheme="explicit", laplacian="five_point", step=0.001, statistics="published"
    )
    return named


PRESETS: dict[str, DatasetConfig] = _presets()
"""Datasets by name."""
