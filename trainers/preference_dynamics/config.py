"""Configurations of the preference-dynamics study. All quantities are dimensionless."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from trainers.common.names import check_name
from trainers.study import Config, DatasetConfigBase, ModelConfigBase

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Level = Annotated[float, Field(ge=0, le=10)]

NETWORKS = ("cnn", "cnn_features", "residual", "posterior", "pinn")
"""Kinds of model that are trained by gradient steps."""

PART_SERIES = 20_480
"""Series per part of the simulation."""

LONGEST_BOUNDED = 1000.0
"""Duration up to which no series of one action can exceed the limit of divergence, 1e5; `DatasetConfig.parts` has the
proof."""


class DatasetConfig(DatasetConfigBase):
    """Series of systems drawn from the prior, on an even grid of time."""

    actions: Annotated[int, Field(ge=1, le=3)] = 1
    """Number n of actions; a system has 4n + 2n^2 unknowns."""
    trajectories: Annotated[int, Field(ge=1, le=1_000_000)] = 8500
    """Number of series; a smaller set of the same seed is the beginning of a larger one, up to rounding."""
    points: Annotated[int, Field(ge=9, le=10_000)] = 201
    """Points per series, both ends included."""
    duration: Positive = 200.0
    """Time of the last point; the first is at 0."""
    prior: Literal["uniform", "normal"] = "uniform"
    """uniform in the ranges of `equations.PRIORS`; normal: about their middle, std a quarter of the range, clipped."""
    mu: Literal["published", "zero", "drawn"] = "published"
    """Threshold of desire. published: 0 for one action, where a series cannot determine it, and drawn for more."""
    stability: Literal["eigenvalues", "published", "none"] = "eigenvalues"
    """The rule by which draws are refused, see `stability.py`; published: the published one, with its inconsistency."""
    noise: tuple[Level, Level] = (0.0, 0.0)
    """Range of the observation noise, drawn per series, in units of the std of its desires and of its efforts [1]."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of unknowns and noise [integer]; the noise does not change the unknowns."""
    solver: Literal["exact", "general"] = "exact"
    """exact: up to rounding, see `system/solution.py`; general: RK45 with a tolerance, as others simulate, see
    `system/general_solver.py`. It does not change the unknowns."""
    rtol: Annotated[float, Field(ge=1e-12, le=0.1)] | None = None
    """Relative tolerance of the general solver [1]; the absolute one is a thousandth of it. Published: 1e-6."""

    def parts(self) -> int:
        """Return how many parts the simulation has: of one action, one for each 20,480 series.

        A series of one action cannot diverge: a >= 0 and Pi, Gamma >= 0.1 bound desire by v0 + g t, and effort by ten
        times that, 3e4 at t = 1000. So the draws of a part do not depend on the series before it. Some series of two
        actions diverge and are drawn again, so that the draws of a part follow only from all series before it.
        """
        bounded = self.actions == 1 and self.duration <= LONGEST_BOUNDED
        return -(-self.trajectories // PART_SERIES) if bounded else 1

    @model_validator(mode="after")
    def _check_noise(self) -> DatasetConfig:
        if self.noise[0] > self.noise[1]:
            raise ValueError(f"noise is [{self.noise[0]}, {self.noise[1]}]; expected [smallest, largest]")
        return self

    @model_validator(mode="after")
    def _check_solver(self) -> DatasetConfig:
        if self.solver == "general" and self.rtol is None:
            raise ValueError("solver is general without rtol; expected its tolerance, such as rtol: 1e-6")
        if self.solver == "exact" and self.rtol is not None:
            raise ValueError(
                f"rtol is {self.rtol:g} and solver exact, which has no tolerance; expected solver: general"
            )
        return self


class SegmentationConfig(Config):
    """How series are turned into inputs and targets: a projection of the model configuration."""

    horizon: Count = 1
    normaliser: str = "group_std"
    features: tuple[str, ...] = ("steady_state",)
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 14 / 17
    split_seed: int = 42


class Loss(Config):
    """The training loss: mean over targets, and weighted extra terms."""

    name: str = "mse"
    """A name in `losses.py`."""
    standardise: bool = False
    """Whether errors are in units of each target's std over the training set."""
    forecast_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of forecast targets beside the others [1]."""
    residual: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the mean squared residual x - c of the residual network [1]."""

    @field_validator("name")
    @classmethod
    def _check_loss(cls, name: str) -> str:
        from trainers.preference_dynamics.losses import LOSSES

        return check_name("loss", name, LOSSES)


class Refinement(Config):
    """Steps of Levenberg and Marquardt from the first estimate, see `refinement/least_squares.py`."""

    steps: Annotated[int, Field(ge=0, le=1000)] = 0
    """Iterations per start, at most; 0 does not refine. Good values 20 to 50."""
    starts: Count = 1
    """Starts per series: the first estimate, and draws from its uncertainty. Good values 1 to 5."""
    least_error: Annotated[float, Field(ge=1e-14, le=1)] = 1e-14
    """Smallest observation error that intervals allow for: the accuracy of a solver or the resolution of an instrument
    [std of the series' desires or efforts]; the default is rounding. Larger errors show in the residual of the fit and
    are estimated for each series."""


class Physics(Config):
    """Terms of the loss of a physics-informed network, see `models/surrogate.py`."""

    data: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the surrogate's misfit to the series [1]."""
    equations: Annotated[float, Field(ge=0)] = 0.1
    """Weight of the surrogate's misfit to the equations [1]."""
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Smoothing of the maxima, as softplus; 0: none [1]."""
    points: Count = 20
    """Points from the beginning of a series on which the terms are evaluated."""
    width: Count = 64
    """Units of each hidden layer of the surrogate."""


class ModelConfig(ModelConfigBase):
    """A network, its training and its refinement, or a baseline. The defaults are the published base network."""

    shared: ClassVar[tuple[str, ...]] = ("seed", "learning_rate")

    kind: Literal["cnn", "cnn_features", "residual", "posterior", "pinn", "constant", "persistence", "ridge", "fit"] = (
        "residual"
    )
    """Networks: see `models/networks.py`. constant: training means; persistence: the last values as forecast; ridge:
    linear in the features; fit: least squares from random starts."""
    filters: Annotated[tuple[Count, ...], Field(min_length=1)] = (64, 128)
    """Channels of each convolution block, first to last."""
    kernels: Annotated[tuple[Count, ...], Field(min_length=1)] = (3, 3)
    """Width of each convolution [points]."""
    hidden: tuple[Count, ...] = (128,)
    """Units of each hidden layer after the pool."""
    bins: Count = 1
    """Parts of the time axis that are averaged separately after the last block; 1 averages over all of it."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Part of the pooled values that is dropped in training [1]."""
    activation: str = "relu"
    """Activation of the convolution blocks: a name in `models/activations.py`."""
    rectified_output: bool = False
    """Whether the output of `cnn` goes through a ReLU as published, so that no estimate is below 0."""
    targets: Literal["all", "unknowns", "parameters", "forecast"] = "all"
    """What the network estimates. unknowns: parameters and initial values; all: and the forecast."""
    horizon: Count = 1
    """Points cut from the end of each series, to be forecast."""
    normaliser: str = "group_std"
    """How a series is scaled: a name in `series/normalisers.py`."""
    features: tuple[str, ...] = ("steady_state",)
    """Features of a series: names in `series/features.py`; the residual network needs steady_state first."""
    loss: Loss = Loss()
    physics: Physics = Physics()
    """Terms of the loss of kind pinn."""
    optimiser: Literal["adam", "adamw"] = "adam"
    """adam adds the weight decay to the gradient, adamw subtracts it from the weights."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    """Learning rate at the start [1/step]."""
    schedule: Literal["constant", "cosine", "warmup_cosine"] = "constant"
    """How the rate changes over all epochs."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-5
    """Weight decay [1]."""
    clip_norm: Annotated[float, Field(ge=0)] = 1.0
    """Largest norm of the gradient; 0 does not clip [1]."""
    batch_size: Count = 32
    """Series per optimiser step; the last batch of an epoch may be smaller."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Passes over the training series, at most."""
    patience: Count = 20
    """Epochs without a lower validation loss after which training ends."""
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 14 / 17
    """Part of the series that trains; the rest validates [1]. Published: 70 of 85 %; the test set is separate."""
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Seed of the split [integer]."""
    refine: Refinement = Refinement()
    interval_strata: Annotated[int, Field(ge=1, le=20)] = 1
    """Ranges of estimated noise whose 90 % intervals are scaled separately; 1: one factor for all. Good values 3 to 5
    where noise differs between series and 300 of them validate."""

    @field_validator("normaliser")
    @classmethod
    def _check_normaliser(cls, name: str) -> str:
        from trainers.preference_dynamics.series.normalisers import NORMALISERS

        return check_name("normaliser", name, NORMALISERS)

    @field_validator("features")
    @classmethod
    def _check_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from trainers.preference_dynamics.series.features import FEATURES

        return tuple(check_name("feature", name, FEATURES) for name in names)

    @field_validator("activation")
    @classmethod
    def _check_activation(cls, name: str) -> str:
        from trainers.preference_dynamics.models.activations import ACTIVATIONS

        return check_name("activation", name, ACTIVATIONS)

    @model_validator(mode="after")
    def _check_conflicts(self) -> ModelConfig:
        for conflict, text in _conflicts(self):
            if conflict:
                raise ValueError(text)
        return self

    def validation_columns(self) -> tuple[str, ...]:
        """Return the parts of a loss that are measured in validation."""
        return ("loss",)

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        names = ("horizon", "normaliser", "features", "train_fraction", "split_seed")
        return SegmentationConfig(**{name: getattr(self, name) for name in names})


def _conflicts(model: ModelConfig) -> list[tuple[bool, str]]:
    """Return pairs: whether two settings conflict, and the line that says so."""
    residual = model.kind == "residual"
    return [
        (
            len(model.filters) != len(model.kernels),
            f"filters has {len(model.filters)} entries and kernels {len(model.kernels)}; give one kernel per block",
        ),
        (
            residual and model.targets != "all",
            f"targets is {model.targets!r}; the residual network's forecast is its level, so expected 'all'",
        ),
        (
            residual and model.features[:1] != ("steady_state",),
            f"features is {list(model.features)}; the residual network expects steady_state first",
        ),
        (
            model.kind == "posterior" and (model.targets, model.loss.name) != ("all", "nll"),
            f"kind posterior with targets {model.targets!r}, loss {model.loss.name!r}; expected 'all' and 'nll'",
        ),
        (
            model.kind == "pinn"
            and (model.features[:2], model.normaliser, model.targets)
            != (("time_step", "log_scale"), "group_std", "all"),
            f"kind pinn with features {list(model.features)}, normaliser {model.normaliser!r}, targets "
            f"{model.targets!r}; expected features that begin with time_step, log_scale; 'group_std'; 'all'",
        ),
        (
            model.kind != "pinn" and model.physics != Physics(),
            f"physics is for kind pinn; kind is {model.kind!r}",
        ),
        (
            model.kind != "posterior" and model.loss.name == "nll",
            f"loss nll needs a network that estimates its uncertainty; kind is {model.kind!r}, expected 'posterior'",
        ),
        (
            model.refine.steps > 0
            and (model.kind not in (*NETWORKS, "fit") or model.targets not in ("all", "unknowns")),
            f"refine with kind {model.kind!r}, targets {model.targets!r}; it starts from estimates of all unknowns",
        ),
        (
            model.kind == "fit" and model.refine.steps == 0,
            "kind fit needs refine.steps; good values are steps: 30, starts: 5",
        ),
        (
            model.kind not in NETWORKS and model.targets != "all",
            f"targets is {model.targets!r}; kind {model.kind!r} estimates all, expected 'all'",
        ),
        (
            not residual and model.loss.residual > 0,
            f"loss.residual is {model.loss.residual}; only kind residual has one, kind is {model.kind!r}",
        ),
    ]


def _presets() -> dict[str, DatasetConfig]:
    """Return the datasets by name: for each n a training set of seed 42, a test set of seed 1042, noisy ones, and test
    sets of a general solver of rtol 1e-3, 1e-6 and 1e-9."""
    named: dict[str, DatasetConfig] = {}
    for n in (1, 2, 3):
        train, test = DatasetConfig(actions=n, seed=42), DatasetConfig(actions=n, trajectories=1500, seed=1042)
        named |= {f"n{n}_train": train, f"n{n}_test": test}
        named[f"n{n}_test_small"] = test.model_copy(update={"trajectories": 50})
        named[f"n{n}_noisy_train"] = train.model_copy(update={"noise": (0.0, 0.1)})
        for percent in (1, 5, 10):
            level = percent / 100
            named[f"n{n}_test_noise{percent}"] = test.model_copy(update={"noise": (level, level)})
        for digits in (3, 6, 9):
            named[f"n{n}_test_rtol{digits}"] = test.model_copy(update={"solver": "general", "rtol": 10.0**-digits})
    return named


PRESETS: dict[str, DatasetConfig] = _presets()
"""Datasets by name."""
