"""The fixed panel of reference orbits of a test set, the same orbits for every model, and a field on a fixed grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from trainers.study import Trajectories
from trainers.two_body.apply import Predictor

PANEL = 4

GRID = 24
"""Points per side of the grid of `field`."""

Law = Callable[[np.ndarray], np.ndarray]
"""From states (..., 6) to true accelerations (..., 3)."""


def reference_orbits(test: Trajectories) -> list[int]:
    """Choose up to four orbits: nearest to the mean elements, least and most eccentric, largest semi-major axis.

    Without these elements the first four.
    """
    a, e = (np.asarray(test.parameters.get(name, []), float) for name in ("semi_major_axis", "eccentricity"))
    if not (len(a) == len(e) == len(test.t)) or not (np.isfinite(a) & np.isfinite(e)).all():
        return list(range(min(PANEL, len(test.t))))
    mean = np.argmin(_distance(a) + _distance(e))
    return [int(k) for k in dict.fromkeys([mean, np.argmin(e), np.argmax(e), np.argmax(a)])]


def _distance(values: np.ndarray) -> np.ndarray:
    """Return the squared distance from the mean in standard deviations."""
    return (values - values.mean()) ** 2 / max(values.var(), np.finfo(float).tiny)


def rollout_table(
    test: Trajectories, rolled: np.ndarray, acceleration: np.ndarray, truth: np.ndarray, extra: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Return true and predicted motion of the panel, one row per orbit and step.

    rolled (N, T, 6) and acceleration (N, T, 3) of the model at its own states; truth (N, T, 3) at the true states.
    Columns: orbit, step, t, x ... vz, ax, ay, az as predicted, the same with `_true`, and those of `extra` (4, T),
    given for the orbits of `padded_panel`.
    """
    names = [*test.names, "ax", "ay", "az"]
    tables = []
    for place, orbit in enumerate(reference_orbits(test)):
        predicted = np.concatenate([rolled[orbit], acceleration[orbit]], axis=-1)
        true = np.concatenate([test.y[orbit], truth[orbit]], axis=-1)
        table = pd.DataFrame({"orbit": orbit, "step": np.arange(len(true)), "t": test.t[orbit]})
        table[names] = predicted
        table[[f"{name}_true" for name in names]] = true
        for name, values in extra.items():
            table[name] = values[place].astype(np.float32)
        tables.append(table[np.isfinite(table["t"])])
    return pd.concat(tables, ignore_index=True)


def padded_panel(test: Trajectories) -> np.ndarray:
    """Return the indices (4,) of the panel, the last one repeated, so that one compiled roll-out serves every set."""
    chosen = reference_orbits(test)
    return np.array(chosen + [chosen[-1]] * (PANEL - len(chosen)))


def phase_table(predictors: Mapping[int, Predictor], test: Trajectories) -> pd.DataFrame:
    """Return the motion of the panel as the best model of each training phase predicts it.

    Columns: phase, orbit, step, x, y, z, x_true, y_true, z_true.
    """
    chosen = padded_panel(test)
    tables = []
    for phase, predictor in predictors.items():
        rolled = predictor.rollout(test.y[chosen, 0], test.t[chosen])
        for place, orbit in enumerate(reference_orbits(test)):
            table = pd.DataFrame({"phase": phase, "orbit": orbit, "step": np.arange(test.t.shape[1], dtype=np.int32)})
            table[["x", "y", "z"]] = rolled[place, :, :3].astype(np.float32)
            table[["x_true", "y_true", "z_true"]] = test.y[orbit, :, :3].astype(np.float32)
            tables.append(table[np.isfinite(test.t[orbit])])
    return pd.concat(tables, ignore_index=True)


def field_table(predictor: Predictor, law: Law, test: Trajectories) -> pd.DataFrame:
    """Return the predicted and the true acceleration on a grid in the x-y plane that covers the test orbits.

    A learned field may depend on the velocity; on the grid it is that of a circular orbit about the origin under the
    true law, counter-clockwise: `v = sqrt(|a| r)`. Points nearer to the origin than any test orbit are left out.
    Columns: x, y, ax, ay, ax_true, ay_true.
    """
    radii = np.linalg.norm(test.y[..., :3], axis=-1)
    reach = 1.1 * np.nanmax(radii)
    x, y = (grid.ravel() for grid in np.meshgrid(*[np.linspace(-reach, reach, GRID)] * 2))
    states = np.zeros((GRID**2, 6))
    states[:, 0], states[:, 1] = x, y
    r = np.hypot(x, y)
    speed = np.sqrt(np.linalg.norm(law(states), axis=-1) * r)
    states[:, 3], states[:, 4] = -speed * y / r, speed * x / r
    columns = {"x": x, "y": y}
    for suffix, field in (("", predictor.acceleration(states)), ("_true", law(states))):
        columns |= {f"ax{suffix}": field[:, 0], f"ay{suffix}": field[:, 1]}
    table = pd.DataFrame(columns).astype(np.float32)
    return table[r >= np.nanmin(radii)].reset_index(drop=True)
