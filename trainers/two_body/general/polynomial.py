"""Right-hand sides that are polynomials of states and inputs, fitted by least squares: linear, or sparse (SINDy).

Columns are all monomials of (y, u) up to a degree, in the units of the data divided by the scale of each channel, but
not shifted, since a shift would fill sparse equations. Derivatives at the points are those of a cubic spline through
each training segment. `sindy` drops terms whose root mean square is a small share of that of the derivative and fits
again, until no term is dropped.

Source: Brunton, Proctor & Kutz 2016, PNAS 113:3932 (sequentially thresholded least squares).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from trainers.common.baselines import without_steps
from trainers.study import Failed, Job, Report, Trained
from trainers.two_body.config import ModelConfig

MOST_ROUNDS = 20
"""Rounds of thresholding before the fit is taken as it is."""


def degree_of(config: ModelConfig) -> int:
    """Return the degree of a kind of model."""
    return 1 if config.kind == "linear_ode" else config.general.degree


def monomials(variables: int, degree: int) -> list[tuple[int, ...]]:
    """Return the variables of each monomial: () is 1, (0, 0, 1) is `x0^2 x1`."""
    return [term for order in range(degree + 1) for term in combinations_with_replacement(range(variables), order)]


def library(values: Any, degree: int, xp: Any) -> Any:
    """Return the monomials (F, ...) of values (K, ...)."""
    columns = []
    for term in monomials(values.shape[0], degree):
        column = xp.ones_like(values[0])
        for variable in term:
            column = column * values[variable]
        columns.append(column)
    return xp.stack(columns)


def fit_polynomial(group: Sequence[Job], report: Report) -> Iterator[Trained | Failed]:
    """Fit the models of a group, without optimiser steps."""
    for job in group:
        began, fitted = time.monotonic(), job.segments.fitted
        phase = job.segments.phases[-1]
        t, y, u = (phase[f"train/{name}"] for name in ("t", "y", "u"))
        # undo the shift alone: channels stay divided by their scale
        values = np.concatenate(
            [y + fitted["mean"] / fitted["scale"], u + fitted["input_mean"] / fitted["input_scale"]], axis=2
        )
        slopes = np.concatenate([_slopes(*one) for one in zip(t, y, strict=True)])
        columns = library(np.moveaxis(values, 2, 0), degree_of(job.config), np).reshape(-1, len(slopes)).T
        threshold = job.config.general.threshold if job.config.kind == "sindy" else 0.0
        coefficients = sparse_fit(columns, slopes, threshold)
        yield without_steps(job, {"coefficients": coefficients}, seconds=time.monotonic() - began)


def _slopes(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the derivatives (L, C) at the points of a segment: of a cubic spline, or the slope between two points."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(t, y)(t, 1) if len(t) > 2 else np.gradient(y, t, axis=0, edge_order=1)


def sparse_fit(columns: np.ndarray, slopes: np.ndarray, threshold: float) -> np.ndarray:
    """Return coefficients (C, F) of `slopes (P, C) = columns (P, F) @ coefficients.T`, small terms set to zero.

    A term stays while `|coefficient| rms(column) >= threshold rms(slope)`; 0 keeps all. Each equation by itself.
    """
    sizes = np.sqrt((columns**2).mean(axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    scaled = columns / sizes
    result = np.zeros((slopes.shape[1], columns.shape[1]))
    for row, slope in zip(result, slopes.T, strict=True):
        kept, least = np.ones(len(row), bool), threshold * np.sqrt((slope**2).mean())
        for _ in range(MOST_ROUNDS):
            row[:] = 0.0
            row[kept] = np.linalg.lstsq(scaled[:, kept], slope, rcond=None)[0]
            small = kept & (np.abs(row) < least)
            if not small.any():
                break
            kept &= ~small
    return result / sizes
