"""The strata in which intervals of refined unknowns are calibrated: what a series shows of its own errors.

An observation error up to 1e-10 is rounding. A larger one is white noise or it is not, as that of a general solver, and
both have ranges of size. Within each of these, an unknown is determined by the series or not, and an initial value is
hidden or not: a first point at the threshold says only that the state began at or below it. All this is known without
the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainers.common.calibration import NORMAL_90
from trainers.preference_dynamics.refinement.bounds import FIRST_POINT, block_weights
from trainers.preference_dynamics.system.equations import Array

if TYPE_CHECKING:
    from trainers.preference_dynamics.refinement.least_squares import Refined

ROUNDING = 1e-10
"""Largest observation error of series that are exact [std of the block]."""

NOT_WHITE = (ROUNDING, 3e-7, 3e-4, 0.1)
"""Errors that are not white at which the next range begins: general solvers of rtol 1e-9, 1e-6 and 1e-3; misfits."""

WHITE = (0.02, 0.07)
"""Noise at which the next range begins."""

NOT_CALIBRATED = 3.0
"""Half width of a 90 % interval of an error that is not white, without calibration [std]: calibrated ones of most
unknowns lie between 1.5 and 5."""

SIZES = len(NOT_WHITE) + len(WHITE) + 2
"""Ranges of size of both kinds of error."""

COUNT = 4 * SIZES + 4 + 2 + 1
"""Strata of all degrees: of size, determined and hidden; of determined and hidden; of determined; the one of all."""


def strata_of(series: Array, refined: Refined) -> Array:
    """Return the strata (4, N, Q) of refined unknowns of series (N, L, 2n), fine to coarse: `factors_by_label`."""
    noisy = refined.white & (refined.error > ROUNDING)
    white = np.searchsorted(WHITE, refined.error, "right") + len(NOT_WHITE) + 1
    size = np.where(noisy, white, np.searchsorted(NOT_WHITE, refined.error, "right"))[:, None]
    determined, hidden = refined.identified.astype(int), np.zeros(refined.identified.shape, int)
    hidden[:, -series.shape[2] :] = hidden_starts(series, refined.error)
    kind = 2 * determined + hidden
    degrees = (4 * size + kind, 4 * SIZES + kind, 4 * SIZES + 4 + determined, np.full_like(kind, COUNT - 1))
    return np.stack(degrees)


def uncalibrated_factor(refined: Refined) -> Array:
    """Return the half width (N, 1) of 90 % intervals in spreads, where no series have calibrated it."""
    return np.where(refined.white, NORMAL_90, NOT_CALIBRATED)[:, None]


def hidden_starts(series: Array, error: Array) -> Array:
    """Return whether each channel (N, 2n) starts at its lowest value, within the error (N,) [std of the block]."""
    margin = FIRST_POINT * error[:, None] / block_weights(series)
    return np.asarray(series[:, 0] <= series.min(axis=1) + margin)
