"""The clock of a reactor as a table: which time integral of the enzyme, tau, has brought the pH where it is.

Without disturbances `tau(pH(t)) = E0 (1 - exp(-k_d t))/k_d`: read through the table, every condition (substrate,
temperature, initial pH) gives the same simple curve, and activity is its slope at the start. With them it is nearly so.
"""

from __future__ import annotations

import numpy as np

from trainers.study import Arrays
from trainers.urease.kinetics.families import reactors_of
from trainers.urease.kinetics.master_curve import master_curve
from trainers.urease.kinetics.rate_law import TemperatureLaw
from trainers.urease.kinetics.solution import BLOCK

Array = np.ndarray

NODES = 48
"""Nodes of a table."""

RISE = np.geomspace(5e-3, 3.0, NODES)
"""pH above its start at the nodes, geometrically spaced."""

LARGEST_TAU = 1e5
"""Largest tau of a table [g s/L]."""


def clock_tables(known: Arrays, law: TemperatureLaw = "fitted", phosphate: float = 0.0) -> Array:
    """Return log tau (N, NODES) at `RISE` above the initial pH for known conditions (N,) by name.

    A pH above the highest that the substrate can bring has the tau of that one.
    """
    count = len(known["initial_pH"])
    zero = np.zeros(count)
    reactors = reactors_of({**known, "E0": zero + 1.0, "k_d": zero}, law, phosphate)
    tables = np.empty((count, NODES))
    for first in range(0, count, BLOCK):
        part = reactors.take(slice(first, first + BLOCK))
        curve = master_curve(part, np.full(len(part), LARGEST_TAU))
        tables[first : first + BLOCK] = np.log(curve.tau_at(part.initial_ph[:, None] + RISE))
    return tables
