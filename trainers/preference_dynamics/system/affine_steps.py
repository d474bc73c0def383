"""Trajectories that cross no threshold any more: from then on every grid step is the same affine map.

That no threshold is crossed is proved, not assumed. In the present mode the channels above their threshold are a closed
linear system `y' = B y + b`. With `B = V diag(l) V^-1`, `z = V^-1 (y - y*)`, and no l with a positive real part, every
channel stays within `d_i = sum_j |V_ij z_j|` of its equilibrium y*. If y* - d is above the threshold, the channel stays
above it. A channel below its threshold has a rate that is linear in those above; if an upper bound of this rate is
below 0, the channel falls for ever.

The map, and its derivatives with respect to the unknowns, are affine in the state: the images of the origin and of the
unit vectors under one grid step determine them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.preference_dynamics.system.equations import Array
from trainers.preference_dynamics.system.taylor import Flow, keep_mode, thresholds

MARGIN = 1e-9
"""Margin by which the inequalities of the proof must hold, relative to 1 + |y|: covers rounding."""

WORST_BASIS = 1e6
"""Largest max|V| max|V^-1| of a proof; beyond it the eigenvectors are too inaccurate."""


@dataclass
class AffineSteps:
    """M trajectories whose grid steps are affine maps; arrays have trajectories last."""

    index: Array
    """(M,) their indices among all trajectories."""
    flow: Flow
    origin: Array
    """(2n, M) image of the origin under a step."""
    matrix: Array
    """(2n, 2n, M) `y -> matrix y + origin`."""
    direct_origin: Array | None
    """(2n, Q, M) derivatives of `origin` with respect to the unknowns, at fixed state."""
    direct: Array | None
    """(2n, Q, 2n, M) those of `matrix`."""

    def step(self) -> None:
        """Advance one grid step, in place."""
        flow = self.flow
        if flow.sensitivity is not None:
            assert self.direct is not None and self.direct_origin is not None
            image = np.einsum("ijm,jqm->iqm", self.matrix, flow.sensitivity)
            flow.sensitivity = image + self.direct_origin + np.einsum("iqjm,jm->iqm", self.direct, flow.y)
        flow.y = np.einsum("ijm,jm->im", self.matrix, flow.y) + self.origin

    def join(self, more: AffineSteps) -> AffineSteps:
        """Return the trajectories of both."""
        return AffineSteps(
            _both(self.index, more.index),
            self.flow.join(more.flow),
            _both(self.origin, more.origin),
            _both(self.matrix, more.matrix),
            _maybe(self.direct_origin, more.direct_origin),
            _maybe(self.direct, more.direct),
        )


def start_affine_steps(index: Array, flow: Flow, length: float) -> AffineSteps:
    """Return the affine map of a grid step of `length` of each trajectory."""
    size, count = flow.y.shape
    images: list[Array] = []
    slopes: list[Array | None] = []
    for start in np.concatenate([np.zeros((1, size)), np.eye(size)]):
        probe = flow.take(np.arange(count))
        probe.y = np.repeat(start[:, None], count, axis=1)
        probe.sensitivity = None if flow.sensitivity is None else np.zeros_like(flow.sensitivity)
        keep_mode(probe, length)
        images.append(probe.y)
        slopes.append(probe.sensitivity)
    matrix = np.stack([image - images[0] for image in images[1:]], axis=1)
    present = [slope for slope in slopes if slope is not None]
    direct = np.stack([slope - present[0] for slope in present[1:]], axis=2) if present else None
    return AffineSteps(index, flow, images[0], matrix, slopes[0], direct)


def crosses_no_more(flow: Flow) -> Array:
    """Return whether each trajectory (N,) provably crosses no threshold any more."""
    whole, constant = _matrices(flow)
    above, y = flow.above.T, flow.y.T
    inner = np.where(above[:, :, None] & above[:, None, :], whole, -np.eye(y.shape[1]))
    rest = _solve(inner, -np.where(above, constant, 0.0))
    slack = rest - thresholds(flow.system).T
    candidates = np.flatnonzero(np.where(above, slack > 0, True).all(axis=1))
    if not candidates.size:
        return np.zeros(len(y), bool)
    values, basis = np.linalg.eig(inner[candidates])
    inverse = _solve(basis, np.eye(y.shape[1], dtype=complex)[None])
    shift = np.where(above[candidates], y[candidates] - rest[candidates], 0.0)
    part = np.abs(np.einsum("nij,nj->ni", inverse, shift))
    reach = np.einsum("nij,nj->ni", np.abs(basis), part)
    rate = constant[candidates] + np.einsum("nij,nj->ni", whole[candidates], rest[candidates])
    rate += np.einsum("nij,nj->ni", np.abs(whole[candidates] @ basis), part)
    margin = MARGIN * (1 + np.abs(y[candidates]))
    holds = np.where(above[candidates], slack[candidates] - reach > margin, rate < -margin).all(axis=1)
    holds &= (values.real < 0).all(axis=1)
    holds &= np.abs(basis).max(axis=(1, 2)) * np.abs(inverse).max(axis=(1, 2)) < WORST_BASIS
    proof = np.zeros(len(y), bool)
    proof[candidates] = holds
    return proof


def _matrices(flow: Flow) -> tuple[Array, Array]:
    """Return A (N, 2n, 2n) and b (N, 2n) of the present mode, `y' = A y + b`."""
    system, above = flow.system, flow.above
    n, count = system.g.shape
    matrix = np.zeros((count, 2 * n, 2 * n))
    matrix[:, :n, n:] = np.moveaxis(-system.pi * above[n:], 2, 0)
    matrix[:, n:, n:] = np.moveaxis(-system.gamma * above[n:], 2, 0)
    matrix[:, n + np.arange(n), np.arange(n)] = above[:n].T
    return matrix, np.concatenate([system.g, ~above[:n] * system.mu]).T


def _solve(matrix: Array, right: Array) -> Array:
    """Solve (N, k, k) systems for right sides (N, k) or (1, k, k); NaN for a singular one."""
    singular = np.abs(np.linalg.det(matrix)) < 1e-12
    safe = np.where(singular[:, None, None], np.eye(matrix.shape[1]), matrix)
    if right.ndim == 2:
        return np.where(singular[:, None], np.nan, np.linalg.solve(safe, right[..., None])[..., 0])
    return np.where(singular[:, None, None], np.nan, np.linalg.solve(safe, np.broadcast_to(right, safe.shape)))


def _both(one: Array, other: Array) -> Array:
    return np.concatenate([one, other], axis=-1)


def _maybe(one: Array | None, other: Array | None) -> Array | None:
    return None if one is None or other is None else _both(one, other)
