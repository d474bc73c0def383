"""Tables behind the summary of an evaluation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from trainers.common.calibration import coverage_table
from trainers.study import Trajectories
from trainers.vehicle.dynamics.registry import COMBINED
from trainers.vehicle.dynamics.states import STATES
from trainers.vehicle.scoring import Scored, distance

Array = np.ndarray

EXAMPLES = 6
"""Scored windows that are drawn."""

CARS = 12
"""Cars whose single windows are drawn."""

SPEEDS = (1.5, 2.5, 3.5, 4.5)
"""Speeds at which the next stratum begins [m/s]."""

FRICTION = (0.65, 0.95)
"""The same of mu [1]."""


def at_second(case: Scored, seconds: float) -> int:
    """Return the point at a time after the start of a scored window."""
    return round(seconds / case.step)


def make_tables(case: Scored, test: Trajectories) -> dict[str, pd.DataFrame]:
    """Return all tables that have rows."""
    tables = {
        "per_trajectory": per_trajectory_table(case, test),
        "horizons": horizons_table(case),
        "strata": strata_table(case, test),
        "combinations": combinations_table(case),
        "cars": cars_table(case),
        "windows": windows_table(case),
        "rollouts": rollouts_table(case),
        "coverage": covered_table(case),
    }
    return {name: table for name, table in tables.items() if len(table)}


def per_trajectory_table(case: Scored, test: Trajectories) -> pd.DataFrame:
    """Return one row per run: its finite rollouts n, their mean errors, the true parameters, and failures."""
    error, runs = case.position_error, case.windows.run
    columns: dict[str, Array] = {}
    for seconds in (2, 1):
        end = at_second(case, seconds)
        columns |= {f"fde_{seconds}s": error[:, end], f"ade_{seconds}s": error[:, 1 : end + 1].mean(axis=1)}
    good = np.isfinite(columns["fde_2s"])
    count = np.bincount(runs[good], minlength=len(test.t))
    table = pd.DataFrame({"trajectory": np.arange(len(test.t)), "n": count})
    for name, values in columns.items():
        total = np.bincount(runs[good], values[good], len(test.t))
        table[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    table["failed"] = np.bincount(runs[~good], minlength=len(test.t))
    for name in ("car", "target_speed", "mu"):
        if name in test.parameters:
            table[name] = np.asarray(test.parameters[name])
    return table


def horizons_table(case: Scored) -> pd.DataFrame:
    """Return the mean, median and 95 % quantile of the position error at each time, and the mean of constant twist."""
    error, twist = case.position_error, distance(case.twist, case.truth)
    with np.errstate(all="ignore"):
        columns = {
            "mean": np.nanmean(error, axis=0),
            "median": np.nanmedian(error, axis=0),
            "tail": np.nanquantile(error, 0.95, axis=0),
            "constant_twist": np.nanmean(twist, axis=0),
        }
    return pd.DataFrame({"t": case.step * np.arange(error.shape[1]), **columns})


def strata_table(case: Scored, test: Trajectories) -> pd.DataFrame:
    """Return the errors of rollouts by friction and by speed at their start; low and high are the quartiles."""
    error = case.position_error[:, at_second(case, 2)]
    strata = _strata("speed", np.abs(case.windows.state[:, 0, STATES.index("speed")]), SPEEDS)
    if "mu" in test.parameters:
        strata |= _strata("mu", np.asarray(test.parameters["mu"])[case.windows.run], FRICTION)
    rows = []
    for name, members in strata.items():
        values = error[members & np.isfinite(error)]
        if values.size:
            low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
            rows.append((name, float(values.mean()), float(middle), float(low), float(high), values.size))
    return pd.DataFrame(rows, columns=["stratum", "fde_2s", "median", "low", "high", "n"])


def combinations_table(case: Scored) -> pd.DataFrame:
    """Return the error of each combination [%], that of the mean over the test cars, bias, width and coverage."""
    error = 100 * (case.logarithm - case.true_logarithm)
    if not np.isfinite(error).any():
        return pd.DataFrame()
    spread = 100 * np.nanstd(case.true_logarithm, axis=0)
    with np.errstate(all="ignore"):
        return pd.DataFrame(
            {
                "combination": COMBINED,
                "error": np.sqrt(np.nanmean(error**2, axis=0)),
                "spread": spread,
                "bias": np.nanmean(error, axis=0),
                "median": np.nanmedian(np.abs(error), axis=0),
                "width": np.nanmean(200 * case.half_width, axis=0),
                "coverage_90": 100 * np.nanmean(np.abs(error) <= 100 * case.half_width, axis=0),
                "n": np.isfinite(error).sum(axis=0),
            }
        )


def cars_table(case: Scored) -> pd.DataFrame:
    """Return one row per estimate and combination: car, combination, true, estimate, low, high."""
    if not np.isfinite(case.logarithm).any():
        return pd.DataFrame()
    group, column = np.indices(case.logarithm.shape)
    columns = {
        "true": case.true_logarithm,
        "estimate": case.logarithm,
        "low": case.logarithm - case.half_width,
        "high": case.logarithm + case.half_width,
    }
    table = pd.DataFrame({"car": case.estimated_cars[group.ravel()], "combination": np.array(COMBINED)[column.ravel()]})
    for name, values in columns.items():
        table[name] = np.exp(values).ravel()
    return table


def windows_table(case: Scored) -> pd.DataFrame:
    """Return the estimate of each window before pooling, of the first cars: car, combination, estimate."""
    if case.estimates is None or not len(case.estimates) or not case.estimates.windows.shape[1]:
        return pd.DataFrame()
    cars = case.estimated_cars[case.estimates.group]
    members = np.flatnonzero(np.isin(cars, np.unique(cars)[:CARS]))
    names = case.estimates.windows.shape[1]
    row, column = np.indices((len(members), names))
    return pd.DataFrame(
        {
            "car": cars[members][row.ravel()],
            "column": column.ravel(),
            "estimate": case.estimates.windows[members].ravel(),
        }
    )


def rollouts_table(case: Scored) -> pd.DataFrame:
    """Return true and predicted motion of a few windows, from the best to the worst."""
    final = case.position_error[:, -1]
    ranked = np.argsort(np.where(np.isfinite(final), final, np.inf), kind="stable")
    chosen = ranked[np.linspace(0, len(ranked) - 1, min(EXAMPLES, len(ranked))).round().astype(int)]
    points = case.truth.shape[1]
    row, point = np.indices((len(chosen), points))
    table = pd.DataFrame({"window": chosen[row.ravel()], "trajectory": case.windows.run[chosen][row.ravel()]})
    table["t"] = case.step * point.ravel()
    for k, name in enumerate(STATES):
        table[f"true_{name}"] = case.truth[chosen, :, k].ravel()
        table[f"measured_{name}"] = case.windows.state[chosen, :, k].ravel()
        table[f"predicted_{name}"] = case.predicted[chosen, :, k].ravel()
    return table


def covered_table(case: Scored) -> pd.DataFrame:
    """Return the coverage of 90 % intervals of all combinations, of each, and by friction times stiffness."""
    error = case.logarithm - case.true_logarithm
    good = np.isfinite(error).all(axis=1) & np.isfinite(case.half_width).all(axis=1)
    if not good.any():
        return pd.DataFrame()
    inside = np.abs(error[good]) <= case.half_width[good]
    shape = inside.shape
    strata: dict[str, Array] = {"all": np.ones(shape[0], bool)}
    strata |= {name: np.broadcast_to(np.arange(shape[1]) == k, shape) for k, name in enumerate(COMBINED)}
    front = np.exp(case.true_logarithm[good, 0])
    strata |= {"soft front tyres": front < np.median(front), "stiff front tyres": front >= np.median(front)}
    return coverage_table(inside, strata)


def _strata(name: str, values: Array, edges: tuple[float, ...]) -> dict[str, Array]:
    """Return which values lie in each range that begins at an edge; `name < first`, `name first to second`, ..."""
    place = np.searchsorted(edges, values, "right")
    labels = [f"{name} below {edges[0]:g}"]
    labels += [f"{name} {low:g} to {high:g}" for low, high in pairwise(edges)]
    labels.append(f"{name} from {edges[-1]:g}")
    return {label: place == k for k, label in enumerate(labels)}
