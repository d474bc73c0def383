"""Time steps of the Cahn-Hilliard equation `dc/dt = M lap(f'(c) - kappa lap c)` on a periodic grid.

Four schemes by name:

sbdf2, sbdf3   second and third order: backward differences, with f' extrapolated and the stiff linear part implicit
semi_implicit  first order: the same with one step back
explicit       forward Euler with clipping, as the source has it; stable for `dt < 2/(q^2 M kappa)`, q the largest
               eigenvalue of minus the Laplacian: 0.0156 for the five-point one with M = 2, kappa = 1

The implicit ones add `A lap c` on both sides (A = 1 for wells of curvature 2), which costs no order and keeps large
steps stable; the mean stays what it is to rounding. No dealiasing: interfaces span several cells. Up to the second
snapshot steps are eight times smaller; the very first is of first order. Sources: Eyre 1998; Ascher,
Ruuth & Wetton 1995 for the formulas. Good values of dt: 0.05 (sbdf3), 0.02 to 0.05 (sbdf2), 0.01 (semi_implicit).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from trainers.phase_field.system.energy import STUDY_WELL, DoubleWell
from trainers.phase_field.system.grid import Grid

Array = np.ndarray

Scheme = Literal["sbdf3", "sbdf2", "semi_implicit", "explicit"]

ORDERS = {"semi_implicit": 1, "sbdf2": 2, "sbdf3": 3}
"""Order in time of the implicit schemes."""


class Formula(NamedTuple):
    """Weights of a multi-step formula."""

    new: float
    """b"""
    past: tuple[float, ...]
    """a_0, a_1, ..."""
    explicit: tuple[float, ...]
    """e_0, e_1, ..."""


FORMULAS = {
    1: Formula(1.0, (1.0,), (1.0,)),
    2: Formula(1.5, (2.0, -0.5), (2.0, -1.0)),
    3: Formula(11 / 6, (3.0, -1.5, 1 / 3), (3.0, -3.0, 1.0)),
}
"""Backward differentiation with extrapolation, by order."""

STABILISATION = 1.0
"""A."""

FINER = 8
"""How much smaller steps are before the second snapshot, while white noise decays at rates of up to `M kappa q^2`."""

CLIP = (1e-8, 0.999999999)
"""What the source cuts c to after every step; it changes the mean."""


@dataclass(frozen=True)
class Material:
    """What distinguishes runs: mobility M and gradient coefficient kappa, (B,) each, and the wells they share."""

    mobility: Array
    kappa: Array
    well: DoubleWell = STUDY_WELL


def evolve(
    c: Array, grid: Grid, material: Material, dt: float, every: int, snapshots: int, scheme: Scheme = "sbdf2"
) -> Iterator[Array]:
    """Yield fields (B, N, N) at `snapshots` times, `every` steps of dt apart, the first of which is c itself.

    M only sets the clock: M = 2 with dt/2 gives the bits of M = 1 with dt. No run depends on the others of its batch.
    """
    if scheme == "explicit":
        yield from _explicit(c, grid, material, dt, every, snapshots)
    else:
        yield from _implicit(c, grid, material, dt, every, snapshots, ORDERS[scheme])


def _implicit(
    c: Array, grid: Grid, material: Material, dt: float, every: int, snapshots: int, order: int
) -> Iterator[Array]:
    """Step `(b c' - sum_j a_j c_j)/dt = M lap(sum_j e_j g(c_j) + A c' - kappa lap c')` with g = f' - A c.

    c_0 is the present field, c_1 the one a step before, ...; a, e and b of each order are in `FORMULAS`. While fewer
    fields are known than the order needs, the order is lower; at the start, where steps are short.
    """
    yield c
    fine, coarse = (_Steps(grid, material, size, order) for size in (dt / FINER, dt))
    states = [fine.state(grid.transform(c), c)]
    for _ in range(every * FINER):
        states = [fine.step(states), *states[: order * FINER]]
    states = states[::FINER]
    for number in range(snapshots - 1):
        if number:
            for _ in range(every):
                states = [coarse.step(states), *states[: order - 1]]
        yield grid.fields(states[0].spectrum)


class _State(NamedTuple):
    """A field as its spectrum (B, N, N/2 + 1), and its explicit part g (B, N, N)."""

    spectrum: Array
    explicit: Array


class _Steps:
    """Steps of one size."""

    def __init__(self, grid: Grid, material: Material, dt: float, order: int) -> None:
        self.grid, self.order = grid, order
        self.polynomial = material.well.slope_polynomial() - np.array([0.0, STABILISATION, 0.0, 0.0])
        self.clock = (dt * material.mobility)[:, None, None] * grid.minus_laplacian
        stiff = self.clock * (material.kappa[:, None, None] * grid.minus_laplacian + STABILISATION)
        self.inverse = {k: 1 / (FORMULAS[k].new + stiff) for k in range(1, order + 1)}

    def state(self, spectrum: Array, c: Array) -> _State:
        """Return the state of a field."""
        constant, *others = self.polynomial
        explicit = others[-1] * c
        for coefficient in others[-2::-1]:
            explicit += coefficient
            explicit *= c
        explicit += constant
        return _State(spectrum, explicit)

    def step(self, states: Sequence[_State]) -> _State:
        """Return the state one step after states[0]; states[k] lies k steps before it."""
        order = min(self.order, len(states))
        formula = FORMULAS[order]
        forcing = self.grid.transform(_weighted([state.explicit for state in states[:order]], formula.explicit))
        forcing *= self.clock
        spectrum = _weighted([state.spectrum for state in states[:order]], formula.past)
        spectrum -= forcing
        spectrum *= self.inverse[order]
        return self.state(spectrum, self.grid.fields(spectrum))


def _weighted(arrays: Sequence[Array], weights: Sequence[float]) -> Array:
    """Return the sum of arrays with weights."""
    total = weights[0] * arrays[0]
    for array, weight in zip(arrays[1:], weights[1:], strict=True):
        total += weight * array
    return np.asarray(total)


def _explicit(c: Array, grid: Grid, material: Material, dt: float, every: int, snapshots: int) -> Iterator[Array]:
    """Step `c' = clip(c + dt M lap(f'(c) - kappa lap c))` with the five-point Laplacian."""
    clock = (dt * material.mobility)[:, None, None]
    kappa = material.kappa[:, None, None]
    last = (snapshots - 1) * every
    for number in range(last + 1):
        if number % every == 0:
            yield c
        if number == last:
            return
        potential = material.well.slope(c) - kappa * five_point(c, grid.spacing)
        c = np.clip(c + clock * five_point(potential, grid.spacing), *CLIP)


def five_point(c: Array, spacing: float) -> Array:
    """Return the five-point Laplacian of periodic fields (B, N, N)."""
    around = np.roll(c, 1, 1) + np.roll(c, -1, 1) + np.roll(c, 1, 2) + np.roll(c, -1, 2)
    return np.asarray((around - 4 * c) / spacing**2)
