"""What exists: assets, partitions, sweeps, the store and its workers. No numerics, no study by name.

`assets.load(study, key)` and `assets.table("<study>/<sweep>")` read what a sweep left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from assets.statistics.sweep_table import Loaded
    from assets.store.store import Store

__all__ = ["load", "table"]


# Both import what they need when called, so that importing a module of `assets` stays cheap.


def load(study: str, key: str, store: Store | None = None) -> Loaded:
    """Load a trained model by its partition key, its hash, or the beginning of either.

    Raises:
        Missing: there is none, there are several, or it failed; one line with what to do.
    """
    from assets.statistics import sweep_table

    return sweep_table.load(study, key, store)


def table(sweep: str, store: Store | None = None) -> pd.DataFrame:
    """Return the results of a sweep under sweeps/, by its name `<study>/<sweep>`.

    Raises:
        LookupError: there is no such sweep.
    """
    from assets.catalogue import read_catalogue
    from assets.statistics.sweep_table import sweep_table
    from assets.store.store import Store

    sweeps = read_catalogue().sweeps
    if sweep not in sweeps:
        raise LookupError(f"no sweep {sweep!r} under sweeps/; there are: {', '.join(sorted(sweeps)) or 'none'}")
    return sweep_table(sweeps[sweep], store or Store())
