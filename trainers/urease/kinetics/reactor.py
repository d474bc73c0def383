"""A batch of reactors: what each was filled with, and how much enzyme has acted by a time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from trainers.urease.kinetics.charge_balance import charges
from trainers.urease.kinetics.interpolation import hermite_rows
from trainers.urease.kinetics.rate_law import TemperatureLaw

Array = np.ndarray

RAMP_NODES = 65
"""Nodes of the quadrature over the mixing ramp; its error is below 1e-9 of the ramp's area."""


@dataclass(frozen=True)
class Reactors:
    """N batch reactors; arrays (N,)."""

    substrate: Array
    """S0, urea at the start [mol/L]."""
    temperature: Array
    """[C]"""
    initial_ph: Array
    enzyme: Array
    """E0, active enzyme at the start [g/L]."""
    deactivation: Array
    """k_d [1/s]"""
    ramp: Array
    """Duration of mixing [s]; 0: mixed at once."""
    gas_rate: Array
    """k_g, exchange of carbon dioxide with the air [1/s]."""
    gas_level: Array
    """C_eq, carbon in equilibrium with the air [mol/L]."""
    law: TemperatureLaw = "fitted"
    phosphate: float = 0.0
    """Total phosphate [mol/L]."""

    def __len__(self) -> int:
        return len(self.substrate)

    def take(self, index: Array | slice) -> Reactors:
        """Return some of the reactors, in the order of `index`."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("law", "phosphate")}
        return replace(self, **{name: array[index] for name, array in arrays.items()})

    @property
    def strong(self) -> Array:
        """B, the strong ions that make the initial pH (N,) [mol/L]."""
        return charges(self.initial_ph, self.phosphate).water

    @property
    def exchanging(self) -> Array:
        """Which reactors exchange gas (N,)."""
        return self.gas_rate > 0


def ramp_factor(t: Array, ramp: Array) -> Array:
    """Return `(1 + tanh((t - tr/2)/(tr/6)))/2` for t < tr and 1 afterwards: .0025 at 0, .9975 just before tr."""
    width = np.where(ramp > 0, ramp, 1.0)
    return np.where(t < ramp, 0.5 * (1 + np.tanh((t - width / 2) / (width / 6))), 1.0)


def clock(reactors: Reactors, t: Array) -> Array:
    """Return `tau(t) = E0 int_0^t ramp(s) exp(-k_d s) ds` [g s/L] at times t (N, M).

    Without gas exchange all concentrations depend on enzyme, deactivation and ramp through tau alone. Without a ramp,
    `tau = E0 (1 - exp(-k_d t))/k_d`, and E0 t for k_d = 0.
    """
    k = reactors.deactivation[:, None]
    tau = _decayed(k, t)
    mixing = reactors.ramp > 0
    if mixing.any():
        ramp, k = reactors.ramp[mixing, None], k[mixing]
        nodes = ramp * np.linspace(0, 1, RAMP_NODES)
        rate = _acting(nodes, ramp, k)
        middle = _acting((nodes[:, 1:] + nodes[:, :-1]) / 2, ramp, k)
        steps = ramp / (RAMP_NODES - 1) * (rate[:, :-1] + 4 * middle + rate[:, 1:]) / 6  # Simpson's rule
        area = np.concatenate([np.zeros_like(ramp), np.cumsum(steps, axis=1)], axis=1)
        within = hermite_rows(nodes, area, rate, np.minimum(t[mixing], ramp))
        after = np.where(t[mixing] > ramp, tau[mixing] - _decayed(k, ramp), 0.0)
        tau[mixing] = within + after
    return np.asarray(reactors.enzyme[:, None] * tau)


def _decayed(k: Array, t: Array) -> Array:
    """Return `(1 - exp(-k t))/k`, t for k = 0."""
    return np.where(k > 0, -np.expm1(-k * t) / np.where(k > 0, k, 1.0), t)


def _acting(t: Array, ramp: Array, k: Array) -> Array:
    width = np.where(ramp > 0, ramp, 1.0)
    return np.asarray(0.5 * (1 + np.tanh((t - width / 2) / (width / 6))) * np.exp(-k * t))
