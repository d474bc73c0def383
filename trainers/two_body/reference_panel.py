"""The fixed panel of reference orbits of a test set, the same orbits for every model, and a field on a fixed grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from trainers.common.statistics import describe
from trainers.study import Trajectories
from trainers.two_body.apply import Predictor
from trainers.two_body.metrics import relative_error
from trainers.two_body.orbits.elements import MEAN_ORBIT, PARAMETER_UNITS, mean_elements
from trainers.two_body.orbits.kepler import period
from trainers.two_body.problems import load_problem

PANEL = 4
"""Orbits of the panel, at most."""

GRID = 24
"""Points per side of the grid of `field`."""

TrueAcceleration = Callable[[np.ndarray], np.ndarray]
"""From states (..., 6) to true accelerations (..., 3)."""


def with_mean_orbit(test: Trajectories) -> Trajectories:
    """Return a set with the orbit of its mean elements appended, over as many periods as the others.

    There is no such orbit, and the set stays as it is, if it has a single orbit, no elements, orbits of unequal length
    or a problem without a closed form.
    """
    if not _has_mean_orbit(test):
        return test
    elements = mean_elements(test.parameters)
    parameters = {**elements._asdict(), "period": period(elements.semi_major_axis)}
    t = (test.t[0] - test.t[0, 0]) / test.parameters["period"][0] * parameters["period"][:, None]
    y = load_problem(str(test.meta["problem"])).solution(parameters, t)
    return replace(test, t=np.concatenate([test.t, t]), y=np.concatenate([test.y, y]))


def _has_mean_orbit(test: Trajectories) -> bool:
    parameters = [np.asarray(test.parameters.get(name, []), float) for name in PARAMETER_UNITS]
    if len(test.t) < 2 or not np.isfinite(test.t).all() or any(len(values) != len(test.t) for values in parameters):
        return False
    return bool(np.isfinite(parameters).all()) and hasattr(load_problem(str(test.meta["problem"])), "solution")


def reference_orbits(test: Trajectories) -> list[int]:
    """Return up to four orbits: that of mean elements, least and most eccentric, largest semi-major axis.

    Where there is no orbit of mean elements, the orbit of the set nearest to them; without elements, the first four.
    """
    a, e = (np.asarray(test.parameters.get(name, []), float) for name in ("semi_major_axis", "eccentricity"))
    if not (len(a) == len(e) == len(test.t)) or not (np.isfinite(a) & np.isfinite(e)).all():
        return list(range(min(PANEL, len(test.t))))
    mean = MEAN_ORBIT if _has_mean_orbit(test) else np.argmin(_distance(a) + _distance(e))
    return [int(k) for k in dict.fromkeys([mean, np.argmin(e), np.argmax(e), np.argmax(a)])]


def _distance(values: np.ndarray) -> np.ndarray:
    """Return the squared distance from the mean in standard deviations."""
    return (values - values.mean()) ** 2 / max(values.var(), np.finfo(float).tiny)


def padded_panel(test: Trajectories) -> np.ndarray:
    """Return the rows (4,) of the panel in `with_mean_orbit(test)`, the last one repeated if there are fewer.

    One compiled rollout then serves every set. The orbit of mean elements is the last row, -1.
    """
    rows = reference_orbits(test)
    return np.array(rows + [rows[-1]] * (PANEL - len(rows)))


def rollout_table(
    test: Trajectories,
    rollout: np.ndarray,
    acceleration: np.ndarray,
    truth: TrueAcceleration,
    extra: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """Return true and predicted motion of the panel, one row per orbit and step.

    `rollout` (4, T, 6) has the states of the orbits of `padded_panel`, `acceleration` (4, T, 3) that of the model at
    them, `truth` the true one. Columns: orbit (-1: that of mean elements), step, t, x ... vz, ax, ay, az as
    predicted, the same with `_true`, and those of `extra` (4, T).
    """
    names, orbits = [*test.names, "ax", "ay", "az"], with_mean_orbit(test)
    tables = []
    for place, orbit in enumerate(reference_orbits(test)):
        predicted = np.concatenate([rollout[place], acceleration[place]], axis=-1)
        true = np.concatenate([orbits.y[orbit], truth(orbits.y[[orbit]])[0]], axis=-1)
        table = pd.DataFrame({"orbit": orbit, "step": np.arange(len(true)), "t": orbits.t[orbit]})
        table[names] = predicted
        table[[f"{name}_true" for name in names]] = true
        for name, values in extra.items():
            table[name] = values[place].astype(np.float32)
        tables.append(table[np.isfinite(table["t"])])
    return pd.concat(tables, ignore_index=True)


def phase_table(predictors: Mapping[int, Predictor], test: Trajectories, truth: TrueAcceleration) -> pd.DataFrame:
    """Return the motion of the panel as the best model of each training phase predicts it.

    Columns: phase, orbit, step, x, y, z, x_true, y_true, z_true, acceleration_error (own state, as in `errors`) [%] and
    position_error [%].
    """
    rows, orbits = padded_panel(test), with_mean_orbit(test)
    tables = []
    for phase, predictor in predictors.items():
        rollout = predictor.rollout(orbits.y[rows, 0], orbits.t[rows])
        errors = {
            "acceleration_error": relative_error(predictor.acceleration(rollout), truth(rollout)),
            "position_error": relative_error(rollout[..., :3], orbits.y[rows, :, :3]),
        }
        for place, orbit in enumerate(reference_orbits(test)):
            table = pd.DataFrame({"phase": phase, "orbit": orbit, "step": np.arange(test.t.shape[1], dtype=np.int32)})
            table[["x", "y", "z"]] = rollout[place, :, :3].astype(np.float32)
            table[["x_true", "y_true", "z_true"]] = orbits.y[orbit, :, :3].astype(np.float32)
            for name, values in errors.items():
                table[name] = values[place].astype(np.float32)
            tables.append(table[np.isfinite(orbits.t[orbit])])
    return pd.concat(tables, ignore_index=True)


def phase_errors(phases: pd.DataFrame) -> pd.DataFrame:
    """Return statistics of the errors of `phase_table` over all orbits and steps of the panel, one row per phase.

    Columns: phase, error (acceleration_error or position_error) [%], and those of `describe`.
    """
    return pd.DataFrame(
        {"phase": phase, "error": name, **describe(table[name].to_numpy())}
        for name in ("acceleration_error", "position_error")
        for phase, table in phases.groupby("phase")
    )


def field_table(
    predictor: Predictor, truth: TrueAcceleration, test: Trajectories, across: Literal["y", "z"] = "y"
) -> pd.DataFrame:
    """Return the predicted and the true acceleration on a grid in the x-y (or x-z) plane that covers the test orbits.

    A learned field may depend on the velocity. On the grid this is the velocity of a circular orbit about the origin
    under the true dynamics, counter-clockwise: `v = sqrt(|a| r)`. Points nearer to the origin than any test orbit are
    left out.
    Columns: x, y, ax, ay, ax_true, ay_true; with z in the place of y in the x-z plane.
    """
    second = "xyz".index(across)
    radii = np.linalg.norm(test.y[..., :3], axis=-1)
    reach = 1.1 * np.nanmax(radii)
    x, y = (grid.ravel() for grid in np.meshgrid(*[np.linspace(-reach, reach, GRID)] * 2))
    states = np.zeros((GRID**2, 6))
    states[:, 0], states[:, second] = x, y
    r = np.hypot(x, y)
    speed = np.sqrt(np.linalg.norm(truth(states), axis=-1) * r)
    states[:, 3], states[:, 3 + second] = -speed * y / r, speed * x / r
    columns = {"x": x, across: y}
    for suffix, field in (("", predictor.acceleration(states)), ("_true", truth(states))):
        columns |= {f"ax{suffix}": field[:, 0], f"a{across}{suffix}": field[:, second]}
    table = pd.DataFrame(columns).astype(np.float32)
    return table[r >= np.nanmin(radii)].reset_index(drop=True)
