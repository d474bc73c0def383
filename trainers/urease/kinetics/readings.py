"""From parameters to what the probe reads: reactor, then probe."""

from __future__ import annotations

import numpy as np

from trainers.study import Arrays
from trainers.urease.kinetics.families import reactors_of
from trainers.urease.kinetics.probe import lag_times, lagged, lagged_line
from trainers.urease.kinetics.rate_law import TemperatureLaw
from trainers.urease.kinetics.solution import solve

Array = np.ndarray


def noise_free_readings(parameters: Arrays, t: Array, law: TemperatureLaw = "fitted", phosphate: float = 0.0) -> Array:
    """Return readings without noise (N, M) at times t (M,) [s], increasing and not below 0.

    parameters: arrays (N,) by name, see `families.UNITS`.
    """
    zero = np.zeros(len(parameters["k_d"]))
    lag, offset, drift = (parameters.get(name, zero) for name in ("tau_probe", "pH_offset", "pH_drift"))
    times = lag_times(t) if (lag > 0).any() else t
    pH = solve(reactors_of(parameters, law, phosphate), times)
    reading = lagged(times, pH, lag)[:, np.searchsorted(times, t)]
    return reading + lagged_line(t, offset, drift, lag)
