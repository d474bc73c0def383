"""The observation error of a series, estimated from what its fit leaves, and the spread of the unknowns that follows.

Noise is white: its size is the root mean square of the residual. Other errors are not. Those of a general solver are
large where the motion is, in the few points that determine the unknowns, and the fit takes most of them up. Where the
residual is not white, its size is therefore taken at the points that matter: weighted by their leverage
`h_k = j_k H^-1 j_k`, with j_k the derivatives of point k and H the sum of `j_k j_k'`, and corrected for what the fit
takes up, `r_k / (1 - h_k)` (the leave-one-out residual). A floor stands for what no residual shows.

Sources: Belsley, Kuh & Welsch 1980, Regression Diagnostics; MacKinnon & White 1985, J. Econometrics 29:305.
"""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.system.equations import Array

LARGEST_LEVERAGE = 0.99
"""Leverage beyond which a point says nothing of its own error."""

CORRELATION = 0.15
"""Largest autocorrelation of a white residual: three standard errors of 400 values [1]."""

SAME = 1.25
"""Largest ratio of two estimates of the size of white noise: three standard errors of 100 values [1]."""

ROUNDING = 1e-13
"""Eigenvalues of H below this part of the largest one are rounding errors."""


def observation_error(residual: Array, slopes: Array, noise: Array, box: Array, floor: float) -> tuple[Array, Array]:
    """Return the observation error (N,) [std of the block], at least `floor`, and whether the residual is white (N,).

    residual (N, L, 2n) and slopes (N, L 2n, F), the derivatives of the series by F unknowns, in units of the blocks'
    std; noise (N,): another estimate of the noise, from second differences; box (F,): prior std of the unknowns.
    """
    size = np.sqrt((residual**2).mean(axis=(1, 2)))
    white = is_white(residual, noise)
    curvature = np.einsum("nkf,nkg->nfg", slopes, slopes, optimize=True)
    index = np.arange(slopes.shape[2])
    curvature[:, index, index] += np.maximum(size[:, None], floor) ** 2 / box**2
    leverage = np.einsum("nkf,nkf->nk", slopes @ np.linalg.pinv(curvature, hermitian=True), slopes)
    left_out = residual.reshape(leverage.shape) / (1 - np.clip(leverage, 0.0, LARGEST_LEVERAGE))
    weight = np.maximum(leverage.sum(axis=1), np.finfo(float).tiny)
    where_it_matters = np.sqrt((leverage * left_out**2).sum(axis=1) / weight)
    return np.maximum(np.where(white, size, np.maximum(size, where_it_matters)), floor), white


def is_white(residual: Array, noise: Array) -> Array:
    """Return whether residuals (N, L, 2n) look like white noise of constant size, with which `noise` (N,) agrees."""
    square = (residual**2).mean(axis=2)
    quarter = max(1, square.shape[1] // 4)
    with np.errstate(divide="ignore", invalid="ignore"):
        beginning = np.sqrt(square[:, :quarter].mean(axis=1) / square[:, quarter:].mean(axis=1))
        agreement = noise / np.sqrt(square.mean(axis=1))
    same = [(ratio < SAME) & (ratio > 1 / SAME) for ratio in (beginning, agreement)]
    return np.asarray(same[0] & same[1] & (np.abs(autocorrelation(residual)) < CORRELATION))


def autocorrelation(residual: Array) -> Array:
    """Return the correlation (N,) of residuals (N, L, 2n) with those at the next time."""
    product = (residual[:, 1:] * residual[:, :-1]).sum(axis=(1, 2))
    return product / np.maximum((residual**2).sum(axis=(1, 2)), np.finfo(float).tiny)


def spread_of_unknowns(slopes: Array, error: Array, prior: Array, smallest: float) -> Array:
    """Return the std (N, F) of unknowns by Laplace's approximation, `H / error^2 + 1 / prior^2` inverted.

    In units of the prior's std (N, F), along each eigenvector of H, the variance is `1 / (l / error^2 + 1)`. The
    descent does not weigh a residual by more than 1 / smallest, so that the prior pulls it off by the part
    `1 / (l / smallest^2 + 1)` of the distance between first estimate and truth; the variance is at least its square.
    """
    scaled = slopes * prior[:, None]
    values, vectors = np.linalg.eigh(np.einsum("nkf,nkg->nfg", scaled, scaled, optimize=True))
    values = np.where(values > ROUNDING * values[:, -1:], values, 0.0)
    variance = np.maximum(1 / (values / error[:, None] ** 2 + 1), 1 / (values / smallest**2 + 1) ** 2)
    return np.asarray(prior * np.sqrt((vectors**2 * variance[:, None]).sum(axis=2)))
