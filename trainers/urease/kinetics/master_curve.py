"""The master curve: pH as a function of tau, the time integral of the acting enzyme, without gas exchange.

Then S, N and C follow from the extent xi = S0 - S alone (N = 2 xi, C = xi), and so does pH, so that

    d xi / d tau = kT g(pH) sat(S) / (1 + N/Kp(pH)) / 2

is one scalar equation without time: tau(xi) is an integral. With `xi = S0 sigma(z)`, sigma the logistic function, it
is an integral over z of a smooth and bounded function, whether xi is tiny, where pH changes fastest, or near S0:

    d tau / d z = 2 (1 + N/Kp) (KM + S + S^2/Ks) / (kT g) sigma(z)

The curve depends on S0, temperature and initial pH: one curve serves every enzyme activity, deactivation and mixing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.urease.kinetics.charge_balance import charges, solve_ph
from trainers.urease.kinetics.interpolation import hermite_rows
from trainers.urease.kinetics.rate_law import (
    MICHAELIS,
    SUBSTRATE_INHIBITION,
    bell,
    bell_constants,
    product_inhibition,
    rate_constant,
)
from trainers.urease.kinetics.reactor import Reactors

Array = np.ndarray

INTERVALS = 96
"""Intervals between nodes, evenly spaced in z; pH is then right to 2e-6."""

SMALLEST, LARGEST = 1e-10, 14.0
"""First extent [mol/L], below which pH is linear in tau, and last z: all but 1e-6 of the urea is used up."""


class MasterCurve(NamedTuple):
    """Nodes of R curves (R, K)."""

    log_tau: Array
    """Logarithm of tau [g s/L], increasing."""
    ph: Array
    slope: Array
    """d pH / d log tau."""
    extent: Array
    """xi = S0 - S [mol/L]."""
    extent_slope: Array
    """d log xi / d log tau [1]."""

    def ph_at(self, tau: Array, initial_ph: Array) -> Array:
        """Return the pH (R, M) at tau (R, M)."""
        return self._at(tau, self.ph, self.slope, initial_ph[:, None])

    def extent_at(self, tau: Array) -> Array:
        """Return xi (R, M) at tau (R, M) [mol/L]."""
        log = hermite_rows(self.log_tau, np.log(self.extent), self.extent_slope, _log(tau, self.log_tau[:, :1]))
        first = np.exp(self.log_tau[:, :1])
        return np.where(tau < first, self.extent[:, :1] * tau / first, np.exp(log))

    def tau_at(self, pH: Array) -> Array:
        """Return the tau (R, M) at which the pH (R, M) is reached; at its ends for a pH that is never reached."""
        log = hermite_rows(self.ph, self.log_tau, 1 / np.maximum(self.slope, 1e-12), pH)
        return np.exp(np.clip(log, self.log_tau[:, :1], self.log_tau[:, -1:]))

    def _at(self, tau: Array, values: Array, slopes: Array, start: Array) -> Array:
        curve = hermite_rows(self.log_tau, values, slopes, _log(tau, self.log_tau[:, :1]))
        first = np.exp(self.log_tau[:, :1])
        return np.where(tau < first, start + (values[:, :1] - start) * tau / first, curve)


def _log(tau: Array, smallest: Array) -> Array:
    return np.maximum(np.log(np.maximum(tau, 1e-300)), smallest)


def master_curve(reactors: Reactors, largest_tau: Array) -> MasterCurve:
    """Return the master curve of each reactor from its substrate, temperature and initial pH, up to `largest_tau` (R,).

    Gas exchange, enzyme, deactivation and ramp are not looked at.
    """
    S0, strong = reactors.substrate[:, None], reactors.strong[:, None]
    constant = rate_constant(reactors.temperature)[:, None]
    shape = tuple(part[:, None] for part in bell_constants(reactors.temperature, reactors.law))
    begin = np.log(SMALLEST / S0)
    # no more is used up than without inhibition
    most = np.clip(constant * largest_tau[:, None] / 2 / S0, 2 * SMALLEST / S0, 1.0)
    end = np.minimum(LARGEST, np.log(most) - np.log(np.maximum(1 - most, 1e-7))) + 0.1
    z = begin + (end - begin) * np.linspace(0, 1, 2 * INTERVALS + 1)  # every second one is the middle of an interval
    sigma = 1 / (1 + np.exp(-z))
    extent, substrate = S0 * sigma, S0 / (1 + np.exp(z))
    guess = _explicit_guess(extent, reactors)
    pH = solve_ph(2 * extent, extent, strong, guess, reactors.phosphate)
    slowness = 2 * product_inhibition(2 * extent, pH) / (constant * bell(pH, shape))  # type: ignore[arg-type]
    rise = slowness * (MICHAELIS + substrate + substrate**2 / SUBSTRATE_INHIBITION) * sigma
    step = (z[:, 2::2] - z[:, :-2:2]) / 6
    area = np.cumsum(step * (rise[:, :-2:2] + 4 * rise[:, 1::2] + rise[:, 2::2]), axis=1)
    # below the first node d tau / d xi is constant, and sigma is xi/S0
    tau = np.concatenate([rise[:, :1], rise[:, :1] + area], axis=1)
    nodes = (slice(None), slice(None, None, 2))
    part = charges(pH[nodes], reactors.phosphate)
    xi, logarithmic = extent[nodes], tau / rise[nodes]
    balance = part.water_slope - xi * (2 * part.ammonium_slope - part.carbonate_slope)
    pH_by_z = xi * (1 - sigma[nodes]) * (2 * part.ammonium - part.carbonate) / balance
    return MasterCurve(np.log(tau), pH[nodes], pH_by_z * logarithmic, xi, (1 - sigma[nodes]) * logarithmic)


def _explicit_guess(extent: Array, reactors: Reactors) -> Array:
    """Return a pH from which Newton needs few steps: the inverse of xi(pH), which is explicit, on a grid of pH."""
    grid = np.linspace(0, 1, 48)
    pH = reactors.initial_ph[:, None] + (9.2 - reactors.initial_ph[:, None]) * grid
    part = charges(pH, reactors.phosphate)
    excess = 2 * part.ammonium - part.carbonate
    xi = (part.water - reactors.strong[:, None]) / np.where(excess > 1e-6, excess, 1e-6)
    xi = np.maximum.accumulate(np.maximum(xi, 1e-14), axis=1) * (1 + 1e-9 * grid)
    log, at = np.log(xi), np.log(extent)
    return np.stack([np.interp(a, row, p) for a, row, p in zip(at, log, pH, strict=True)])
