"""The likelihood of a prefix by the master curve, corrected at one point: many times as fast as the simulator.

Without gas exchange the pH of a reactor follows from tau alone, and the curve pH(tau) from its known conditions: it is
computed once for each curve, and whatever enzyme, deactivation and mixing are tried only moves along it. What this
leaves out (gas exchange, the lag between points) changes little with the parameters: `correct` takes it from the
simulator at a point, and from there on it is a constant, and a line in the gas rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trainers.study import Arrays, Meta
from trainers.urease.inference.likelihood import Likelihood, difference_quotients
from trainers.urease.kinetics.families import reactors_of
from trainers.urease.kinetics.master_curve import MasterCurve, master_curve
from trainers.urease.kinetics.probe import EARLY, lagged, lagged_line
from trainers.urease.kinetics.rate_law import TemperatureLaw
from trainers.urease.kinetics.reactor import Reactors, clock

Array = np.ndarray

GAS, GAS_LEVEL = "gas_rate", "gas_level"

LARGEST_TAU = 1e5
"""Where a master curve ends at most [g s/L]."""


@dataclass(frozen=True)
class QuickLikelihood:
    """Residuals of N curves that share their times, in all parameters of `full` but the level of the gas."""

    full: Likelihood
    curve: MasterCurve
    shift: Array
    """(N, L) added to residuals."""
    slope: Array
    """(N, L) derivative of residuals by the normal coordinate of the gas rate."""

    @property
    def size(self) -> int:
        """The number N of curves."""
        return self.full.size

    @property
    def names(self) -> tuple[str, ...]:
        """D' unknowns, then nuisances."""
        return tuple(name for name in self.full.names if name != GAS_LEVEL)

    @property
    def member(self) -> Array:
        """Which points belong to the prefix (N, L)."""
        return self.full.member

    def residuals(self, z: Array, index: Array | None = None) -> Array:
        """Return `(reading - model) sqrt(count)/noise` (R, L) for normal coordinates z (R, D') of curves `index`."""
        full, index = self.full, np.arange(self.size) if index is None else index
        parameters = full.parameters(self.all_coordinates(z), index)
        zero = np.zeros(len(z))
        lag, offset, drift = (parameters.get(name, zero) for name in ("tau_probe", "pH_offset", "pH_drift"))
        t = full.curves.t[0, : full.points]
        times = np.unique(np.concatenate([[0.0], EARLY[::3], t])) if (lag > 0).any() else t
        reactors = _reactors(full, parameters)
        curve = MasterCurve(*(part[index] for part in self.curve))
        pH = curve.ph_at(clock(reactors, np.broadcast_to(times, (len(z), len(times)))), reactors.initial_ph)
        model = lagged(times, pH, lag)[:, np.searchsorted(times, t)] + lagged_line(t, offset, drift, lag)
        r = full.scaled(model, index) + self.shift[index]
        return r + z[:, [self.names.index(GAS)]] * self.slope[index] if GAS in self.names else r

    def derivatives(self, z: Array, r: Array, index: Array) -> Array:
        """Return derivatives (R, L, D') of residuals r at z (R, D')."""
        return difference_quotients(self, z, r, index)

    def corrected(self, z: Array) -> QuickLikelihood:
        """Return a likelihood that agrees with the simulator at z (N, D'), and in its slope by the gas rate there."""
        at = z.copy()
        if GAS not in self.names:
            return replace(self, shift=self.shift + self.full.residuals(at) - self.residuals(at))
        column = self.names.index(GAS)
        ends = []
        for value in (0.0, 1.0):
            at[:, column] = value
            ends.append(self.full.residuals(self.all_coordinates(at)))
        at[:, column] = 0.0
        return replace(self, shift=self.shift + ends[0] - self.residuals(at), slope=ends[1] - ends[0])

    def all_coordinates(self, z: Array) -> Array:
        """Return coordinates (R, D) of all parameters: the level of the gas is in the middle of its range."""
        if GAS_LEVEL not in self.full.names:
            return z
        return np.insert(z, self.full.names.index(GAS_LEVEL), 0.0, axis=1)


def quick_likelihood(full: Likelihood) -> QuickLikelihood:
    """Return the quick likelihood of curves that share their times."""
    count = full.size
    z = np.zeros((count, len(full.names)))
    curve = master_curve(_reactors(full, full.parameters(z, np.arange(count))), np.full(count, LARGEST_TAU))
    nothing = np.zeros((count, full.points))
    return QuickLikelihood(full, curve, nothing, nothing)


def _reactors(full: Likelihood, parameters: Arrays) -> Reactors:
    law: TemperatureLaw = full.meta["law"]  # type: ignore[assignment]
    return reactors_of(parameters, law, float(full.meta["phosphate"]))


def quick_nuisances(meta: Meta) -> tuple[str, ...]:
    """Return the nuisances that a quick likelihood has as parameters."""
    return tuple(name for name in str(meta["nuisance"]).split(",") if name and name != GAS_LEVEL)
