"""Configurations of the urease study."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from trainers.study import Config, DatasetConfigBase, ModelConfigBase
from trainers.urease.conflicts import conflicts
from trainers.urease.kinetics.families import FAMILIES, Family, FamilyName, Range
from trainers.urease.kinetics.rate_law import TemperatureLaw
from trainers.urease.settings import Count, Flow, GaussianHead, Pooling, Positive, Schedule, Share

PART_CURVES = 10_240
"""A larger set is simulated in parts of about that size."""


class DatasetConfig(DatasetConfigBase):
    """pH curves of reactors drawn from a prior version."""

    family: FamilyName = "v3"
    """Which parameters are unknown, known and disturbing, and their ranges: a name in `kinetics/families.py`."""
    trajectories: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """Number of curves; a smaller set of the same seed is the beginning of a larger one."""
    interval: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Time between readings [s]. The source samples 2000 points over 2000 s, every 1.0005 s."""
    duration: Annotated[float, Field(gt=0, le=1e5)] = 300.0
    """Time of the last reading at most; the first is at 0 [s]. Forecasts beyond it need no readings."""
    noise: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Standard deviation of the white noise of a reading [pH]."""
    nuisances: bool = True
    """Whether the disturbances of the family act; without them they are 0."""
    largest_drift: Annotated[float, Field(ge=0)] = 5e-5
    """Largest drift of the probe, of either sign [1/s]. The source's code says 5e-5, its description 5e-6."""
    largest_enzyme: Positive = 1.25
    """Upper end of E0 in family v2 [g/L]; the source later used 2.5."""
    law: TemperatureLaw = "fitted"
    """Whether the dependence on pH follows the temperature."""
    phosphate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Total phosphate of the solution [mol/L]."""
    exact_samples: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Samples of the exact posterior of every curve and duration that are stored with the set, for comparison; 0: none.
    They take about 2 s for each curve and duration."""
    exact_durations: tuple[Positive, ...] = (10.0, 30.0, 60.0, 120.0, 300.0)
    """Durations whose exact posterior is stored [s]."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of parameters and noise [integer]."""

    def parts(self) -> int:
        """Return how many parts the simulation has: one for each 10,240 curves."""
        return -(-self.trajectories // PART_CURVES)

    def family_of(self) -> Family:
        """Return the family."""
        return FAMILIES[self.family]

    def ranges(self) -> dict[str, Range]:
        """Return the range of every parameter that is drawn, as this configuration has it."""
        family, ranges = self.family_of(), self.family_of().ranges()
        if "E0" in ranges:
            ranges["E0"] = Range(ranges["E0"].low, self.largest_enzyme)
        if "pH_drift" in ranges:
            ranges["pH_drift"] = Range(-self.largest_drift, self.largest_drift)
        return ranges if self.nuisances else {name: r for name, r in ranges.items() if name not in family.nuisance}

    def times(self) -> np.ndarray:
        """Return the times of the readings (T,) [s]."""
        return self.interval * np.arange(int(self.duration / self.interval + 1e-9) + 1)

    @model_validator(mode="after")
    def _consistent(self) -> DatasetConfig:
        if self.duration < 2 * self.interval:
            raise ValueError(f"duration {self.duration} s with an interval of {self.interval} s; expected 3 readings")
        if self.exact_samples and self.parts() > 1:
            raise ValueError(f"exact_samples for {self.trajectories} curves; expected at most {PART_CURVES}")
        if self.largest_enzyme <= 5e-4:
            raise ValueError(f"largest_enzyme is {self.largest_enzyme} g/L; expected more than the smallest, 5e-4 g/L")
        return self


class SegmentationConfig(Config):
    """How curves become points: a projection of the model configuration."""

    durations: tuple[float, ...] = (10.0, 30.0, 60.0, 120.0, 300.0)
    sampling: Literal["bins", "points", "adaptive"] = "bins"
    bins: int = 30
    points: int = 100
    target_interval: float = 0.3
    finer: Literal["refuse", "warn"] = "refuse"
    components: int = 16
    base: Literal["prior", "laplace"] = "prior"
    train_fraction: float = 0.8
    split_seed: int = 42


class ModelConfig(ModelConfigBase):
    """A network and its training, or a baseline.

    The defaults of the training are the settings that the source recommends: batches of 256, a rate of 1e-3, weight
    decay 1e-5, clipping at 5, warm-up over 5 epochs, a plateau rule of factor .7, patience 10 and floor 1e-6, weighted
    pooling. In a hurry, a cosine over 25 epochs of batches of 128 at 2e-3 does as well.
    """

    shared: ClassVar[tuple[str, ...]] = ("seed", "learning_rate")

    kind: Literal["posterior", "gaussian", "constant", "least_squares", "laplace", "trees", "exact"] = "posterior"
    """posterior: a flow over the box of the prior; gaussian: the source's mean and log-variance; constant: the prior;
    least_squares: bounded, with the nuisances as further parameters; laplace: the same with the prior, and the normal
    posterior around it; trees: gradient-boosted, on features of the prefix; exact: samples of the true posterior, by
    importance weights through the simulator."""
    durations: Annotated[tuple[Positive, ...], Field(min_length=1)] = (10.0, 30.0, 60.0, 120.0, 300.0)
    """Durations of the prefixes that are seen [s]: one model for all of them."""
    sampling: Literal["bins", "points", "adaptive"] = "bins"
    """bins: means of readings in bins that widen with time; points: a fixed number of interpolated points; adaptive:
    their number by the target interval. The last two need a single prefix."""
    bins: Annotated[int, Field(ge=2, le=1000)] = 30
    """bins: up to 10, 30, 60, 120 and 300 s, and each prefix, bins are this part of that time wide."""
    points: Annotated[int, Field(ge=2, le=10_000)] = 100
    """points: their number."""
    target_interval: Positive = 0.3
    """adaptive: time between points [s]."""
    finer: Literal["refuse", "warn"] = "refuse"
    """What to do with points that are closer together than the readings."""
    channels: Literal["clock", "source"] = "clock"
    """What the network reads of a point. clock: rise of pH, time, clock, noise, in real units; source: pH standardised
    over the training set, time standardised within the curve, and its differences."""
    filters: tuple[Count, ...] = (16, 16, 16)
    """Channels of the levels of the temporal convolution; level i has the dilation 2^i. None: the points are pooled."""
    kernel: Annotated[int, Field(ge=1, le=64)] = 3
    """Width of its kernels [points]."""
    pooling: Pooling = Pooling()
    components: Annotated[int, Field(ge=0, le=100)] = 16
    """Principal components of the points of a prefix that join the pooled features, in each of two views, see
    `curves/components.py`; 0: none, as in the source."""
    known_hidden: Annotated[tuple[Count, ...], Field(min_length=1)] = (64, 64)
    """Units of the network of the known conditions."""
    embedding: tuple[Count, ...] = (128, 128, 128)
    """posterior: units of the hidden layers between pool and flow."""
    head_hidden: Count = 128
    """gaussian: units of the hidden layer of each head."""
    gaussian: GaussianHead = GaussianHead()
    flow: Flow = Flow()
    base: Literal["prior", "laplace"] = "prior"
    """posterior: what the flow starts from. prior: the prior; laplace: the normal approximation of the posterior, by
    least squares on a quick likelihood, see `inference/laplace.py`: 25 ms a curve, and the noise is not redrawn."""
    dropout: Share = 0.0
    """Part of values dropped in training, in the convolutions and in the heads [1]."""
    redraw: bool = True
    """Whether noise and, where they are nuisances, offset and drift are drawn anew in every epoch."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """Peak of the learning rate [1/step]. With a batch k times as large, try a rate up to k times as large."""
    schedule: Schedule = Schedule()
    weight_decay: Annotated[float, Field(ge=0)] = 1e-5
    """Weight decay of Adam [1/step]."""
    clip_norm: Annotated[float, Field(ge=0)] = 5.0
    """Largest norm of the gradient; 0 does not clip [1]."""
    batch_size: Count = 256
    """Curves per optimiser step; the last batch of an epoch may be smaller."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Most passes over the training curves."""
    patience: Count = 50
    """Epochs without a lower validation loss after which training ends."""
    recalibrate: bool = True
    """Whether the levels of intervals are corrected by the ranks of the validation curves."""
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Part of the curves that trains; the rest validates [1]."""
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Seed of the split [integer]."""

    @model_validator(mode="after")
    def _consistent(self) -> ModelConfig:
        for wrong, text in conflicts(self, type(self).model_fields):
            if wrong:
                raise ValueError(text)
        return self

    def validation_columns(self) -> tuple[str, ...]:
        """Return the parts of a loss that are measured in validation."""
        return ("loss", "nll", "variance_term") if self.kind == "gaussian" else ("loss",)

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        return SegmentationConfig(**{name: getattr(self, name) for name in SegmentationConfig.model_fields})
