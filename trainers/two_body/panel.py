"""The fixed panel of reference orbits of a test set: the same orbits for every model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trainers.study import Trajectories


def reference_orbits(test: Trajectories) -> list[int]:
    """Choose up to four orbits: nearest to the mean elements, least and most eccentric, largest semi-major axis.

    Without these elements the first four.
    """
    a, e = (np.asarray(test.parameters.get(name, []), float) for name in ("semi_major_axis", "eccentricity"))
    if not (len(a) == len(e) == len(test.t)) or not (np.isfinite(a) & np.isfinite(e)).all():
        return list(range(min(4, len(test.t))))
    mean = np.argmin(_distance(a) + _distance(e))
    return [int(k) for k in dict.fromkeys([mean, np.argmin(e), np.argmax(e), np.argmax(a)])]


def _distance(values: np.ndarray) -> np.ndarray:
    """Return the squared distance from the mean in standard deviations."""
    return (values - values.mean()) ** 2 / max(values.var(), np.finfo(float).tiny)


def rollout_table(test: Trajectories, rolled: np.ndarray, acceleration: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """Return true and predicted motion of the panel, one row per orbit and step.

    rolled (N, T, 6) and acceleration (N, T, 3) of the model at its own states; truth (N, T, 3) at the true states.
    Columns: orbit, step, t, x ... vz, ax, ay, az as predicted, and the same with `_true`.
    """
    names = [*test.names, "ax", "ay", "az"]
    tables = []
    for orbit in reference_orbits(test):
        predicted = np.concatenate([rolled[orbit], acceleration[orbit]], axis=-1)
        true = np.concatenate([test.y[orbit], truth[orbit]], axis=-1)
        table = pd.DataFrame({"orbit": orbit, "step": np.arange(len(true)), "t": test.t[orbit]})
        table[names] = predicted
        table[[f"{name}_true" for name in names]] = true
        tables.append(table[np.isfinite(table["t"])])
    return pd.concat(tables, ignore_index=True)
