"""Free energy of a mixture with two wells, and the linear stage of its decomposition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.phase_field.system.grid import Grid

Array = np.ndarray


@dataclass(frozen=True)
class DoubleWell:
    """The bulk free energy density `f(c) = rho (c - a)^2 (b - c)^2`, dimensionless.

    The default is that of the study, with wells 0 and 1; PFHub's benchmark 1a has a = 0.3, b = 0.7, rho = 5 (Jokisaari
    et al. 2017, doi 10.1016/j.commatsci.2016.09.022). A flat interface has the energy
    `sqrt(2 kappa rho) (b - a)^3 / 6` per length.
    """

    low: float = 0.0
    """Well a."""
    high: float = 1.0
    """Well b."""
    height: float = 1.0
    """rho; the barrier is `rho ((b - a)/2)^4`."""

    def density(self, c: Array) -> Array:
        """Return f(c)."""
        return np.asarray(self.height * ((c - self.low) * (self.high - c)) ** 2)

    def slope(self, c: Array) -> Array:
        """Return `f'(c) = 2 rho (c - a)(b - c)(a + b - 2c)`."""
        return np.asarray(2 * self.height * (c - self.low) * (self.high - c) * (self.low + self.high - 2 * c))

    def slope_polynomial(self) -> Array:
        """Return the coefficients (4,) of f'(c), that of c^0 first."""
        low, high = self.low, self.high
        cubic = np.array([low * high * (low + high), -(low**2 + high**2 + 4 * low * high), 3 * (low + high), -2.0])
        return np.asarray(-2 * self.height * cubic)

    def curvature(self, c: Array) -> Array:
        """Return f''(c); it is negative in the spinodal region, 0.2113 < c < 0.7887 with wells 0 and 1."""
        low, high = c - self.low, self.high - c
        return np.asarray(2 * self.height * (low**2 + high**2 - 4 * low * high))

    def interface(self, kappa: float) -> float:
        """Return the energy per length of a flat interface."""
        return float(np.sqrt(2 * kappa * self.height) * (self.high - self.low) ** 3 / 6)


STUDY_WELL = DoubleWell()
"""f(c) = c^2 (1 - c)^2."""


def free_energy(c: Array, grid: Grid, well: DoubleWell, kappa: Array, spectra: Array | None = None) -> Array:
    """Compute `F = integral of f(c) + kappa/2 |grad c|^2` of fields (B, N, N) with kappa (B,): (B,).

    spectra: those of the fields, if they are known already.

    The gradient is that of the grid's Laplacian, the edge across the periodic seam included, so that the discrete
    equation is the gradient flow of this F.
    """
    area = grid.spacing**2
    bulk = well.density(c).sum(axis=(1, 2)) * area
    spectra = grid.transform(c) if spectra is None else spectra
    power = spectra.real**2 + spectra.imag**2
    gradient = (grid.minus_laplacian * grid.weight * power).sum(axis=(1, 2))
    return np.asarray(bulk + kappa / 2 * gradient * area / grid.cells)


def growth_rate(q: Array, c: Array, mobility: Array, kappa: Array, well: DoubleWell = STUDY_WELL) -> Array:
    """Return the rate `-M q (f''(c) + kappa q)` at which a small wave grows about the mean c [1/time].

    q is the eigenvalue of minus the Laplacian: `k^2`, or `2 - 2 cos k` per direction for the five-point one with
    spacing 1. The fastest wave has `k^2 = -f''/(2 kappa)` and the rate `M f''^2/(4 kappa)`.
    """
    return np.asarray(-mobility * q * (well.curvature(c) + kappa * q))
