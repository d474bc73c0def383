"""Time steps of the Cahn-Hilliard equation `dc/dt = M lap(f'(c) - kappa lap c)` on a periodic grid.

Three schemes by name:

sbdf2          second order: backward differences, with f' extrapolated and the stiff linear part implicit
semi_implicit  first order: the same with one step back
explicit       forward Euler with clipping, as the source has it; stable for `dt < 2/(q^2 M kappa)`, q the largest
               eigenvalue of minus the Laplacian: 0.0156 for the five-point one with M = 2, kappa = 1

The implicit ones add `A lap c` on both sides (A = 1 for wells of curvature 2), which costs no order and keeps large
steps stable; the mean stays what it is to rounding. No dealiasing: interfaces span several cells. Up to the second
snapshot steps are eight times smaller. Sources: Eyre 1998; Ascher, Ruuth & Wetton 1995 for SBDF2. Good
values of dt: 0.02 to 0.05 (sbdf2), 0.01 to 0.02 (semi_implicit).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from trainers.phase_field.system.energy import STUDY_WELL, DoubleWell
from trainers.phase_field.system.grid import Grid

Array = np.ndarray

Scheme = Literal["sbdf2", "semi_implicit", "explicit"]

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
        yield from _implicit(c, grid, material, dt, every, snapshots, order=2 if scheme == "sbdf2" else 1)


def _implicit(
    c: Array, grid: Grid, material: Material, dt: float, every: int, snapshots: int, order: int
) -> Iterator[Array]:
    """Step `(3/2 c' - 2 c + c''/2)/dt = M lap(2 g(c) - g(c'') + A c' - kappa lap c')`, g = f' - A c, c'' one step back.

    The very first step, and every one of order 1, is `(c' - c)/dt = M lap(g(c) + A c' - kappa lap c')`.
    """

    def slope(c: Array) -> Array:
        return grid.transform(material.well.slope(c) - STABILISATION * c)

    yield c
    fine, coarse = (_Steps(grid, material, size, order) for size in (dt / FINER, dt))
    state = _State(grid.transform(c), slope(c))
    before: _State | None = None
    states = [state]
    for _ in range(every * FINER):
        spectrum = fine.step(state, before)
        before, state = state, _State(spectrum, slope(grid.fields(spectrum)))
        states = [*states[-FINER:], state]
    before = states[0]
    for number in range(snapshots - 1):
        if number:
            for _ in range(every):
                spectrum = coarse.step(state, before)
                before, state = state, _State(spectrum, slope(grid.fields(spectrum)))
        yield grid.fields(state.spectrum)


class _State(NamedTuple):
    """Spectra (B, N, N/2 + 1) of the field and of its explicit part g."""

    spectrum: Array
    slope: Array


class _Steps:
    """Steps of one size."""

    def __init__(self, grid: Grid, material: Material, dt: float, order: int) -> None:
        self.clock = (dt * material.mobility)[:, None, None] * grid.minus_laplacian
        stiff = self.clock * (material.kappa[:, None, None] * grid.minus_laplacian + STABILISATION)
        self.first, self.later, self.order = 1 / (1 + stiff), 1 / (1.5 + stiff), order

    def step(self, now: _State, before: _State | None) -> Array:
        """Return the spectrum one step later."""
        if before is None or self.order == 1:
            return np.asarray((now.spectrum - self.clock * now.slope) * self.first)
        following = 2 * now.spectrum
        following -= 0.5 * before.spectrum
        following -= self.clock * (2 * now.slope - before.slope)
        following *= self.later
        return np.asarray(following)


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
