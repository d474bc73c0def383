"""What a study estimates from data of one's own; a part of the contract, imported from `trainers.study`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("trajectory", "parameter", "unit", "estimate", "lower", "upper", "caveat")


@dataclass(frozen=True)
class Estimates:
    """What a model infers from trajectories of one's own: parameters with intervals, and what stands behind them.

    Raises:
        ValueError: a column is missing, a parameter of a trajectory has two rows, an interval ends below its beginning,
            a number that is not finite has no caveat, or a table is named estimates.
    """

    estimates: pd.DataFrame
    """One row per trajectory and parameter: `trajectory` (its index), `parameter`, `unit`, `estimate`, `lower` and
    `upper` (the ends of its interval), `caveat`. A caveat says in words why the row is doubtful (data outside of what
    the model was trained on, a parameter that the data do not determine); it is empty where nothing is."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Named tables behind the estimates: a forecast, a rollout, residuals; column `trajectory` as above.

    `fit_curves` is drawn alike for all studies: `trajectory`, `t`, `channel`, `measured` (NaN where there is nothing),
    `predicted`, `lower`, `upper` (NaN without a band)."""
    level: float = 0.9
    """Nominal coverage of the intervals [1]."""

    def __post_init__(self) -> None:
        rows = self.estimates
        if missing := [name for name in COLUMNS if name not in rows]:
            raise ValueError(f"estimates lack {', '.join(missing)}; expected {', '.join(COLUMNS)}")
        if "estimates" in self.tables:
            raise ValueError("a table is named 'estimates'; rename it, the name is taken")
        if rows.duplicated(["trajectory", "parameter"]).any():
            raise ValueError("a parameter of a trajectory has two estimates; expected one row each")
        if (rows["lower"] > rows["upper"]).any():
            raise ValueError("an interval ends below its beginning; expected lower <= upper")
        if (rows[["estimate", "lower", "upper"]].isna().any(axis=1) & (rows["caveat"] == "")).any():
            raise ValueError("an estimate is NaN without a caveat; expected the reason in words")
