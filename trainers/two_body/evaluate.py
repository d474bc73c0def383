"""Evaluate a model on whole orbits: roll out from each initial state, compare at exactly the times of the data.

The acceleration error `100 |a - a_true| / |a_true|` [%] has three definitions, each under a name of its own:

    acceleration_error_field        model and truth, both at the true state
    acceleration_error_own_state    model and truth, both at the model's rolled-out state (the headline)
    acceleration_error_same_time    model at its rolled-out state at t, truth at the true state at t

Rollouts run in double precision with a local error of 1e-9 per data interval, whatever solver trained the model, so
that models are compared and not solvers; those that miss it are counted in `unresolved`. A rollout fails where it is
not finite or leaves the region of the data, at more than 10 times their largest distance from the origin: the true
acceleration vanishes there, and relative errors have no bound. A failed rollout is counted in `rollout_failures` and
averaged nowhere; every other number is over finite values, n of them. Padding of orbits of unequal length does not
count.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from trainers.common.statistics import describe, failed_steps, finite, outliers, without_failures
from trainers.common.summary import Row, mean, summary
from trainers.study import Evaluation, Trained, Trajectories
from trainers.two_body import metrics
from trainers.two_body.apply import Predictor, apply_orbits
from trainers.two_body.config import ModelConfig
from trainers.two_body.general.evaluate import evaluate_states
from trainers.two_body.models.output_layers import OUTPUT_LAYERS
from trainers.two_body.normalisation import units_of
from trainers.two_body.problems import load_problem
from trainers.two_body.reference_panel import (
    field_table,
    padded_panel,
    phase_errors,
    phase_table,
    reference_orbits,
    rollout_table,
    with_mean_orbit,
)
from trainers.two_body.tables.linearity import linearity_table
from trainers.two_body.tables.network_features import feature_table, network_columns

UNITS = dict.fromkeys(("theta", "theta_field", "phase_lead", "phase_lead_periapsis", "phase_error"), "deg") | {
    "skewness": "1",
    "pearson_1": "1",
    "pearson_2": "1",
    "bowley": "1",
    "rollout_failures": "orbits",
    "unresolved": "orbits",
}
"""Units of metrics that are not in percent."""

AVERAGED = (
    "acceleration_error_own_state",
    "acceleration_error_field",
    "acceleration_error_same_time",
    "magnitude_error",
    "theta",
    "theta_field",
    "radial_outward",
    "transverse_fraction",
    "position_error",
    "velocity_error",
    "flip_rate",
)
"""Columns of `errors` whose mean over all orbits and steps is a metric."""


def evaluate(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a trained model on one test set: `evaluate_orbits`, or `general.evaluate.evaluate_states`."""
    return EVALUATIONS[config.kind](config, trained, test)


