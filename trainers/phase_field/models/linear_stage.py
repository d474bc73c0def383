"""The linear stage of decomposition: how the spectrum of the first snapshot grows until the phases have formed.

While fluctuations are small, every wave grows by itself, `S(k, t) = S(k, 0) exp(2 sigma(k) t)` with the rate sigma of
`system/energy.py`. S(k, 0) is the Hankel transform of the first radial profile, and the profile at a later time is the
transform of S(k, t) back: which structure a run forms is written in its first snapshot, though most of that looks like
noise. The stage ends when the variance passes `SATURATED`; the profile then stays, and coarsens slowly.
Source: Cahn 1961, doi 10.1016/0001-6160(61)90182-1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import j0

from trainers.phase_field.microstructure.two_point import shell_sizes
from trainers.phase_field.system.energy import growth_rate

Array = np.ndarray

SATURATED = 0.02
"""Variance of c at which the linear stage ends; two pure phases have `c0 (1 - c0)`, at most 0.25."""

WAVES = 128
"""Wave numbers, up to that of two cells."""

RUNS_AT_ONCE = 50
"""Runs that are transformed together, to limit memory."""


class LinearStage(NamedTuple):
    """What the linear theory says of N runs at T times."""

    profiles: Array
    """(N, T, R) radial profiles; from the end of the stage on, that of its end."""
    log_variance: Array
    """(N, T) log of the variance by the linear theory, in units of `SATURATED`."""
    end: Array
    """(N,) time at which the stage ends, extrapolated where that is after the last."""


def linear_stage(first: Array, t: Array, mobility: Array, kappa: Array, mean: Array, amplitude: Array) -> LinearStage:
    """Continue first profiles (N, R) of runs with the given parameters, (N,) each, to times t (T,)."""
    parts = []
    for start in range(0, max(1, len(first)), RUNS_AT_ONCE):
        runs = slice(start, start + RUNS_AT_ONCE)
        parts.append(_linear_stage(first[runs], t, mobility[runs], kappa[runs], mean[runs], amplitude[runs]))
    return LinearStage(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _linear_stage(first: Array, t: Array, mobility: Array, kappa: Array, mean: Array, amplitude: Array) -> LinearStage:
    radius = np.arange(first.shape[1])
    waves = np.arange(1, WAVES + 1) * np.pi / WAVES
    bessel = j0(np.outer(waves, radius))
    # truncated at R, the transform of a noisy profile can fall below 0, which no spectrum does
    spectrum = np.maximum((first * shell_sizes(2 * len(radius))) @ bessel.T, 1e-12) * waves
    rate = growth_rate(waves**2, mean[:, None], mobility[:, None], kappa[:, None])
    exponent = 2 * rate[:, None, :] * t[:, None] + np.log(spectrum)[:, None, :]
    largest = exponent.max(axis=2, keepdims=True)
    profiles = np.exp(exponent - largest) @ bessel
    size = np.log(profiles[..., 0]) + largest[..., 0]
    log_variance = size - size[:, :1] + np.log(amplitude**2 / 12 / SATURATED)[:, None]
    last, end = _end(log_variance, t)
    held = np.minimum(np.arange(len(t)), last[:, None])
    profiles = np.take_along_axis(profiles / profiles[..., :1], held[:, :, None], axis=1)
    return LinearStage(profiles, log_variance, end)


def _end(log_variance: Array, t: Array) -> tuple[Array, Array]:
    """Return the first index (N,) at which the variance has passed, the last one where it never does, and the time.

    Short waves decay at first, so that the variance falls before it rises.
    """
    rows, above = np.arange(len(log_variance)), log_variance > 0
    last = np.where(above.any(axis=1), above.argmax(axis=1), len(t) - 1)
    last = np.maximum(last, 1)
    slope = np.maximum((log_variance[rows, last] - log_variance[rows, last - 1]) / (t[last] - t[last - 1]), 1e-3)
    return last, np.maximum(t[last] - log_variance[rows, last] / slope, 0.5 * t[1])
