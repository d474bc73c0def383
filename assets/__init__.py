"""What exists: assets, partitions, sweeps, the store and its workers. No numerics, no study by name.

`assets.load(study, key)` and `assets.table("<study>/<sweep>")` read what a sweep left.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assets.results import load, table

__all__ = ["load", "table"]


def __getattr__(name: str) -> Any:
    """Import `load` and `table` when they are first used, so that importing a module of `assets` stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from assets import results

    return getattr(results, name)
