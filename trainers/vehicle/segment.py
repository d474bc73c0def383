"""Cut runs into windows of features, controls, initial states and targets, split by car."""

from __future__ import annotations

import numpy as np

from trainers.common.splits import split
from trainers.study import Arrays, Segments, Trajectories
from trainers.vehicle.config import SegmentationConfig
from trainers.vehicle.dynamics.registry import COMBINED
from trainers.vehicle.windows.channels import Log, log_of
from trainers.vehicle.windows.cut import Windows, cut
from trainers.vehicle.windows.features import features_of

Array = np.ndarray


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Split runs by car into training and validation, and cut them into windows.

    Per phase the same arrays: `train/features` (S, F), `train/control` (S, L - 1, 2), `train/initial` (S, 7), the state
    at the first point, `train/target` (S, L, 7), `train/trajectory`, `train/car` (S,), and where the data tell them
    `train/combinations` (S, 6). fitted: mean and std of features, and mean and covariance of the logarithm of the
    training cars' combinations. meta: the time step [s], the controls, and the class of cars.

    Raises:
        ValueError: a channel or input is missing or has another unit, or the time step does not suit the data.
    """
    log, cars = log_of(trajectories), cars_of(trajectories)
    different = np.unique(cars)
    train, held_out = split(len(different), config.train_fraction, config.split_seed)
    if validation is not None:
        train, held_out = np.arange(len(different)), np.arange(0)
    sides = {"train": (trajectories, log, np.flatnonzero(np.isin(cars, different[train])), config.most_windows)}
    if validation is None:
        runs = np.flatnonzero(np.isin(cars, different[held_out]))
        sides["validation"] = (trajectories, log, runs, config.most_validation_windows)
    else:
        runs = np.arange(len(validation.t))
        sides["validation"] = (validation, log_of(validation), runs, config.most_validation_windows)
    arrays: dict[str, Array] = {}
    for side, (source, source_log, members, most) in sides.items():
        arrays |= _side(config, side, source, source_log, members, most)
    usable = {side: np.unique(arrays[f"{side}/trajectory"]) for side in sides}
    counts = {
        "window": config.window,
        "train_segments": len(arrays["train/target"]),
        "validation_segments": len(arrays["validation/target"]),
        "train_cars": len(np.unique(arrays["train/car"])),
        "validation_cars": len(np.unique(arrays["validation/car"])),
    }
    meta: dict[str, str | float] = {
        "time_step": config.time_step / 100,
        "steering": log.names[0],
        "longitudinal": log.names[1],
        "vehicle_class": config.vehicle_class,
        "dynamics": str(trajectories.meta.get("dynamics", "unknown")),
    }
    return Segments(
        phases=(arrays,) * config.phases,
        train=usable["train"],
        validation=usable["validation"],
        counts=tuple({"phase": number, **counts} for number in range(config.phases)),
        fitted=_fitted(arrays, log),
        meta=meta,
    )


def cars_of(trajectories: Trajectories) -> Array:
    """Return the number of the car of each run (N,); without a parameter `car` every run has its own."""
    return np.asarray(trajectories.parameters.get("car", np.arange(len(trajectories.t))), float)


def combinations_of(trajectories: Trajectories) -> Array | None:
    """Return the true combinations (N, 6) of the single-track model where the data tell them."""
    if not all(name in trajectories.parameters for name in COMBINED):
        return None
    return np.stack([np.asarray(trajectories.parameters[name], float) for name in COMBINED], axis=1)


def _side(
    config: SegmentationConfig, side: str, source: Trajectories, log: Log, runs: Array, most: int
) -> dict[str, Array]:
    windows: Windows = cut(log, config.window, config.stride, config.time_step, runs)
    if most and most < len(windows.run):  # spread over all runs
        windows = windows.of(np.linspace(0, len(windows.run) - 1, most).round().astype(int))
    step = config.time_step / 100
    arrays = {
        "features": features_of(config.features, config.feature_mode, windows.state, windows.control, step),
        "control": windows.control,
        "initial": windows.state[:, 0],
        "target": windows.state,
        "trajectory": windows.run,
        "car": cars_of(source)[windows.run],
    }
    true = combinations_of(source)
    if true is not None and np.isfinite(true).all():
        arrays["combinations"] = true[windows.run]
    return {f"{side}/{name}": values for name, values in arrays.items()}


def _fitted(arrays: Arrays, log: Log) -> dict[str, Array]:
    """Return what was fitted on training windows; of no window NaN."""
    features = arrays["train/features"]
    features = features if len(features) else np.full((1, features.shape[1]), np.nan)
    fitted = {"features_mean": features.mean(axis=0), "features_std": features.std(axis=0)}
    if "train/combinations" in arrays and len(arrays["train/combinations"]):
        _, first = np.unique(arrays["train/car"], return_index=True)
        logarithm = np.log(arrays["train/combinations"][first])
        fitted["population_mean"] = logarithm.mean(axis=0)
        fitted["population_std"] = logarithm.std(axis=0)
        fitted["population_low"], fitted["population_high"] = logarithm.min(axis=0), logarithm.max(axis=0)
    return fitted
