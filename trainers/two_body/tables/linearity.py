"""How linear a field is over a segment: does its Jacobian stay, and is its acceleration a straight line in time?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

LENGTHS = (4, 6, 10, 18, 24, 36, 60, 90)
"""Segment lengths [points]."""

STEP = 1e-5
"""Half the step of the central differences, in units of the size of position and of velocity [1]."""

Field = Callable[[np.ndarray], np.ndarray]
"""From states (..., 6) to accelerations (..., 3)."""


def linearity_table(model: Field, law: Field, states: np.ndarray, t: np.ndarray) -> pd.DataFrame:
    """Measure how far a model and the law are from linear over segments of orbits, by the length of the segments.

    For segments of L points of the orbits `states` (N, T, 6) at times t (N, T), which share no point:

        jacobian_change   max_k |J_k - J_0| / |J_0|, J = da/d(r, v) at the k-th point (Frobenius norm) [%]
        linear_residual   rms_k |a_k - (c + d t_k)| / rms_k |a_k|, c and d by least squares [%]

    Both vanish for a segment over which the dynamics are linear. Positions and velocities are in units of their root
    mean square over the orbits, so that J has one. Columns: source (model or law), segment_length, quantity, and low,
    median and high: the quartiles over all segments.
    """
    rows = [row for name, field in (("model", model), ("law", law)) for row in _rows(name, field, states, t)]
    return pd.DataFrame(rows, columns=["source", "segment_length", "quantity", "low", "median", "high"])


def _rows(source: str, field: Field, states: np.ndarray, t: np.ndarray) -> Iterator[tuple]:
    accelerations, jacobians = field(states), jacobian(field, states)
    for length in LENGTHS:
        if length > states.shape[1] // 2:
            return
        pieces = [_in_segments(values, length) for values in (jacobians, accelerations, t)]
        measures = {"jacobian_change": _jacobian_change(pieces[0]), "linear_residual": _residual(*pieces[1:])}
        for quantity, values in measures.items():
            present = values[np.isfinite(values)]
            if present.size:
                yield source, length, quantity, *np.percentile(present, (25, 50, 75))


def jacobian(field: Field, states: np.ndarray) -> np.ndarray:
    """Return `da_i / ds_j` (..., 3, 6) at states (..., 6), by central differences, s in units of its root mean square.

    NaN where a state is not finite.
    """
    units = np.repeat([np.sqrt(np.nanmean(part**2)) for part in (states[..., :3], states[..., 3:])], 3)
    columns = []
    for k in range(6):
        offset = np.zeros(6)
        offset[k] = STEP * units[k]
        columns.append((field(states + offset) - field(states - offset)) / (2 * STEP))
    return np.stack(columns, axis=-1)


def _in_segments(values: np.ndarray, length: int) -> np.ndarray:
    """Cut (N, T, ...) into segments (S, L, ...) that share no point."""
    count = values.shape[1] // length
    return values[:, : count * length].reshape(-1, length, *values.shape[2:])


def _jacobian_change(jacobians: np.ndarray) -> np.ndarray:
    change = np.linalg.norm(jacobians - jacobians[:, :1], axis=(2, 3)).max(axis=1)
    return 100 * change / np.linalg.norm(jacobians[:, 0], axis=(1, 2))


def _residual(accelerations: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the residual (S,) of straight lines in time through accelerations (S, L, 3)."""
    t = t - t.mean(axis=1, keepdims=True)
    centred = accelerations - accelerations.mean(axis=1, keepdims=True)
    slope = np.einsum("sl,slc->sc", t, centred) / (t**2).sum(axis=1)[:, None]
    rest = centred - t[..., None] * slope[:, None]
    return 100 * np.sqrt((rest**2).sum(axis=(1, 2)) / (accelerations**2).sum(axis=(1, 2)))
