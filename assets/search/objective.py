"""The objective of a search, read from a training's history: a validation column at the stored weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.search.search import Search
from assets.stages.pruning import Curve, curve_of
from assets.store.manifest import Manifest
from assets.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

SELECTS = "validation_loss"
"""The column at whose lowest value weights are kept."""


class NoObjective(LookupError):  # noqa: N818
    """A history without the column of the objective; one line with those that there are."""

    def __str__(self) -> str:
        return str(self.args[0])


def objective_of(history: pd.DataFrame, column: str) -> float | None:
    """Return a column in the last phase where the validation loss is lowest; None where nothing was measured.

    Raises:
        NoObjective: there is no such column.
    """
    require(history, column)
    last = history[history["phase"] == history["phase"].max()].dropna(subset=[column])
    if not len(last):
        return None
    if SELECTS in last and last[SELECTS].notna().any():
        return float(last.loc[last[SELECTS].idxmin(), column])
    return float(last[column].iloc[-1])


def require(history: pd.DataFrame, column: str) -> None:
    """Check that a history has the column of the objective.

    Raises:
        NoObjective: it has not.
    """
    if column not in history:
        columns = ", ".join(str(name) for name in history if str(name).startswith("validation_")) or "none"
        raise NoObjective(f"the history has no column {column!r}, the objective; validation columns are: {columns}")


def objective_and_curve(search: Search, store: Store, address: tuple[str, str, str]) -> tuple[float | None, Curve]:
    """Return the objective of a stored training and its values at each check of the pruner.

    Raises:
        NoObjective: its history has no such column.
    """
    artifact = store.open(*address)
    if not artifact.holds("history.parquet"):
        return None, {}
    history, column = artifact.table("history"), search.settings.objective
    if not len(history):
        return None, {}
    pruner = search.settings.pruner
    curve = curve_of(history, column, _steps(artifact.manifest, history), pruner.interval) if pruner else {}
    return objective_of(history, column), curve


def _steps(manifest: Manifest, history: pd.DataFrame) -> int:
    """Return how many steps the training was to have."""
    return int(manifest["total_steps"] or history["step"].iloc[-1])
