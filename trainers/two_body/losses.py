"""Terms of the training loss: distance of predicted segments from the data, and penalties.

A loss maps data y and prediction y_hat, both (L, 6, B) in normalised units, to a scalar and its unweighted parts. The
first time point is the initial state, not a prediction, and does not count; nor do points where the data are NaN
(padding). A NaN of the prediction makes the loss NaN, so that divergence shows. All losses are dimensionless or in
percent. Means are weighted by `weight` (B,), one number per segment with mean 1 that makes a batch represent all
segments alike, and by `loss.weigh_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from trainers.common.lazy import LazyModule
from trainers.two_body.models.frames import norm, unit

if TYPE_CHECKING:
    from jax import Array

    Parts = dict[str, Array]
    Weight = Array | float
    LossFunction = Callable[[Array, Array, "LossSettings", Weight], tuple[Array, Parts]]

jnp = LazyModule("jax.numpy")

EPS = 1e-8
"""Floor of the denominators, and of the square root in `percent_error_plus_nmse`."""


class LossSettings(Protocol):
    """The part of the configuration that a main term needs, see `config.Loss`."""

    @property
    def rmse_weight(self) -> float:
        """Weight of the normalised RMSE in `percent_error_plus_nmse` [1]."""
        ...

    @property
    def weigh_by(self) -> str:
        """Whether points count alike (`point`) or by the angle swept up to them (`angle`)."""
        ...


def percent_error(y: Array, y_hat: Array, loss: LossSettings, weight: Weight = 1.0) -> tuple[Array, Parts]:
    """Return `100 mean(|y - y_hat| / max(|y|, 1e-8))`, norms over the six channels [%].

    Relative to each state: near and far points count alike, which an absolute error does not give.
    """
    y, y_hat, mask = _predicted(y, y_hat, loss, weight)
    error = norm(_channels_first(y - y_hat)) / jnp.maximum(norm(_channels_first(y)), EPS)
    value = 100 * _mean(error, mask)
    return value, {"percent_error": value}


def percent_error_plus_nmse(y: Array, y_hat: Array, loss: LossSettings, weight: Weight = 1.0) -> tuple[Array, Parts]:
    """Return `percent_error + w 100 sqrt(mean((y - y_hat)^2) / (mean(y^2) + eps) + eps)`, w = `rmse_weight` [%].

    Despite its name the second term is the root of the normalised mean square; the largest states dominate it. The
    eps = 1e-8 under the root keeps its gradient finite, at a floor of 0.01 %.
    """
    percent, parts = percent_error(y, y_hat, loss, weight)
    y, y_hat, mask = _predicted(y, y_hat, loss, weight)
    square, scale = _mean(_mean_square(y - y_hat), mask), _mean(_mean_square(y), mask)
    rmse = 100 * jnp.sqrt(square / (scale + EPS) + EPS)
    return percent + loss.rmse_weight * rmse, {**parts, "nrmse": rmse}


def mean_squared_error(y: Array, y_hat: Array, loss: LossSettings, weight: Weight = 1.0) -> tuple[Array, Parts]:
    """Return `mean((y - y_hat)^2)` over times, channels and segments [normalised units squared]."""
    y, y_hat, mask = _predicted(y, y_hat, loss, weight)
    value = _mean(_mean_square(y - y_hat), mask)
    return value, {"mean_squared_error": value}


def mean_absolute_error(y: Array, y_hat: Array, loss: LossSettings, weight: Weight = 1.0) -> tuple[Array, Parts]:
    """Return `mean(|y - y_hat|)` over times, channels and segments [normalised units]; outliers count less."""
    y, y_hat, mask = _predicted(y, y_hat, loss, weight)
    value = _mean(jnp.mean(jnp.abs(y - y_hat), axis=1), mask)
    return value, {"mean_absolute_error": value}


LOSSES: dict[str, LossFunction] = {
    "percent_error": percent_error,
    "percent_error_plus_nmse": percent_error_plus_nmse,
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "percent_error_with_attraction": percent_error,
}
"""Main terms by name; `percent_error_with_attraction` adds `attraction`, see `objective.py`."""


def attraction(states: Array, acceleration: Array, weight: Weight = 1.0) -> Array:
    """Return `100 mean(max(0, a_hat . r_hat))` [%]: 0 where the force attracts, 100 where it points straight outward.

    states (6, ...), acceleration (3, ...). The source names the penalty without a formula; the cosine does not depend
    on the scale of the acceleration and grows as the force turns outward.
    """
    outward = jnp.sum(unit(acceleration) * unit(states[:3]), axis=0)
    return 100 * jnp.mean(weight * jnp.maximum(outward, 0.0))


def sign_flip(magnitude: Array, weight: Weight = 1.0) -> Array:
    """Return `100 mean(max(0, -2 m_k m_(k+1)) / (m_k^2 + m_(k+1)^2 + eps))` of the magnitude channel, m (L, ...) [%].

    0 without a flip between neighbouring steps, 100 where every step turns m into -m.
    """
    before, after = magnitude[:-1], magnitude[1:]
    return 100 * jnp.mean(weight * jnp.maximum(-2 * before * after, 0.0) / (before**2 + after**2 + EPS))


def energy_drift(states: Array, weight: Weight = 1.0) -> Array:
    """Return `100 mean(|E_k - E_0| / max(|E_0|, 1e-8))` of states (6, L, B), `E = v^2/2 - 1/r` with mu = 1 [%].

    Only for the two-body problem in units in which mu = 1; other problems conserve other quantities.
    """
    energy = 0.5 * jnp.sum(states[3:] ** 2, axis=0) - 1.0 / norm(states[:3])
    return 100 * jnp.mean(weight * jnp.abs(energy[1:] - energy[0]) / jnp.maximum(jnp.abs(energy[0]), EPS))


def weight_penalties(matrices: Sequence[Array]) -> Parts:
    """Return `l1 = mean(|w|)` and `l2 = mean(w^2)` over all entries of weight matrices, biases excluded."""
    weights = jnp.concatenate([matrix.ravel() for matrix in matrices])
    return {"l1": jnp.mean(jnp.abs(weights)), "l2": jnp.mean(weights**2)}


def _channels_first(y: Array) -> Array:
    return jnp.moveaxis(y, 1, 0)


def swept_angle(y: Array) -> Array:
    """Return the angle (L-1, ...) between the positions of neighbouring points of y (L, 6, ...) [radians].

    `atan2(|r_k x r_(k+1)|, r_k . r_(k+1))`. Over a whole orbit the angles sum to 2 pi, so that orbits weigh alike.
    """
    before, after = y[:-1, :3], y[1:, :3]
    return jnp.arctan2(norm(jnp.cross(before, after, axis=1).swapaxes(0, 1)), jnp.sum(before * after, axis=1))


def _predicted(y: Array, y_hat: Array, loss: LossSettings, weight: Weight) -> tuple[Array, Array, Array]:
    """Return data, prediction and weights of the predicted points; unknown data are set to 1 at weight 0.

    A NaN at weight 0 would still make the gradient NaN.
    """
    if loss.weigh_by == "angle":
        weight = jnp.nan_to_num(swept_angle(y)) * weight
    y, y_hat = y[1:], y_hat[1:]
    mask = jnp.all(jnp.isfinite(y), axis=1)
    return jnp.where(mask[:, None], y, 1.0), jnp.where(mask[:, None], y_hat, 1.0), mask * weight


def _mean(values: Array, weight: Array) -> Array:
    return jnp.sum(jnp.where(weight > 0, values * weight, 0.0)) / jnp.sum(weight)


def _mean_square(y: Array) -> Array:
    return jnp.mean(y**2, axis=1)
