"""Estimate the time and memory of the items that are due, from stored artifacts of the same kind.

The estimate for a configuration comes from its cohort (the same compiled program and number of steps), else from its
whole study; a program is compiled once per cohort and worker:

    seconds = (sum of median seconds + sum over cohorts of the longest compilation) / CPUs
    memory  = CPUs x largest peak of a worker
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

from assets.identity.canonical import LayerName
from assets.identity.text import quantity
from assets.stages.freshness import Verdict
from assets.stages.layers import LAYERS
from assets.store.manifest import Manifest
from assets.store.store import Store

COMPILING = ("trace", "compile")

NOUNS = {
    "dataset": ("dataset",),
    "segments": ("segmentation",),
    "model": ("model",),
    "evaluation": ("evaluation",),
    "part": ("part of a dataset", "parts of datasets"),
}
"""What one and several artifacts of a layer are called."""

Kind = tuple[str, str, str]
"""Study, layer and cohort; an empty cohort stands for all."""


class TooLargeError(ValueError):
    """The workers do not fit in free memory."""


@dataclass(frozen=True)
class Budget:
    """Time and memory that a run will take."""

    seconds: float
    cpus: int
    due: int
    unknown: int
    """Items of kinds of which nothing is stored; `seconds` leaves them out."""
    memory: int
    """Bytes that all workers together may need; 0 without any stored artifact of the kind."""
    free: int
    """Bytes of free memory."""
    layers: Mapping[str, int] = field(default_factory=dict)
    """Number of due items by layer."""

    @property
    def line(self) -> str:
        """The budget in one line."""
        if not self.due:
            return "nothing to do"
        counts = ", ".join(quantity(count, *NOUNS[layer]) for layer, count in self.layers.items())
        to_make = f"{quantity(self.due, 'artifact')} to make{f' ({counts})' if counts else ''}"
        if self.unknown == self.due:
            return f"{to_make}; nothing of their kind has been timed yet, so the duration is unknown"
        more = f", plus {self.unknown} of kinds that were never timed" if self.unknown else ""
        memory = f"; memory up to {self.memory / 1e9:.1f} of {self.free / 1e9:.1f} GB" if self.memory else ""
        return f"{to_make}: about {duration(self.seconds)} on {quantity(self.cpus, 'CPU')}{more}{memory}"

    def check(self) -> None:
        """Refuse workers that do not fit in free memory.

        Raises:
            TooLargeError: with the numbers and what to do.
        """
        if self.memory > self.free:
            each = self.memory / self.cpus / 1e9
            raise TooLargeError(
                f"{self.cpus} workers of up to {each:.1f} GB each do not fit in {self.free / 1e9:.1f} GB of free "
                f"memory; run with --cpus {max(1, int(self.free / 1e9 / each))}, or free some"
            )


def budget(verdicts: Collection[Verdict], store: Store, cpus: int) -> Budget:
    """Estimate time and memory of the due items; see the equations above."""
    import psutil

    due = [verdict.item for verdict in verdicts if verdict.due]
    records = _records({(item.study, item.layer) for item in due}, store)
    seconds, unknown, memory, compiled = 0.0, 0, 0, set()
    for item in due:
        kind = (item.study, item.layer, item.cohort)
        alike = records.get(kind) or records.get((*kind[:2], ""))
        if not alike:
            unknown += 1
            continue
        seconds += median(record.seconds for record in alike)
        memory = max(memory, *(record.memory for record in alike))
        if kind not in compiled:
            compiled.add(kind)
            seconds += max(record.compiling for record in alike)
    layers = {str(layer): count for layer, count in Counter(item.layer for item in due).items()}
    return Budget(seconds / cpus, cpus, len(due), unknown, memory * cpus, psutil.virtual_memory().available, layers)


@dataclass(frozen=True)
class _Record:
    """Time [s] and memory [bytes] that one stored artifact took."""

    seconds: float
    compiling: float
    memory: int


def _records(layers: Collection[tuple[str, LayerName]], store: Store) -> Mapping[Kind, list[_Record]]:
    records: dict[Kind, list[_Record]] = defaultdict(list)
    for study, layer in layers:
        for manifest in _manifests(study, layer, store):
            timings = manifest["timings"]
            compiling = sum(timings.get(name, 0.0) for name in COMPILING)
            whole = sum(timings.get(name, 0.0) for name in ("inputs", "parts", LAYERS[layer].stage))
            record = _Record(max(0.0, whole - compiling), compiling, manifest["peak_memory"])
            records[study, layer, manifest["cohort"]].append(record)
            records[study, layer, ""].append(record)
    return records


def _manifests(study: str, layer: str, store: Store) -> Iterator[Manifest]:
    for hash in store.hashes(study, layer):
        manifest = store.manifest(study, layer, hash)
        if manifest and manifest["status"] == "ok":
            yield manifest


def duration(seconds: float) -> str:
    """Write a duration.

    >>> duration(40), duration(400), duration(9000)
    ('40 s', '7 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
