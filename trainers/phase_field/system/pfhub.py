"""PFHub's benchmark 1a, spinodal decomposition in a periodic square: an external check of the simulator.

Jokisaari et al. 2017, doi 10.1016/j.commatsci.2016.09.022. The initial field is not periodic: it jumps at the seam, so
that results converge in the cell size only to first order, and differ between codes after t = 100.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from trainers.phase_field.system.energy import DoubleWell, free_energy
from trainers.phase_field.system.grid import Grid
from trainers.phase_field.system.stepping import Material, evolve

Array = np.ndarray

SIDE, MOBILITY, KAPPA = 200.0, 5.0, 2.0
WELL = DoubleWell(low=0.3, high=0.7, height=5.0)


def initial_field(size: int) -> Array:
    """Return the initial field (1, N, N) at the cells' corners x, y = 0, h, ..., 200 - h."""
    at = np.arange(size) * SIDE / size
    x, y = at[:, None], at[None, :]
    waves = (
        np.cos(0.105 * x) * np.cos(0.11 * y)
        + (np.cos(0.13 * x) * np.cos(0.087 * y)) ** 2
        + np.cos(0.025 * x - 0.15 * y) * np.cos(0.07 * x - 0.02 * y)
    )
    return np.asarray(0.5 + 0.01 * waves)[None]


def run(size: int, stages: Sequence[tuple[float, int, int]]) -> Iterator[tuple[float, float, Array]]:
    """Yield time, free energy and field (N, N) through stages (dt, steps between snapshots, snapshots).

    Good values: dt 0.02 up to t = 20, 0.05 up to 100.
    """
    grid = Grid(size, SIDE / size)
    kappa = np.array([KAPPA])
    c, time = initial_field(size), 0.0
    yield time, float(free_energy(c, grid, WELL, kappa)[0]), c[0]
    for dt, every, snapshots in stages:
        fields = evolve(c, grid, Material(np.array([MOBILITY]), kappa, WELL), dt, every, snapshots + 1)
        next(fields)
        for c in fields:
            time += dt * every
            yield time, float(free_energy(c, grid, WELL, kappa)[0]), c[0]
