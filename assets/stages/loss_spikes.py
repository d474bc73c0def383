"""Loss spikes: steps at which the loss leaves the band that its neighbours keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

WINDOW = 51
"""Steps around a step that say what is usual there."""

DEVIATIONS = 6.0
"""How far above the median a spike is, in standard deviations of a normal distribution."""

LEAST_RATIO = 2.0
"""A spike is at least this many times the median."""


def spikes(history: pd.DataFrame) -> dict[str, Any]:
    """Return the number of loss spikes, and the step and ratio of the largest.

    A step of a phase belongs to a spike where

        log(loss) - m > max(6 * 1.4826 * median |log(loss) - m|, log 2),   m the median of log(loss) over 51 steps,

    neighbouring steps being one spike; the ratio is loss / exp(m). The scaled median deviation (Hampel, 1974) is not
    moved by the spikes themselves. Losses that are not positive have no logarithm and are left out.
    """
    import numpy as np
    import pandas as pd

    excesses = [_excess(phase) for _, phase in history.groupby("phase")] if "phase" in history else []
    excess = pd.concat(excesses) if excesses else pd.Series(dtype=float)
    found = excess.notna()
    count = int((found & ~found.shift(fill_value=False)).sum())
    if not count:
        return {"count": 0}
    largest = int(np.nanargmax(excess))
    step, height = excess.index.to_numpy()[largest], excess.to_numpy()[largest]
    return {"count": count, "step": int(step), "ratio": float(np.exp(height))}


def _excess(phase: pd.DataFrame) -> pd.Series:
    """Return log(loss) - m of the steps that spike, NaN elsewhere, by step."""
    import numpy as np

    losses = phase.set_index("step")["loss"].astype(float)
    logs = losses.where(losses > 0).transform("log")
    above = logs - logs.rolling(WINDOW, center=True, min_periods=1).median()
    spread = 1.4826 * above.abs().rolling(WINDOW, center=True, min_periods=1).median()
    return above.where(above > np.maximum(DEVIATIONS * spread, np.log(LEAST_RATIO)))
