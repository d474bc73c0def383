"""Warm start: resume from a stored shorter training that is a prefix of this one, bit for bit.

There are two kinds. The configuration cut after one of its phases has an address of its own, and there lies a model,
or the state that a longer training left at the end of that phase (layer `state`). A configuration that only trains the
last phase for fewer steps is found by a marker, `<home>/lineage/<study>/<key>/<steps>-<model>`. Either counts only if
the code of the training and the content of the segments are the present ones: only then is resuming the same as one
uninterrupted training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.home.checkpoints import sum_of
from assets.identity.canonical import Fingerprint, Item, canonical, compact, digest, short_digest
from assets.identity.items import model_hash
from assets.identity.labels import label
from assets.store.manifest import Manifest, ManifestFields
from assets.store.store import Damaged, Missing, Store, home
from trainers.study import ModelConfigBase, Progress, Segments

if TYPE_CHECKING:
    import numpy as np

STATE = "state"
"""Layer of the states that were stored at the end of a phase; also the name of their array file."""

MARKER = re.compile(r"(?P<steps>\d{9})-(?P<hash>[0-9a-f]{12})")


@dataclass(frozen=True)
class StoredState:
    """The stored end of a shorter training."""

    state: dict[str, np.ndarray]
    layer: str
    hash: str
    key: str


@dataclass(frozen=True)
class WarmStart:
    """The stored prefixes of one training."""

    item: Item
    fingerprint: Fingerprint
    store: Store
    config: ModelConfigBase
    segments: Segments

    def longest_prefix(self) -> StoredState | None:
        """Return the stored state of the longest shorter training; None without any."""
        for address, phases in self._prefixes():
            manifest = self.store.manifest(*address)
            if manifest and self._same(manifest, phases):
                with suppress(Damaged, Missing):
                    return StoredState(self.store.open(*address).arrays(STATE), *address[1:], manifest["key"])
        return None

    def store_phase_end(self, progress: Progress) -> None:
        """Store the state at the end of a phase, but the last, for configurations that share the phases up to it."""
        prefixes = self.config.prefixes()
        if not progress.phase_end or progress.phase >= len(prefixes):
            return
        prefix = prefixes[progress.phase]
        address = (self.item.study, STATE, self._hash(prefix))
        data = self.data(progress.phase + 1)
        manifest = self.store.manifest(*address)
        if manifest is None or not self._same(manifest, progress.phase + 1):
            with self.store.writing(*address) as draft:
                draft.arrays(STATE, progress.state())
                draft.manifest |= self._state_fields(prefix, address[2], data) | {"step": progress.step}

    def add_marker(self) -> None:
        """Write the marker by which longer trainings find this one, once it is stored."""
        if own := self.config.warm_start():
            marker = self._markers(own[0]) / f"{own[1]:09d}-{self.item.hash}"
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()

    def data(self, phases: int) -> str:
        """Return the checksum of all data of the first phases; data that only later phases need do not count."""
        import numpy as np

        segments = self.segments
        meta = np.frombuffer(compact(dict(segments.meta)).encode("ascii"), np.uint8)
        arrays = {"train": segments.train, "validation": segments.validation, "meta": meta, **segments.fitted}
        for number, phase in enumerate(segments.phases[:phases]):
            arrays |= {f"phase{number}/{name}": array for name, array in phase.items()}
        return sum_of(arrays)

    def _prefixes(self) -> Iterator[tuple[tuple[str, str, str], int]]:
        """Yield the addresses of shorter trainings, each with its number of phases, the longest first."""
        prefixes = self.config.prefixes()
        yield from self._shorter(self.config, len(prefixes) + 1)
        for phases, prefix in reversed(list(enumerate(prefixes, start=1))):
            for layer in ("model", STATE):
                yield (self.item.study, layer, self._hash(prefix)), phases
            yield from self._shorter(prefix, phases)

    def _shorter(self, config: ModelConfigBase, phases: int) -> Iterator[tuple[tuple[str, str, str], int]]:
        own = config.warm_start()
        directory = self._markers(own[0]) if own else None
        if own and directory and directory.is_dir():
            names = sorted((path.name for path in directory.iterdir()), reverse=True)
            for marker in filter(None, map(MARKER.fullmatch, names)):
                if int(marker["steps"]) < own[1]:
                    yield (self.item.study, "model", marker["hash"]), phases

    def _same(self, manifest: Manifest, phases: int) -> bool:
        """Whether an artifact was made by this code from this data."""
        same_code = manifest["status"] == "ok" and manifest["parts"]["code"] == self.fingerprint.code
        return same_code and manifest["data"] == self.data(phases)

    def _state_fields(self, prefix: ModelConfigBase, hash: str, data: str) -> ManifestFields:
        name, form = label(self.item.dataset.identity, canonical(prefix)), canonical(prefix)
        return {
            "key": f"{name}-{hash}",
            "label": name,
            "config": form,
            "data": data,
            "parts": {"config": hash, "code": self.fingerprint.code, "inputs": {"data": data}},
            "fingerprint": digest(hash, self.fingerprint.code, data),
        }

    def _hash(self, config: ModelConfigBase) -> str:
        return model_hash(self.item.segments, config)

    def _markers(self, form: ModelConfigBase) -> Path:
        hash = short_digest("lineage", self.item.study, self.item.dataset.identity, canonical(form))
        return home() / "lineage" / self.item.study / hash
