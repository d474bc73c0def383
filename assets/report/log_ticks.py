"""Ticks of logarithmic axes that can be read: at 1, 2 and 5 where decades are few, as plain numbers where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

STEPS = ((1.0,), (1.0, 2.0, 5.0), tuple(np.arange(1.0, 10.0)))
"""Ticks within a decade, from few to many."""

FEWEST, MOST = 3, 9
"""Ticks that an axis should have."""

PLAIN = (1e-4, 1e5)
"""Range of numbers that are written without an exponent."""


def clear_log_ticks(figure: Figure) -> None:
    """Set the ticks of every logarithmic axis of a figure whose ticks nobody has chosen."""
    from matplotlib.ticker import LogLocator

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log" and isinstance(axis.get_major_locator(), LogLocator):
                _set_ticks(axis)


def _set_ticks(axis: Axis) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

    ticks = log_ticks(*sorted(axis.get_view_interval()))
    if not ticks:
        return
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_formatter(NullFormatter())
    if PLAIN[0] <= ticks[0] and ticks[-1] <= PLAIN[1]:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if len(ticks) > 2 * FEWEST:
        axis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float) -> list[float]:
    """Return ticks between two positive numbers, from one in several decades to nine in one; none for other numbers.

    Less than a fifth of a decade has equal steps, as a linear axis.
    """
    from matplotlib.ticker import MaxNLocator

    if not 0 < low < high:
        return []
    if high / low < 10**0.2:
        return [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    exponents = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for step in STEPS:
        ticks = [float(f"{sub:g}e{int(exponent)}") for exponent in exponents for sub in step]
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(ticks) >= FEWEST:
            return ticks[:: -(-len(ticks) // MOST)]
    return ticks
