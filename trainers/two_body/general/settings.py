"""Settings of models of any state, and which of a model's settings they have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.study import Config

KINDS = ("general_ode", "linear_ode", "sindy")
"""Kinds of models that learn `dy/dt = f(y, u)` for states and inputs of any number."""

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


class General(Config):
    """Settings of models of any state."""

    substeps: Annotated[int, Field(ge=1, le=1000)] = 2
    """Runge-Kutta steps per data interval in training [integer]; more where samples are far apart."""
    degree: Annotated[int, Field(ge=1, le=5)] = 2
    """sindy: highest degree of the monomials."""
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """sindy: a term whose root mean square is a smaller share of that of the derivative is dropped [1]."""
