"""Cut time series into segments: short stretches of points, each with an initial state of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.common.splits import split
from trainers.study import Arrays
from trainers.two_body.config import SegmentationConfig, SegmentationPhase

ROUNDING = 1e-9
"""Added to the edge of a window [points] before it is rounded down: 0.7 of 10 points are 7, not 6.999..."""


@dataclass(frozen=True)
class Cut:
    """The segments of one phase."""

    points: np.ndarray
    """(S, L) indices of the points of each segment."""
    orbit: np.ndarray
    """(S,) its orbit."""
    trains: np.ndarray
    """(S,) whether it trains; the others validate."""
    overrun: int
    """Segments dropped since they overrun the window."""
    holes: int
    """Segments dropped since they hold a NaN."""


def cut_segments(
    config: SegmentationConfig, phase: SegmentationPhase, train: np.ndarray, finite: np.ndarray, by_segment: bool
) -> Cut:
    """Cut every orbit; `finite` (N, T) marks the points without NaN."""
    lengths = _lengths(finite)
    points, orbit, overrun, holes = [], [], 0, 0
    for length in np.unique(lengths):  # one in a simulated set, whose trajectories are equally long
        members = np.flatnonzero(lengths == length)
        first, last = (int(np.floor(edge * length + ROUNDING)) for edge in phase.window)
        starts = np.arange(first, last, phase.segment_length)
        complete = starts[starts + phase.segment_length <= last]
        index = complete[:, None] + np.arange(phase.segment_length)
        usable = finite[members[:, None, None], index].all(axis=2)
        row, which = np.nonzero(usable)
        points.append(index[which])
        orbit.append(members[row])
        overrun += (len(starts) - len(complete)) * len(members)
        holes += int((~usable).sum())
    order = np.argsort(np.concatenate(orbit), kind="stable")
    by_orbit = np.concatenate(orbit)[order]
    return Cut(
        points=np.concatenate(points)[order],
        orbit=by_orbit,
        trains=_training_mask(config, len(order)) if by_segment else np.isin(by_orbit, train),
        overrun=overrun,
        holes=holes,
    )


def _lengths(finite: np.ndarray) -> np.ndarray:
    """Return the number of points (N,) of each trajectory up to its last finite one."""
    return np.where(finite.any(axis=1), finite.shape[1] - finite[:, ::-1].argmax(axis=1), 0)


def _training_mask(config: SegmentationConfig, count: int) -> np.ndarray:
    """Split `count` segments whatever their orbits; return which of them train (S,)."""
    trains = np.zeros(count, bool)
    if count:
        trains[split(count, config.train_fraction, config.split_seed)[0]] = True
    return trains


def segment_arrays(side: str, t: np.ndarray, y: np.ndarray, cut: Cut, members: np.ndarray) -> dict[str, np.ndarray]:
    """Return times, states and orbits of the segments `members` (S,) of one side, train or validation."""
    orbit, points = cut.orbit[members], cut.points[members]
    return {
        f"{side}/t": t[orbit[:, None], points],
        f"{side}/y": y[orbit[:, None], points],
        f"{side}/trajectory": orbit.astype(np.int64),
    }


def count_own_validation(phase: Arrays) -> dict[str, int | float | str]:
    """Return the counts of validation data of its own, in place of those of held-out orbits."""
    orbits = phase["validation/trajectory"]
    return {"validation_orbits": len(np.unique(orbits)), "validation_segments": len(orbits), "leaking_orbits": 0}


def count_segments(
    config: SegmentationConfig, number: int, cut: Cut, shape: tuple[int, ...]
) -> dict[str, int | float | str]:
    """Return the row of counts of a phase; `shape` is that of the times (N, T)."""
    phase = config.phases[number]
    train, validation = np.unique(cut.orbit[cut.trains]), np.unique(cut.orbit[~cut.trains])
    return {
        "phase": number,
        "segment_length": phase.segment_length,
        "window_start": phase.window[0],
        "window_stop": phase.window[1],
        "split_by": config.split_by,
        "total_orbits": shape[0],
        "train_orbits": len(train),
        "validation_orbits": len(validation),
        "leaking_orbits": len(np.intersect1d(train, validation)),
        "train_segments": int(cut.trains.sum()),
        "validation_segments": int((~cut.trains).sum()),
        "dropped_overrun": cut.overrun,
        "dropped_nan": cut.holes,
        "segment_ratio": phase.segment_length / shape[1],
    }
