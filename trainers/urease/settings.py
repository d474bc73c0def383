"""Groups of settings of a model: pooling, schedule, heads, flow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trainers.study import Config

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]

NETWORKS = ("posterior", "gaussian")
"""Kinds of model that are trained step by step."""


class Pooling(Config):
    """How the points of a prefix become one vector."""

    name: Literal["average", "weighted"] = "weighted"
    """average: the mean over the points of the prefix; weighted: a mean with learned weights that sum to 1."""
    heads: Count = 4
    """weighted: means that are taken, each with weights of its own; the source has 1."""
    start_bias: Annotated[float, Field(ge=0, le=20)] = 1.0
    """weighted: at the start of training the weights fall as `exp(-start_bias t/prefix)` [1]; 0: they are even."""


class Schedule(Config):
    """How the learning rate changes over the epochs."""

    name: Literal["constant", "cosine", "plateau"] = "plateau"
    warmup_epochs: Annotated[int, Field(ge=0)] = 5
    """Epochs in which the rate rises linearly from 0 to its peak; a plateau rule acts after them."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """plateau: what the rate is multiplied by [1]."""
    patience: Count = 10
    """plateau: epochs without progress before the rate falls."""
    floor: Annotated[float, Field(ge=0)] = 1e-6
    """plateau: smallest rate [1/step]."""


class GaussianHead(Config):
    """Of kind gaussian: its two heads and its loss."""

    log_variance: tuple[float, float] = (-4.6, 10.0)
    """Range to which the log-variance of a standardised unknown is clamped; -4.6 is a std of at least 0.1."""
    variance_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the penalty `mean((variance - variance_target)^2)` [1]; the source takes 0.01."""
    variance_target: Positive = 0.1
    """In units of the variance of an unknown over the training set [1]."""


class Flow(Config):
    """Of kind posterior: a neural spline flow over the unknowns, given the embedding of the curve."""

    transforms: Count = 2
    """Autoregressive transformations, one after another."""
    hidden: tuple[Count, ...] = (64, 64)
    """Units of the hidden layers of each."""
    bins: Annotated[int, Field(ge=2, le=64)] = 8
    """Bins of the monotone splines."""
