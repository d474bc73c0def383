"""Refine estimates by Gauss-Newton steps through the simulation, with the first state of every window unknown too.

A window's first state is measured with noise; to roll out from it as it is pulls estimates away. Here the coordinates u
of a car and the first states x of its windows minimise

    sum over windows, points, states of (e/s)^2 + sigma^2 (u - m)' Lambda (u - m)

with the noise s of the sensors, their true level sigma^2 estimated from the residuals, and the cars of the training set
(mean m, precision Lambda) as prior. Each first state belongs to one window: it is eliminated from the normal equations
(Schur complement), so that a step costs the same for any number of windows. Steps are damped (Levenberg, Marquardt) per
car. The inverse of the last normal matrix is the Laplace approximation of the posterior, widened where the windows of a
car disagree by more than noise explains: then the simulation is not that car's.

Double precision. Where it breaks: a start so far off that the rollout has lost the window; the network's is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trainers.vehicle.dynamics.registry import Dynamics
from trainers.vehicle.dynamics.rollout import rollout
from trainers.vehicle.dynamics.states import SENSORS
from trainers.vehicle.estimates.coordinates import Population, bounds, traced_combinations
from trainers.vehicle.losses import errors
from trainers.vehicle.windows.cut import Windows

Array = np.ndarray

DAMPING, LEAST, MOST = 1e-3, 1e-9, 1e6
"""First, smallest and largest damping, in parts of the normal matrix [1]."""

CONVERGED = 1e-7
"""Relative fall of the objective that ends the steps [1]."""

NOISE_FLOOR = 1e-8
"""Smallest level of noise, in parts of the sensors' variance: that of rounding and the integrator [1]."""

FEWEST_WINDOWS = 3
"""Windows of a car below which nothing is said of how they disagree."""

LARGEST_BLOCK = 64
"""Windows that are linearised together."""


class Linearised(NamedTuple):
    """Normal equations of W windows in K coordinates and 7 first states, J'J (W, K+7, K+7), J'e (W, K+7), e'e (W,)."""

    matrix: Array
    gradient: Array
    cost: Array


@dataclass(frozen=True)
class Refined:
    """Estimates of G cars."""

    u: Array
    """(G, K) coordinates."""
    covariance: Array
    """(G, K, K) of the Laplace approximation, times `disagreement`."""
    noise: Array
    """(G,) estimated noise in parts of the sensors' [1]."""
    disagreement: Array
    """(G,) of a car's windows, in parts of what noise explains; 1 where it explains all [1]."""
    first: Array
    """(W, 7) first states of the windows."""


