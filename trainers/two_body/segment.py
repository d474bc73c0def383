"""Cut orbits into segments: short trajectories with an initial state of their own, one set per training phase.

The points of a window are cut into segments that share none of them: L points have L - 1 intervals, and the interval
between two segments trains nothing. Why segments: over a whole orbit the gradients vanish.
"""

from __future__ import annotations

import numpy as np

from trainers.common.splits import split
from trainers.study import Arrays, Segments, Trajectories
from trainers.two_body.config import SegmentationConfig
from trainers.two_body.cuts import count_own_validation, count_segments, cut_segments, segment_arrays
from trainers.two_body.general.segment import segment_states
from trainers.two_body.integrators.step_plan import plan_steps
from trainers.two_body.normalisation import normalised_acceleration, state_units
from trainers.two_body.problems import PROBLEMS

CHANNELS = 6

STATES = ("x", "y", "z", "vx", "vy", "vz")

UNRESOLVED_SEGMENTS = "unresolved_segments"


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Split trajectories into training and validation, cut them per phase and normalise: orbits, or any states.

    See `segment_orbits` and `general.segment.segment_states`.
    """
    return SEGMENTATIONS[config.states](config, trajectories, validation)


def segment_orbits(
    config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None
) -> Segments:
    """Split orbits into training and validation, cut them per phase and normalise.

    Per phase: `train/t` (S, L), `train/y` (S, L, 6), `train/trajectory` (S,) and the same for validation, in the
    network's units; with a `tolerance` the planned steps as well, see `step_plan.Plan`. fitted: length_unit, time_unit
    (divisors, in the dataset's units), and in the network's units the range of every state channel and of the radius
    over the training orbits, and the mean acceleration of the last phase's training segments. meta: the problem.

    - A window [start, stop] holds the points floor(start T), ..., floor(stop T) - 1, T being the number of points of
      the trajectory, its padding left out, so that adjoining windows share no point.
    - A segment that overruns its window, or holds a NaN (a gap), is dropped and counted. A phase without usable
      segments is no error here: its counts are 0.
    - `split_by: segment` cuts first, so that segments of one orbit may train and validate; `leaking_orbits` counts
      such orbits.
    - With validation data of its own all orbits train, and the segments of all its orbits validate.

    Raises:
        ValueError: the states do not have six channels, have other names or another order, or there are inputs.
    """
    if trajectories.y.shape[-1] != CHANNELS:
        raise ValueError(
            f"states are {trajectories.names}; expected six channels: x, y, z, vx, vy, vz, in this order; "
            "for other states choose model.kind: general_ode"
        )
    problem = str(trajectories.meta.get("problem", "two_body"))
    if problem not in PROBLEMS or tuple(trajectories.names) != STATES or trajectories.inputs is not None:
        raise ValueError(
            f"data of problem {problem} with the states {', '.join(trajectories.names)} and the inputs "
            f"{', '.join(trajectories.input_names) or 'none'}; expected orbits of {', '.join(PROBLEMS)} with "
            f"{', '.join(STATES)} in this order and no inputs, or model.kind: general_ode"
        )
    orbits = np.arange(len(trajectories.t))
    train, held_out = split(len(orbits), config.train_fraction, config.split_seed)
    by_segment = config.split_by == "segment" and validation is None
    if by_segment or validation is not None:
        train = orbits
    fitted = _fit(config, trajectories, train)
    t, y, finite = _normalised(trajectories, fitted)
    cuts = [cut_segments(config, phase, train, finite, by_segment) for phase in config.phases]
    if by_segment:
        train = np.unique(np.concatenate([cut.orbit[cut.trains] for cut in cuts]))
        held_out = np.unique(np.concatenate([cut.orbit[~cut.trains] for cut in cuts]))
    sides = [
        (segment_arrays("train", t, y, cut, cut.trains), segment_arrays("validation", t, y, cut, ~cut.trains))
        for cut in cuts
    ]
    if validation is not None:
        held_out = np.arange(len(validation.t))
        t_own, y_own, finite = _normalised(validation, fitted)
        own = [cut_segments(config, phase, held_out[:0], finite, False) for phase in config.phases]
        sides = [
            (side[0], segment_arrays("validation", t_own, y_own, cut, ~cut.trains))
            for side, cut in zip(sides, own, strict=True)
        ]
    phases = tuple({**training, **validating} for training, validating in sides)
    if config.tolerance is not None:
        phases = tuple(_with_steps(phase, fitted, problem, config.tolerance) for phase in phases)
    counts = tuple(
        count_segments(config, number, cut, t.shape) | _count_steps(phases[number], config.tolerance or np.inf)
        for number, cut in enumerate(cuts)
    )
    if validation is not None:
        counts = tuple(row | count_own_validation(phase) for row, phase in zip(counts, phases, strict=True))
    fitted["mean_acceleration"] = _mean_acceleration(phases[-1])
    return Segments(phases, train, held_out, counts, fitted, {"problem": problem})


def _normalised(trajectories: Trajectories, fitted: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times (N, T) and states (N, T, 6) in the network's units, and which points (N, T) are finite."""
    t, y = trajectories.t / fitted["time_unit"], trajectories.y / state_units(fitted)
    return t, y, np.isfinite(y).all(axis=2) & np.isfinite(t)


def _fit(config: SegmentationConfig, trajectories: Trajectories, train: np.ndarray) -> dict[str, np.ndarray]:
    """Fit the units on the finite points of the training orbits."""
    points = trajectories.y[train].reshape(-1, CHANNELS)
    points = points[np.isfinite(points).all(axis=1)]
    length, time = _units(config, points, trajectories.meta.get("mu"))
    fitted = {"length_unit": np.array(length), "time_unit": np.array(time)}
    scaled = points / state_units(fitted) if len(points) else np.full((1, CHANNELS), np.nan)
    radius = np.linalg.norm(scaled[:, :3], axis=1)
    return fitted | {
        "state_minimum": scaled.min(axis=0),
        "state_maximum": scaled.max(axis=0),
        "radius_range": np.array([radius.min(), radius.max()]),
    }


def _units(config: SegmentationConfig, points: np.ndarray, mu: str | float | None) -> tuple[float, float]:
    """Return the network's units of length and time in those of the dataset.

    canonical: 1 and 1; largest: the largest radius L and sqrt(L^3 / mu), or L / max |v| where there is no mu.
    """
    if config.normalisation == "canonical" or not len(points):
        return 1.0, 1.0
    length = float(np.linalg.norm(points[:, :3], axis=1).max())
    if mu is not None:
        return length, (length**3 / float(mu)) ** 0.5
    return length, length / float(np.linalg.norm(points[:, 3:], axis=1).max())


def _mean_acceleration(phase: Arrays) -> np.ndarray:
    """Return the mean acceleration (3,) of the training segments, NaN without any, in the network's units.

    The mean of the finite differences `(v_(k+1) - v_k)/(t_(k+1) - t_k)` over all intervals: from data alone, without
    the equation of motion.
    """
    rates = np.diff(phase["train/y"][..., 3:], axis=1) / np.diff(phase["train/t"], axis=1)[..., None]
    return rates.reshape(-1, 3).mean(axis=0) if len(rates) else np.full(3, np.nan)


def _with_steps(phase: Arrays, fitted: Arrays, problem: str, tolerance: float) -> dict[str, np.ndarray]:
    """Add nodes (S, M+1), steps (S,) and local_error (S,) of the planned integration to both sides of a phase."""

    def field(state: np.ndarray) -> np.ndarray:
        return np.concatenate([state[3:], normalised_acceleration(fitted, problem, state)])

    arrays = dict(phase)
    for side in ("train", "validation"):
        plan = plan_steps(field, phase[f"{side}/t"], phase[f"{side}/y"], tolerance)
        arrays |= {f"{side}/{name}": values for name, values in plan._asdict().items()}
    return arrays


def _count_steps(phase: Arrays, tolerance: float) -> dict[str, int | float | str]:
    """Return the counts of planned steps of the training segments; none without a plan."""
    steps = phase.get("train/steps", np.zeros(0))
    if not steps.size:
        return {}
    error = float(phase["train/local_error"].max())
    counts: dict[str, int | float | str] = {
        "mean_steps": float(steps.mean()),
        "most_steps": int(steps.max()),
        "largest_local_error": error,
    }
    # Only steps whose number is capped miss the tolerance.
    missed = int((phase["train/local_error"] > tolerance).sum())
    return counts | ({UNRESOLVED_SEGMENTS: missed} if missed else {})


SEGMENTATIONS = {"orbits": segment_orbits, "any": segment_states, "observed": segment_states}
"""What cuts trajectories, by `states` of the configuration."""
