"""Rows of an evaluation's summary: metric, value, unit and n, the number of finite values behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from trainers.common.statistics import Array, finite


class Row(NamedTuple):
    """A number of the summary and how many finite values it rests on."""

    metric: str
    value: float
    n: int


def root_mean_square(metric: str, errors: Array) -> Row:
    """Return `sqrt(mean(e^2))` over finite errors of any shape; NaN without any."""
    errors = finite(errors)
    return Row(metric, float(np.sqrt((errors**2).mean())) if errors.size else np.nan, errors.size)


def mean(metric: str, values: Array, scale: float = 1.0) -> Row:
    """Return the mean over finite values of any shape, times `scale` (100 for a share in %); NaN without any."""
    values = finite(values)
    return Row(metric, scale * float(values.mean()) if values.size else np.nan, values.size)


def quantile(metric: str, values: Array, level: float = 0.5) -> Row:
    """Return a quantile of finite values of any shape, linearly interpolated; NaN without any."""
    values = finite(values)
    return Row(metric, float(np.quantile(values, level)) if values.size else np.nan, values.size)


def summary(rows: Iterable[Row], units: Mapping[str, str], default_unit: str) -> pd.DataFrame:
    """Return the tidy summary of `study.Evaluation`: metric, value, unit, n.

    `units` by metric; `default_unit` is that of all others.

    Raises:
        ValueError: a metric occurs twice.
    """
    table = pd.DataFrame(
        [(row.metric, row.value, units.get(row.metric, default_unit), row.n) for row in rows],
        columns=["metric", "value", "unit", "n"],
    )
    if not table["metric"].is_unique:
        raise ValueError(f"metrics occur twice: {', '.join(table['metric'][table['metric'].duplicated()])}")
    return table
