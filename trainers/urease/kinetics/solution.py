"""The pH of reactors at given times: by the master curve where it holds, by the stiff integrator elsewhere."""

from __future__ import annotations

import numpy as np

from trainers.urease.kinetics.interpolation import hermite_rows
from trainers.urease.kinetics.master_curve import master_curve
from trainers.urease.kinetics.reactor import Reactors, clock
from trainers.urease.kinetics.stiff import integrate

Array = np.ndarray

BLOCK = 512
"""Reactors that are computed together; limits memory, and changes no number."""


class SolverError(ValueError):
    """An integration that did not reach its end."""


def solve(reactors: Reactors, t: Array) -> Array:
    """Return the pH (N, M) at times t (M,) or (N, M) [s], from 0 on.

    Raises:
        SolverError: the stiff integrator gave up, with the reactor that it gave up on.
    """
    t = np.broadcast_to(t, (len(reactors), np.shape(t)[-1]))
    pH = np.empty(t.shape)
    for first in range(0, len(reactors), BLOCK):
        for gas in (False, True):
            index = first + np.flatnonzero(reactors.exchanging[first : first + BLOCK] == gas)
            if index.size:
                part = reactors.take(index)
                pH[index] = _with_gas(part, t[index]) if gas else _without_gas(part, t[index])
    return pH


def _without_gas(reactors: Reactors, t: Array) -> Array:
    tau = clock(reactors, t)
    curve = master_curve(reactors, tau.max(axis=1))
    return curve.ph_at(tau, reactors.initial_ph)


def _with_gas(reactors: Reactors, t: Array) -> Array:
    course = integrate(reactors, float(t.max()))
    if course.failed.any():
        worst = reactors.take(np.flatnonzero(course.failed)[:1])
        raise SolverError(
            f"{int(course.failed.sum())} reactors could not be integrated; the first has S0 {worst.substrate[0]:g} "
            f"mol/L, E0 {worst.enzyme[0]:g} g/L, k_d {worst.deactivation[0]:g} 1/s, k_g {worst.gas_rate[0]:g} 1/s"
        )
    return hermite_rows(course.t, course.ph, course.ph_slope, t)