def linearise(dynamics: Dynamics, step: float, substeps: int, u: Array, first: Array, windows: Windows) -> Linearised:
    """Return the normal equations of windows at coordinates u (W, K) and first states (W, 7)."""
    count = len(u)
    block = min(LARGEST_BLOCK, 8 * -(-count // 8))
    program = _program(dynamics, step, substeps)
    parts = []
    with jax.enable_x64(True):
        for start in range(0, count, block):
            rows = np.minimum(np.arange(start, start + block), count - 1)
            made = program(
                jnp.asarray(u[rows].T),
                jnp.asarray(first[rows].T),
                jnp.asarray(np.transpose(windows.control[rows], (1, 2, 0))),
                jnp.asarray(np.transpose(windows.state[rows], (1, 2, 0))),
            )
            parts.append([np.asarray(values)[: count - start] for values in made])
    return Linearised(*(np.concatenate(values) for values in zip(*parts, strict=True)))


@lru_cache(maxsize=16)
def _program(dynamics: Dynamics, step: float, substeps: int) -> Callable[..., tuple[jax.Array, ...]]:
    def residuals(u: jax.Array, first: jax.Array, control: jax.Array, target: jax.Array) -> jax.Array:
        named = dynamics.parameters_of(traced_combinations(dynamics, u))
        scale = jnp.asarray(SENSORS)[:, None]
        return errors(rollout(dynamics, first, control, named, step, substeps), target) / scale

    def normal(u: jax.Array, first: jax.Array, control: jax.Array, target: jax.Array) -> tuple[jax.Array, ...]:
        size = len(u) + len(first)
        basis = jnp.eye(size, dtype=u.dtype)

        def column(direction: jax.Array) -> jax.Array:
            tangents = (
                jnp.broadcast_to(direction[: len(u), None], u.shape),
                jnp.broadcast_to(direction[len(u) :, None], first.shape),
            )
            return jax.jvp(lambda a, b: residuals(a, b, control, target), (u, first), tangents)[1]

        jacobian, error = jax.vmap(column)(basis), residuals(u, first, control, target)
        matrix = jnp.einsum("alsw,blsw->wab", jacobian, jacobian)
        return matrix, jnp.einsum("alsw,lsw->wa", jacobian, error), jnp.sum(error**2, axis=(0, 1))

    return jax.jit(normal)


def refine(
    dynamics: Dynamics,
    windows: Windows,
    group: Array,
    start: Array,
    prior: Population,
    step: float,
    substeps: int,
    steps: int,
) -> Refined:
    """Refine coordinates (G, K) of groups of windows; group (W,) says which each window belongs to."""
    low, high = bounds(dynamics)
    u, first = np.clip(start, low, high), windows.state[:, 0].copy()
    groups, size = start.shape
    damping = np.full(groups, DAMPING)
    now = linearise(dynamics, step, substeps, u[group], first, windows)
    freedom = _freedom(dynamics, windows, group, groups)
    for _ in range(steps):
        level = noise_level(now.cost, group, freedom)
        matrix, gradient, inner = _reduced(now, group, groups, size)
        matrix, gradient = _with_prior(dynamics, matrix, gradient, u, prior, level)
        diagonal = np.einsum("gkk->gk", matrix)
        change = -np.linalg.solve(
            matrix + np.einsum("gk,kl->gkl", damping[:, None] * diagonal, np.eye(size)), gradient[..., None]
        )[..., 0]
        trial = np.clip(u + change, low, high)
        trial_first = (
            first
            - np.einsum("wij,wj->wi", inner, now.gradient[:, size:])
            - np.einsum("wij,wjk,wk->wi", inner, now.matrix[:, size:, :size], (trial - u)[group])
        )
        then = linearise(dynamics, step, substeps, trial[group], trial_first, windows)
        before, after = (_objective(values.cost, group, at, prior, level) for values, at in ((now, u), (then, trial)))
        better = np.isfinite(after) & (after < before)
        fall = np.where(better, (before - after) / np.maximum(before, 1e-300), 0.0)
        damping = np.clip(np.where(better, damping / 10, damping * 10), LEAST, MOST)
        u = np.where(better[:, None], trial, u)
        first = np.where(better[group][:, None], trial_first, first)
        now = Linearised(*(_chosen(better[group], a, b) for a, b in zip(then, now, strict=True)))
        if ((better & (fall < CONVERGED)) | (~better & (damping >= MOST))).all():
            break
    level = noise_level(now.cost, group, freedom)
    matrix, gradient, _ = _reduced(now, group, groups, size)
    matrix, _ = _with_prior(dynamics, matrix, gradient, u, prior, level)
    inverse = np.linalg.inv(matrix) * (dynamics.free[:, None] & dynamics.free)
    apart = disagreement(*_eliminated(now, size)[:2], inverse, group, level)
    return Refined(u, (level * apart)[:, None, None] * inverse, np.sqrt(level), apart, first)


def disagreement(matrix: Array, gradient: Array, inverse: Array, group: Array, level: Array) -> Array:
    """Return by how much the windows of each car disagree, in parts of what noise explains; at least 1 (G,).

    Each window w of a car pulls its estimate with g_w; the pulls cancel. If the simulation is that car's, they are
    noise with the covariance `level (H_w - H_w H^-1 H_w)`, the windows' normal matrices H_w (W, K, K) summing to H with
    the prior. The ratio of `sum_w g_w' H^-1 g_w` to its expectation is 1 then, and larger where each window would have
    another car: on tyres that saturate, say. Residuals alone do not tell, since noise of another size looks like that.
    The variance of an estimate grows by the ratio (Birge 1932, Phys. Rev. 40:207; of clustered scores: White 1982,
    Econometrica 50:1). Of fewer than `FEWEST_WINDOWS` windows the ratio says nothing: 1.
    Shapes: gradient (W, K), inverse H^-1 (G, K, K), level (G,).
    """
    spread = np.einsum("wij,wjk->wik", inverse[group], matrix)
    expected = np.trace(spread, axis1=1, axis2=2) - np.einsum("wij,wji->w", spread, spread)
    observed = np.einsum("wi,wij,wj->w", gradient, inverse[group], gradient) / level[group]
    groups = len(level)
    ratio = np.bincount(group, observed, groups) / np.maximum(np.bincount(group, expected, groups), 1e-12)
    enough = (np.bincount(group, minlength=groups) >= FEWEST_WINDOWS) & np.isfinite(ratio)
    return np.where(enough, np.maximum(ratio, 1.0), 1.0)


def noise_level(cost: Array, group: Array, freedom: Array) -> Array:
    """Return sigma^2 (G,): the squared residuals of each group by their degrees of freedom."""
    total = np.bincount(group, cost, len(freedom))
    return np.maximum(np.where(np.isfinite(total), total, 1e12) / freedom, NOISE_FLOOR)


def _freedom(dynamics: Dynamics, windows: Windows, group: Array, groups: int) -> Array:
    points, states = windows.state.shape[1:]
    numbers = np.bincount(group, minlength=groups) * (points - 1) * states
    return np.maximum(numbers - int(dynamics.free.sum()), 1)


def _reduced(now: Linearised, group: Array, groups: int, size: int) -> tuple[Array, Array, Array]:
    """Return the normal equations of each group, first states eliminated, and the inverse of their block (W, 7, 7)."""
    of_windows, pulls, inner = _eliminated(now, size)
    matrix, gradient = np.zeros((groups, size, size)), np.zeros((groups, size))
    np.add.at(matrix, group, of_windows)
    np.add.at(gradient, group, pulls)
    return matrix, gradient, inner


def _eliminated(now: Linearised, size: int) -> tuple[Array, Array, Array]:
    """Return the normal equations of each window, its first state eliminated, and the inverse of its block."""
    cross, block = now.matrix[:, size:, :size], now.matrix[:, size:, size:]
    inner = np.linalg.inv(block)
    matrix = now.matrix[:, :size, :size] - np.einsum("wik,wij,wjl->wkl", cross, inner, cross)
    gradient = now.gradient[:, :size] - np.einsum("wik,wij,wj->wk", cross, inner, now.gradient[:, size:])
    return matrix, gradient, inner


def _with_prior(
    dynamics: Dynamics, matrix: Array, gradient: Array, u: Array, prior: Population, level: Array
) -> tuple[Array, Array]:
    """Add the prior, and hold what is known."""
    precision = level[:, None] / prior.std**2
    matrix = matrix + np.einsum("gk,kl->gkl", precision, np.eye(len(prior.std)))
    gradient = gradient + precision * (u - prior.mean)
    free = dynamics.free
    return np.where(free[:, None] & free, matrix, np.eye(len(free))), np.where(free, gradient, 0.0)


def _objective(cost: Array, group: Array, u: Array, prior: Population, level: Array) -> Array:
    return np.bincount(group, cost, len(u)) + level * (((u - prior.mean) / prior.std) ** 2).sum(axis=1)


def _chosen(members: Array, yes: Array, no: Array) -> Array:
    return np.where(members.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)
