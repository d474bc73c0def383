"""Two-point statistics of periodic fields: the autocorrelation map, its radial profile, a characteristic length.

For a field c of N x N cells, `x = (c - mean)/std` and `R(r) = mean over cells s of x(s) x(s + r)`: 1 at r = 0, even,
mean 0 over all r; it does not change when the field is shifted, scaled or when its sign is flipped, and so not under
c -> 1 - c. By the Wiener-Khinchin theorem it is the inverse transform of the power spectrum.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import fft, sparse

Array = np.ndarray


def autocorrelation(fields: Array) -> Array:
    """Return the maps (B, N, N) of fields (B, N, N); lag 0 is at [0, 0], `np.fft.fftshift` moves it to the middle.

    Raises:
        ValueError: a field is constant, so that its autocorrelation is undefined.
    """
    return autocorrelation_of_spectra(fft.rfft2(fields), fields.shape[1])


def autocorrelation_of_spectra(spectra: Array, size: int) -> Array:
    """Return the maps (B, N, N) of fields of N = `size` cells per side from their half spectra (B, N, N/2 + 1)."""
    power = spectra.real**2 + spectra.imag**2
    power[:, 0, 0] = 0.0
    maps = fft.irfft2(power, s=(size, size))
    largest = maps[:, :1, :1]
    if not (largest > 0).all():
        raise ValueError("a field is constant; expected one that varies, since a constant has no autocorrelation")
    return np.asarray(maps / largest)


def radii(size: int) -> Array:
    """Return the radii (R,) of radial profiles of N x N maps: 0, 1, ..., N/2 - 1 cells."""
    return np.arange(size // 2, dtype=np.float64)


def radial_profile(maps: Array) -> Array:
    """Average maps (B, N, N) over all directions: (B, R), the mean over cells whose distance rounds to each radius."""
    return np.asarray((_shells(maps.shape[1]) @ maps.reshape(len(maps), -1).T).T)


def shell_sizes(size: int) -> Array:
    """Return the number of cells (R,) that each radius of a profile averages."""
    return np.bincount(_distances(size), minlength=size)[: size // 2].astype(np.float64)


def characteristic_length(profiles: Array, radius: Array) -> Array:
    """Return the first zero (B,) of profiles (B, R) [cells], linear between radii; NaN where there is none.

    It is about a quarter of the period of a lamellar structure.
    """
    below = profiles <= 0
    first = below.argmax(axis=1)
    rows = np.arange(len(profiles))
    crosses = below.any(axis=1) & (first > 0)
    left = profiles[rows, first - 1]
    fall = np.where(crosses, left - profiles[rows, first], 1.0)
    length = radius[first - 1] + left / fall * (radius[first] - radius[first - 1])
    return np.where(crosses, length, np.nan)


def _distances(size: int) -> Array:
    """Return the rounded periodic distance (N N,) of every cell from the first."""
    lag = np.minimum(np.arange(size), size - np.arange(size))
    return np.rint(np.hypot(lag[:, None], lag[None, :])).astype(np.int64).ravel()


@cache
def _shells(size: int) -> sparse.csr_array:
    """Return the matrix (R, N N) that averages over shells."""
    distance, count = _distances(size), size // 2
    inside = np.flatnonzero(distance < count)
    weight = 1 / np.bincount(distance)[distance[inside]]
    return sparse.csr_array((weight, (distance[inside], inside)), shape=(count, size**2))
