"""Settings of models of any state, and which of a model's settings they have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.study import Config

KINDS = ("general_ode", "linear_ode", "sindy", "latent_ode")
"""Kinds of models of any states and inputs; the first three learn `dy/dt = f(y, u)`."""

NETWORKS = ("general_ode", "latent_ode")
"""Those that are trained by steps."""

HEADLINE = ("normalised_rmse", "valid_prediction_time", "step_error", "rollout_failures")
"""Metrics that rank them, see `evaluate`."""

ORBITS_ONLY = (
    "feature_layer", "output_layer", "output_scale", "planar_constraint", "loss", "together", "normalisation", "solver",
)  # fmt: skip
"""Settings that only models of orbits have."""

NETWORK_ONLY = (
    "width", "depth", "activation", "final_activation", "optimiser", "weight_decay", "clip_norm", "batch_size",
    "validate_every",
)  # fmt: skip
"""Settings that only models with a network have."""


class Latent(Config):
    """Settings of a latent ODE."""

    size: Annotated[int, Field(ge=1, le=512)] = 8
    """Dimensions of the latent state [integer]; at least those of the motion."""
    encoder_units: Annotated[int, Field(ge=1, le=4096)] = 64
    """Units of the GRU that reads the observations [integer]."""
    likelihood: Annotated[float, Field(gt=0, le=10)] = 0.1
    """Standard deviation of observations about the decoded motion [standard deviations of a channel]; good values: the
    noise, and 0.02 to 0.1 without any."""
    kl_weight: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Weight of the divergence from the prior at the end of its rise [1]; 1 is the evidence lower bound."""
    kl_anneal: Annotated[int, Field(ge=0)] = 500
    """Steps over which that weight rises from 0; 0: none [integer]."""
    samples: Annotated[int, Field(ge=2, le=1000)] = 32
    """Draws of the posterior for the intervals of a prediction [integer]."""


class General(Config):
    """Settings of models of any state."""

    substeps: Annotated[int, Field(ge=1, le=1000)] = 2
    """Runge-Kutta steps per data interval in training [integer]; more where samples are far apart."""
    degree: Annotated[int, Field(ge=1, le=5)] = 2
    """sindy: highest degree of the monomials."""
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """sindy: a term whose root mean square is a smaller share of that of the derivative is dropped [1]."""
