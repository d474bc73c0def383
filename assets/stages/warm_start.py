"""Where a training goes on from: the stored end of a configuration that its own way passes through.

There are two such ends. The configuration cut after one of its phases has an address of its own, and there lies a
model, or the state that a longer training left when it passed (layer `state`). A configuration that only trains the
last phase for fewer steps is found by a marker, `<home>/lineage/<study>/<lineage>/<steps>-<model>`. Either counts only
if the code of the training and the content of the segments are those of today, so that going on is training at once,
bit for bit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.home.checkpoints import sum_of
from assets.identity.canonical import Fingerprint, Item, canonical, digest, short_digest
from assets.identity.items import model_hash
from assets.identity.labels import label
from assets.store.store import Damaged, Missing, Store, home
from trainers.study import ModelConfigBase, Progress, Segments

if TYPE_CHECKING:
    import numpy as np

STATE = "state"
"""Layer of the states that were passed at the end of a phase; also the name of their array file."""


MARKER = re.compile(r"(?P<steps>\d{9})-(?P<hash>[0-9a-f]{12})")


@dataclass(frozen=True)
class Station:
    """A stored state on the way of a training."""

    state: dict[str, np.ndarray]
    layer: str
    hash: str
    key: str


@dataclass(frozen=True)
class Lineage:
    """The way of one training."""

    item: Item
    fingerprint: Fingerprint
    store: Store
    config: ModelConfigBase
    segments: Segments

    def farthest(self) -> Station | None:
        """Return the stored state that is nearest to the end of this training."""
        for address, phases in self._places():
            manifest = self.store.manifest(*address)
            if manifest and self._same(manifest, phases) and (state := self._read(address)):
                return Station(state, *address[1:], manifest["key"])
        return None

    def keep(self, progress: Progress) -> None:
        """Store the state at the end of a phase, but the last, for configurations that end there or go on otherwise."""
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
                draft.manifest |= self._described(prefix, address[2], data) | {"step": progress.step}

    def mark(self) -> None:
        """Let longer trainings find this one, now that it is stored."""
        if own := self.config.warm_start():
            marker = self._markers(own[0]) / f"{own[1]:09d}-{self.item.hash}"
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()

    def data(self, phases: int) -> str:
        """Return the sum of all that the first phases learn from, whatever later phases need."""
        segments = self.segments
        arrays = {"train": segments.train, "validation": segments.validation, **segments.fitted}
        for number, phase in enumerate(segments.phases[:phases]):
            arrays |= {f"phase{number}/{name}": array for name, array in phase.items()}
        return sum_of(arrays)

    def _places(self) -> Iterator[tuple[tuple[str, str, str], int]]:
        """Yield addresses where such a state may lie, with the number of its phases, the farthest first."""
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
            for found in filter(None, map(MARKER.fullmatch, names)):
                if int(found["steps"]) < own[1]:
                    yield (self.item.study, "model", found["hash"]), phases

    def _same(self, manifest: Mapping[str, Any], phases: int) -> bool:
        """Whether what is stored was made by this code from this data."""
        made_so = manifest["status"] == "ok" and manifest["parts"]["code"] == self.fingerprint.code
        return made_so and manifest.get("data") == self.data(phases)

    def _read(self, address: tuple[str, str, str]) -> dict[str, np.ndarray] | None:
        try:
            return self.store.open(*address).arrays(STATE)
        except (Damaged, Missing):
            return None

    def _described(self, prefix: ModelConfigBase, hash: str, data: str) -> dict[str, Any]:
        name, form = label(self.item.dataset.identity, canonical(prefix)), canonical(prefix)
        parts = {"config": hash, "code": self.fingerprint.code, "inputs": {"data": data}}
        told = {"key": f"{name}-{hash}", "label": name, "config": form, "data": data, "parts": parts}
        return told | {"fingerprint": digest(hash, self.fingerprint.code, data)}

    def _hash(self, config: ModelConfigBase) -> str:
        return model_hash(self.item.segments, config)

    def _markers(self, form: ModelConfigBase) -> Path:
        hash = short_digest("lineage", self.item.study, self.item.dataset.identity, canonical(form))
        return home() / "lineage" / self.item.study / hash
