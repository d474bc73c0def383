"""The state of trajectories of the piecewise linear system, and the Taylor series of their present mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.preference_dynamics.system.equations import Array, System, unpack
from trainers.preference_dynamics.system.sensitivity import initial_sensitivity, sensitivity_step

TERMS = 24
"""Degree of the Taylor polynomial."""

REACH = 3.0
"""Largest |A| h of a step [1]."""

POWERS = np.arange(TERMS + 1)
"""Exponents of the polynomial."""


@dataclass
class Flow:
    """The state of N trajectories."""

    system: System
    y: Array
    """(2n, N) states."""
    above: Array
    """(2n, N) the mode: whether a channel is above its threshold."""
    sensitivity: Array | None
    """(2n, Q, N) derivatives of the state with respect to the unknowns."""

    def take(self, index: Array) -> Flow:
        """Return some of the trajectories, as copies."""
        system = System(*(part[..., index] for part in self.system))
        sensitivity = None if self.sensitivity is None else self.sensitivity[..., index]
        return Flow(system, self.y[:, index], self.above[:, index], sensitivity)

    def put(self, index: Array, part: Flow) -> None:
        """Write some of the trajectories back."""
        self.y[:, index], self.above[:, index] = part.y, part.above
        if self.sensitivity is not None:
            self.sensitivity[..., index] = part.sensitivity

    def join(self, more: Flow) -> Flow:
        """Return the trajectories of both."""
        system = System(*(np.concatenate(pair, axis=-1) for pair in zip(self.system, more.system, strict=True)))
        sensitivity = None
        if self.sensitivity is not None and more.sensitivity is not None:
            sensitivity = np.concatenate([self.sensitivity, more.sensitivity], axis=-1)
        y, above = np.concatenate([self.y, more.y], axis=-1), np.concatenate([self.above, more.above], axis=-1)
        return Flow(system, y, above, sensitivity)


def start(unknowns: Array, actions: int, derivatives: bool) -> Flow:
    """Return the trajectories of unknowns (N, Q) at t = 0."""
    system = unpack(unknowns, actions)
    y = np.concatenate([system.v0, system.m0])
    sensitivity = initial_sensitivity(actions, len(unknowns)) if derivatives else None
    return Flow(system, y, y > thresholds(system), sensitivity)


def thresholds(system: System) -> Array:
    """Return the threshold (2n, N) of every channel: mu, and 0."""
    return np.concatenate([system.mu, np.zeros_like(system.mu)])


def longest_step(system: System) -> Array:
    """Return the longest step (N,): REACH / |A|, with |A| the largest row sum of the mode with all channels above."""
    rows = np.concatenate([np.abs(system.pi).sum(axis=1), 1 + np.abs(system.gamma).sum(axis=1)])
    return REACH / rows.max(axis=0)


def taylor(flow: Flow, step: Array) -> Array:
    """Return the terms `c_k h^k` (TERMS + 1, 2n, N) of the solution in the present mode."""
    n, (system, above) = len(flow.system.g), (flow.system, flow.above)
    pi, gamma = (-step * above[n:] * matrix for matrix in (system.pi, system.gamma))
    driving = step * above[:n]
    terms = np.empty((TERMS + 1, *flow.y.shape))
    terms[0] = flow.y
    for k in range(TERMS):
        v, m = terms[k, :n], terms[k, n:]
        desire, effect = driving * v, _times(pi, m)
        if k == 0:
            desire, effect = desire + step * ~above[:n] * system.mu, effect + step * system.g
        np.divide(effect, k + 1, out=terms[k + 1, :n])
        np.divide(desire + _times(gamma, m), k + 1, out=terms[k + 1, n:])
    return terms


def keep_mode(flow: Flow, length: float) -> None:
    """Advance trajectories by `length`, in place and in their present mode, whatever thresholds they cross."""
    remaining, longest = np.full(flow.y.shape[1], length), longest_step(flow.system)
    while (remaining > 0).any():
        step = np.minimum(remaining, longest)
        terms = taylor(flow, step)
        if flow.sensitivity is not None:
            flow.sensitivity = sensitivity_step(
                flow.sensitivity, terms, flow.system, flow.above, step, np.ones_like(step)
            )
        flow.y, remaining = terms.sum(axis=0), remaining - step


def _times(matrix: Array, vector: Array) -> Array:
    """Multiply matrices (n, n, N) and vectors (n, N)."""
    product = matrix[:, 0] * vector[0]
    for j in range(1, len(vector)):
        product += matrix[:, j] * vector[j]
    return product
