"""A square periodic grid and its Laplacian in Fourier space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy import fft

Array = np.ndarray

Laplacian = Literal["spectral", "five_point"]


@dataclass(frozen=True)
class Grid:
    """N x N cells of a periodic square."""

    size: int
    """N, even."""
    spacing: float = 1.0
    """Side of a cell."""
    laplacian: Laplacian = "spectral"
    """spectral: exact derivatives; five_point: second-order differences, as the source has them."""

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.size**2

    @cached_property
    def wave_numbers(self) -> tuple[Array, Array]:
        """kx (N, 1) and ky (1, N/2 + 1)."""
        return (
            2 * np.pi * fft.fftfreq(self.size, self.spacing)[:, None],
            2 * np.pi * fft.rfftfreq(self.size, self.spacing)[None, :],
        )

    @cached_property
    def minus_laplacian(self) -> Array:
        """Eigenvalues (N, N/2 + 1) of minus the Laplacian: `k^2`, or `(4 - 2 cos(h kx) - 2 cos(h ky))/h^2`."""
        x, y = self.wave_numbers
        if self.laplacian == "spectral":
            return np.asarray(x**2 + y**2)
        return np.asarray((4 - 2 * np.cos(self.spacing * x) - 2 * np.cos(self.spacing * y)) / self.spacing**2)

    @cached_property
    def weight(self) -> Array:
        """How often a column of the half spectrum counts in the whole one: (1, N/2 + 1), 1 or 2."""
        weight = np.full((1, self.size // 2 + 1), 2.0)
        weight[0, 0] = weight[0, -1] = 1.0
        return weight

    def transform(self, fields: Array) -> Array:
        """Transform fields (..., N, N) into half spectra (..., N, N/2 + 1)."""
        return np.asarray(fft.rfft2(fields))

    def fields(self, spectra: Array) -> Array:
        """Return the fields of half spectra; the reverse of `transform`."""
        return np.asarray(fft.irfft2(spectra, s=(self.size, self.size)))