def evaluate_orbits(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Evaluate a model of orbits on one test set.

    Tables: `errors` (one row per orbit and step), `orbits` (elements and means per orbit), `per_trajectory` (the means
    alone, by the names that every study has), `rollouts` (true and predicted motion of a fixed panel of up to four
    orbits, with features and outputs of the network), `field` (acceleration on a grid) and, after several phases,
    `phases` (the panel as the best model of each phase predicts it) and `phase_errors` (statistics of its errors).
    `features` has the network along all orbits, `linearity` how linear the field is over a segment (`tables/`), and
    `field_xz` for orbits in space the acceleration in the x-z plane.
    """
    predictor = apply_orbits(config, trained)
    _check_units(predictor.problem, test)
    orbits_and_mean = with_mean_orbit(test)
    all_rollouts, unresolved = predictor.rollout_and_resolution(orbits_and_mean.y[:, 0], orbits_and_mean.t)
    with np.errstate(all="ignore"):  # a diverging rollout overflows on its way to NaN
        failed = _failed_steps(all_rollouts[: len(test.t)], test)
        rollout = without_failures(all_rollouts[: len(test.t)], failed)
        points = _points(predictor, rollout, test)
        errors = _long(points)
        orbits = _per_orbit(points, failed, test).assign(unresolved=unresolved[: len(test.t)])
        rows = list(_summary(points, orbits, baseline_errors(trained, test)))
        tables = _panel(predictor, all_rollouts[padded_panel(test)], test) | _phases(config, trained, test)
        tables |= feature_table(predictor, rollout, test)
    means = orbits[["orbit", "n", *AVERAGED]].rename(columns={"orbit": "trajectory"})
    tables |= {"errors": errors, "orbits": orbits, "per_trajectory": means}
    return Evaluation(summary(rows, UNITS, default_unit="%"), tables)


def _failed_steps(rollout: np.ndarray, test: Trajectories) -> np.ndarray:
    """Return the step (N,) at which each rollout fails, -1 for none; distances are from the origin."""
    farthest = float(np.nanmax(np.linalg.norm(test.y[..., :3], axis=-1)))
    return failed_steps(rollout, np.linalg.norm(rollout[..., :3], axis=-1), farthest, np.isfinite(test.t))


def _check_units(problem: str, test: Trajectories) -> None:
    """Refuse a test set of a problem whose DU and TU are other lengths and times than those of the training data.

    Raises:
        ValueError: they are.
    """
    other = str(test.meta["problem"])
    if load_problem(other).UNITS != load_problem(problem).UNITS:
        raise ValueError(
            f"the test set is of problem {other}, whose DU and TU are not those of {problem}; expected one in the "
            "units of the training data"
        )


def _panel(predictor: Predictor, rollout: np.ndarray, test: Trajectories) -> dict[str, pd.DataFrame]:
    """Return the tables behind the figures of motion: rollouts (4, T, 6) of the panel, and the field on a grid."""
    truth = partial(_true_acceleration, test)
    columns = network_columns(predictor, rollout)
    rollouts = rollout_table(test, rollout, predictor.acceleration(rollout), truth, columns)
    panel = with_mean_orbit(test)
    states, t = (values[reference_orbits(test)] for values in (panel.y, panel.t))
    fields = {"field": field_table(predictor, truth, test)}
    if np.nanmax(np.abs(test.y[..., 2])) > 0:
        fields |= {"field_xz": field_table(predictor, truth, test, across="z")}
    return {"rollouts": rollouts, **fields, "linearity": linearity_table(predictor.acceleration, truth, states, t)}


def _phases(config: ModelConfig, trained: Trained, test: Trajectories) -> dict[str, pd.DataFrame]:
    """Return the panel as the best model of each phase predicts it; nothing for a training of one phase."""
    trained_phases = [
        k for k in range(len(config.phases)) if any(name.startswith(f"phase{k}/best/") for name in trained.weights)
    ]
    if len(trained_phases) < 2:
        return {}
    predictors = {k: apply_orbits(config, trained, f"phase{k}/best") for k in trained_phases}
    phases = phase_table(predictors, test, partial(_true_acceleration, test))
    return {"phases": phases, "phase_errors": phase_errors(phases)}


def baseline_errors(trained: Trained, test: Trajectories) -> dict[str, np.ndarray]:
    """Return the errors (N, T) of the constant mean training acceleration [%].

    `baseline` is its error at the true states. At its own states, `baseline_own_state`, it grows without bound and any
    model would beat it: a constant acceleration drives the orbit outward, to where the true one vanishes. These states
    follow from the closed form `r = r0 + v0 t + a t^2/2`, `v = v0 + a t`; they fail like rollouts.
    """
    length, time = units_of(trained.fitted)
    constant = np.asarray(trained.fitted["mean_acceleration"], np.float64) * (length / time**2)
    t, position, velocity = (test.t - test.t[:, :1])[..., None], test.y[:, :1, :3], test.y[:, :1, 3:]
    own = np.concatenate([position + velocity * t + constant * t**2 / 2, velocity + constant * t], axis=-1)
    own = without_failures(own, _failed_steps(own, test))
    return {
        "baseline": metrics.relative_error(constant, _true_acceleration(test, test.y)),
        "baseline_own_state": metrics.relative_error(constant, _true_acceleration(test, own)),
    }


def _true_acceleration(test: Trajectories, states: np.ndarray) -> np.ndarray:
    """Return the true acceleration (N, T, 3) at states (N, T, 6)."""
    channels = np.moveaxis(states, -1, 0)
    problem = load_problem(str(test.meta["problem"]))
    return np.moveaxis(problem.acceleration(channels[:3], channels[3:]), 0, -1)


def _points(predictor: Predictor, rollout: np.ndarray, test: Trajectories) -> dict[str, np.ndarray]:
    """Return every quantity (N, T) that is defined at each orbit and step."""
    own, at_truth = predictor.acceleration(rollout), predictor.acceleration(test.y)
    own_truth, truth = _true_acceleration(test, rollout), _true_acceleration(test, test.y)
    cosine = metrics.radial_cosine(own, rollout[..., :3])
    outward = np.where(np.isfinite(cosine), 100.0 * (cosine > metrics.OUTWARD_COSINE), np.nan)
    return {
        "t": test.t,
        "r": np.linalg.norm(test.y[..., :3], axis=-1),
        "r_own": np.linalg.norm(rollout[..., :3], axis=-1),
        **_anomalies(rollout, test),
        "acceleration_error_own_state": metrics.relative_error(own, own_truth),
        "acceleration_error_field": metrics.relative_error(at_truth, truth),
        "acceleration_error_same_time": metrics.relative_error(own, truth),
        "magnitude_error": metrics.magnitude_error(own, own_truth),
        "theta": metrics.angle(own, own_truth),
        "theta_field": metrics.angle(at_truth, truth),
        "radial_outward": outward,
        "transverse_fraction": metrics.transverse_fraction(own, rollout[..., :3]),
        "position_error": metrics.relative_error(rollout[..., :3], test.y[..., :3]),
        "velocity_error": metrics.relative_error(rollout[..., 3:], test.y[..., 3:]),
        "energy_drift": _energy_drift(rollout, test),
        "flip_rate": _flips(predictor, rollout),
        "acceleration_true": np.linalg.norm(truth, axis=-1),
        "acceleration_predicted": np.linalg.norm(at_truth, axis=-1),
    }


def _anomalies(rollout: np.ndarray, test: Trajectories) -> dict[str, np.ndarray]:
    """Return true anomaly and phase lead [degrees]; NaN for problems without a central point mass."""
    mu = getattr(load_problem(str(test.meta["problem"])), "CONSTANTS", {}).get("mu")
    if mu is None:
        return {name: np.full(test.t.shape, np.nan) for name in ("true_anomaly", "phase_lead")}
    anomaly = np.rad2deg(metrics.true_anomaly(test.y, test.y[:, 0], mu)) % 360
    return {"true_anomaly": anomaly, "phase_lead": metrics.phase_lead(rollout, test.y, mu)}


def _energy_drift(rollout: np.ndarray, test: Trajectories) -> np.ndarray:
    """Return the relative change (N, T) of the problem's first invariant along the rollouts [%]."""
    invariants = load_problem(str(test.meta["problem"])).invariants(np.moveaxis(rollout, -1, 0))
    return metrics.relative_change(next(iter(invariants.values())))


def _flips(predictor: Predictor, rollout: np.ndarray) -> np.ndarray:
    """Return 100 where the magnitude channel m0 changed its sign since the step before, else 0 [%].

    NaN at first steps and for heads whose m0 has no sign.
    """
    config = predictor.config
    if config.kind != "neural_ode" or not OUTPUT_LAYERS[config.output_layer].signed_magnitude:
        return np.full(rollout.shape[:2], np.nan)
    return 100 * metrics.sign_flips(predictor.outputs(rollout)[..., 0])


def _long(points: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return one row per orbit and step, in single precision, without padding."""
    orbit, step = np.indices(points["t"].shape, dtype=np.int32)
    table = pd.DataFrame({"orbit": orbit.ravel(), "step": step.ravel()})
    for name, values in points.items():
        table[name] = values.astype(np.float32).ravel()
    return table[np.isfinite(points["t"]).ravel()].reset_index(drop=True)


def _per_orbit(points: dict[str, np.ndarray], failed: np.ndarray, test: Trajectories) -> pd.DataFrame:
    """Return one row per orbit: its parameters, means over its finite steps, timing, drift and failure."""
    present = np.isfinite(test.t)
    return pd.DataFrame(
        {
            "orbit": np.arange(len(test.t), dtype=np.int32),
            **{name: np.asarray(values) for name, values in test.parameters.items()},
            **{name: _means(points[name]) for name in AVERAGED},
            **_timing(points["phase_lead"], points["true_anomaly"], present),
            "energy_drift": _largest(np.abs(points["energy_drift"])),
            "failed": failed >= 0,
            "failed_step": failed,
            "n": present.sum(axis=1),
        }
    )


def _timing(lead: np.ndarray, anomaly: np.ndarray, present: np.ndarray) -> dict[str, np.ndarray]:
    """Return the phase lead (N,) at the last step and at the step nearest to periapsis."""
    rows = np.arange(len(lead))
    last = present.shape[1] - 1 - present[:, ::-1].argmax(axis=1)
    off = np.where(np.isfinite(anomaly), np.minimum(anomaly, 360 - anomaly), np.inf)
    return {"phase_lead": lead[rows, last], "phase_lead_periapsis": lead[rows, off.argmin(axis=1)]}


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of the finite values of each row; NaN for none."""
    mask = np.isfinite(values)
    return np.where(mask, values, 0.0).sum(axis=1) / np.where(mask.any(axis=1), mask.sum(axis=1), np.nan)


def _largest(values: np.ndarray) -> np.ndarray:
    """Return the largest finite value of each row; NaN for none."""
    mask = np.isfinite(values)
    return np.where(mask.any(axis=1), np.where(mask, values, -np.inf).max(axis=1), np.nan)


def _summary(points: dict[str, np.ndarray], orbits: pd.DataFrame, baseline: dict[str, np.ndarray]) -> Iterator[Row]:
    """Yield the rows of the summary."""
    yield from (mean(name, points[name]) for name in AVERAGED)
    spread = describe(points["acceleration_error_own_state"])
    count = int(spread.pop("n"))
    yield from (Row(name, value, count) for name, value in spread.items())
    yield Row("outliers", outliers(points["acceleration_error_own_state"]), count)
    yield from (mean(name, orbits[name].to_numpy()) for name in ("phase_lead", "phase_lead_periapsis", "energy_drift"))
    yield mean("phase_error", np.abs(orbits["phase_lead"].to_numpy()))
    own = finite(orbits["acceleration_error_own_state"].to_numpy())
    yield Row("worst_orbit", float(own.max()) if own.size else np.nan, own.size)
    yield from (mean(name, values) for name, values in baseline.items())
    yield Row("rollout_failures", float(orbits["failed"].sum()), len(orbits))
    yield Row("unresolved", float(orbits["unresolved"].sum()), len(orbits))


EVALUATIONS = {
    "neural_ode": evaluate_orbits,
    "mean_acceleration": evaluate_orbits,
    "true_law": evaluate_orbits,
    "general_ode": evaluate_states,
    "linear_ode": evaluate_states,
    "sindy": evaluate_states,
    "latent_ode": evaluate_states,
}
"""What evaluates a model, by its kind."""
