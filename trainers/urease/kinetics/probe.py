"""What a pH probe reads: offset, drift and a first-order lag, then white noise."""

from __future__ import annotations

import numpy as np

Array = np.ndarray

EARLY = np.geomspace(1e-3, 1.0, 40)
"""Times at which the lag is computed besides those of the readings [s]; pH moves fastest at first."""

LONGEST_GAP = 1.0
"""Between readings further apart, times in between are added [s]."""


def lag_times(t: Array) -> Array:
    """Return the times (K,) [s] at which a pH must be known so that the lag is right at times t (M,), which are among
    them."""
    gaps = np.diff(np.concatenate([[0.0], t]))
    fill = [np.linspace(end - gap, end, int(np.ceil(gap / LONGEST_GAP)) + 1) for gap, end in zip(gaps, t, strict=True)]
    return np.unique(np.concatenate([[0.0], EARLY[t[-1] > EARLY], t, *(np.setdiff1d(part[1:-1], t) for part in fill)]))


def lagged(t: Array, pH: Array, time_constant: Array) -> Array:
    """Return the solution z (N, K) of `T dz/dt = pH - z`, z(0) = pH(0), for a pH (N, K) that is linear between t (K,).

    time_constant (N,) [s]; 0 is no lag.
    """
    reading = np.array(pH, float)
    slow = time_constant > 0
    if not slow.any():
        return reading
    T, curve, z = time_constant[slow], reading[slow], reading[slow]
    for k, h in enumerate(np.diff(t)):
        ratio = h / T
        decay = np.exp(-ratio)
        mean = -np.expm1(-ratio) / ratio
        z[:, k + 1] = decay * z[:, k] + (mean - decay) * curve[:, k] + (1 - mean) * curve[:, k + 1]
    reading[slow] = z
    return reading


def lagged_line(t: Array, offset: Array, drift: Array, time_constant: Array) -> Array:
    """Return the lagged reading (N, M) of `offset + drift t`: `offset + drift (t - T (1 - exp(-t/T)))`, at t (M,)."""
    T = np.where(time_constant > 0, time_constant, 1.0)[:, None]
    behind = np.where(time_constant[:, None] > 0, -T * np.expm1(-t / T), 0.0)
    return offset[:, None] + drift[:, None] * (t - behind)
