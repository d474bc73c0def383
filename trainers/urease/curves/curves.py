"""What a model is given: the points of each curve, its known conditions and its clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainers.study import Meta, Trajectories
from trainers.urease.config import SegmentationConfig
from trainers.urease.curves.clock import clock_tables
from trainers.urease.curves.points import (
    Points,
    adaptive_points,
    bin_edges,
    binned,
    check_resolution,
    interpolated,
)

Array = np.ndarray


class Curves(NamedTuple):
    """N curves of L points each. Points without readings have a count of 0."""

    reading: Array
    """(N, L) mean pH of a point."""
    t: Array
    """(N, L) [s]"""
    readings: Array
    """(N, L) readings of a point."""
    known: Array
    """(N, Q) known conditions in the units of `families.UNITS`."""
    clock: Array
    """(N, NODES) log tau."""
    initial_ph: Array
    """(N,)"""
    laplace: Array
    """(N, K, W) the normal approximation at every prefix, see `inference/laplace.py`; W is 0 for models without it."""

    @property
    def size(self) -> int:
        """The number N of curves."""
        return len(self.reading)

    def take(self, index: Array | slice) -> Curves:
        """Return some of the curves."""
        return Curves(*(part[index] for part in self))

    def up_to(self, prefix: float) -> Array:
        """Return which points (N, L) lie in the prefix [s] and have readings."""
        return (self.readings > 0) & (self.t <= prefix * (1 + 1e-9))


def points_of(config: SegmentationConfig, t: Array, interval: float) -> Points:
    """Return the points of readings at times t (M,), all of `config.durations`.

    Raises:
        ValueError: points are finer than the readings.
    """
    within = t <= max(config.durations) * (1 + 1e-9)
    if config.sampling == "bins":
        points = binned(t[within], bin_edges(config.durations, config.bins, interval))
    else:
        (prefix,) = config.durations
        count = config.points if config.sampling == "points" else adaptive_points(prefix, config.target_interval)
        check_resolution(count, prefix, interval, refuse=config.finer == "refuse")
        # the reading after the prefix's end lets the last point be interpolated, as the source does
        within |= np.cumsum(~within) == 1
        points = interpolated(t[within], prefix, count)
    weights = np.zeros((len(points.t), len(t)))
    weights[:, within] = points.weights
    return Points(weights, points.t, points.readings)


def curves_of(config: SegmentationConfig, data: Trajectories, meta: Meta) -> tuple[Curves, list[Array]]:
    """Return the curves of a set, and the weights (L, T) of each, one for all where they share their times.

    meta: of the training set: which conditions a model knows, the law and the phosphate of its simulations.

    Raises:
        ValueError: the pH or a known condition is missing, or points are finer than the readings.
    """
    if "pH" not in data.names:
        raise ValueError(f"the curves have channels {', '.join(data.names)}; expected one named pH")
    names = str(meta["known"]).split(",")
    if missing := [name for name in names if name not in data.parameters]:
        raise ValueError(
            f"the curves come without {', '.join(missing)}; expected the known conditions {', '.join(names)}"
        )
    pH = data.y[:, :, data.names.index("pH")].astype(np.float64)
    shared = bool(np.array_equal(data.t, np.broadcast_to(data.t[0], data.t.shape)) and np.isfinite(pH).all())
    rows = data.t[:1] if shared else data.t
    parts, weights = [], []
    for k, row in enumerate(rows):
        usable = np.isfinite(row) & (np.isfinite(pH[k]) if not shared else True)
        points = points_of(config, row[usable], float(meta["interval"]))
        whole = np.zeros((len(points.t), len(row)))
        whole[:, usable] = points.weights
        parts.append(points)
        weights.append(whole)
    count = len(pH)
    if shared:
        reading = pH @ weights[0].T
        t, counts = (np.tile(part, (count, 1)) for part in (parts[0].t, parts[0].readings))
    else:
        reading = np.stack([w @ np.nan_to_num(row) for w, row in zip(weights, pH, strict=True)])
        t, counts = np.stack([part.t for part in parts]), np.stack([part.readings for part in parts])
    known = {name: np.asarray(data.parameters[name], float) for name in names}
    tables = clock_tables(known, meta["law"], float(meta["phosphate"]))  # type: ignore[arg-type]
    conditions, nothing = np.stack(list(known.values()), axis=1), np.zeros((count, len(config.durations), 0))
    return Curves(reading, t, counts, conditions, tables, known["initial_pH"], nothing), weights


def model_facts(data: Trajectories) -> dict[str, str | float | int | bool]:
    """Return what a model must know of the simulations that it learns from: names by role, interval, noise, law."""
    unknown, known, nuisance = (list(data.parameters_as(role)) for role in ("unknown", "known", "nuisance"))  # type: ignore
    return {
        "unknown": ",".join(unknown),
        "known": ",".join(known),
        "nuisance": ",".join(nuisance),
        "interval": float(np.median(np.diff(data.t[0]))),
        **{name: data.meta[name] for name in ("family", "noise", "law", "phosphate")},
    }
