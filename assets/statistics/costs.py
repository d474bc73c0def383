"""What the stages of a configuration cost, by the manifests: columns of a sweep's table.

Wall time alone does not tell a slow setting from a busy computer: the time that the process had a CPU, the compilation
and the solver's steps stand beside it, so that like can be compared with like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assets.identity.canonical import Item
    from assets.store.store import Store


def costs_of_model(model: Item, store: Store) -> dict[str, float]:
    """Return the seconds of data, segmentation, compilation and training, CPU time, and the solver's steps.

    Wall seconds; train_cpu_seconds is what the worker's CPU gave it, compilation included in both.
    """
    segments = model.segments
    spent, manifest = _timings(model, store), store.manifest(*model.address) or {}
    counts = manifest.get("counts")
    return {
        "simulate_seconds": _timings(segments.dataset, store).get("simulate", math.nan),
        "segment_seconds": _timings(segments, store).get("segment", math.nan),
        "compile_seconds": spent.get("trace", math.nan) + spent.get("compile", math.nan),
        "train_seconds": spent.get("train", math.nan),
        "train_cpu_seconds": spent.get("cpu", math.nan),
        "solver_steps": counts.get("solver_steps", math.nan) if isinstance(counts, Mapping) else math.nan,
    }


def costs_of_evaluation(evaluation: Item, store: Store) -> dict[str, float]:
    """Return the wall and CPU seconds of an evaluation."""
    spent = _timings(evaluation, store)
    return {
        "evaluate_seconds": spent.get("evaluate", math.nan),
        "evaluate_cpu_seconds": spent.get("cpu", math.nan),
    }


def _timings(item: Item, store: Store) -> Mapping[str, Any]:
    return (store.manifest(*item.address) or {}).get("timings", {})
