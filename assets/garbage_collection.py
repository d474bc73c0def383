"""Left-overs in the home: files of dead processes, and files that stored artifacts have replaced.

Only files with a name or marker of Orrery, in its own home and not behind a link, are ever listed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assets.home import running, scratch
from assets.home.disk_space import size_of
from assets.identity.canonical import LAYER_NAMES
from assets.identity.items import model_hash
from assets.stages.parts import PART, parts_of
from assets.stages.warm_start import MARKER, STATE
from assets.store.atomic import clear
from assets.store.locks import is_held
from assets.store.store import Store, home
from assets.store.versions import remove_leftover, take_away, writer_of
from assets.sweeps.sweep import Sweep

LOG = re.compile(r"(worker-(?P<worker>\d+)-\d+|run-.+-\d{8}T\d{6}-(?P<run>\d+))\.log")
Address = tuple[str, str, str]

UNUSED = "unused"

HASH = re.compile(r"[0-9a-f]{12}")

FORMER = ("journals", "leases", "live")
"""Directories in which earlier versions kept what ran; nothing reads them any more."""

FORMER_NAME = re.compile(r"\.?[a-z][a-z0-9_]*[-.].*[0-9a-f]{12}\.(json|jsonl|stop)(-\d+)?")
"""Names of the files in them."""


@dataclass(frozen=True)
class Garbage:
    """A file or directory that can go."""

    kind: str
    path: Path
    owner: str
    """User, and the process that left it where its name tells."""
    age: float
    """Seconds since it changed last."""
    bytes: int

    def remove(self) -> None:
        """Delete it."""
        if self.path.parent == running.records():
            running.remove_record(self.path)
        elif self.kind == "unfinished version":
            remove_leftover(self.path)
        elif self.kind.startswith(UNUSED):
            take_away(self.path)
        elif self.path.is_dir() and not self.path.is_symlink():
            clear(self.path)
        else:
            self.path.unlink(missing_ok=True)


def garbage(store: Store, older: float = 0.0, needed: Collection[Address] | None = None) -> list[Garbage]:
    """Return what can go and has not changed for `older` seconds, the largest first.

    With `needed`, the addresses of all that sweeps are made of, everything else in the store can go as well.
    """
    inside = home().resolve()
    entries = []
    for kind, path, process in (*_candidates(store), *_unneeded_artifacts(store, needed)):
        if path.is_symlink() or not path.resolve().is_relative_to(inside):
            continue
        try:
            age, owner = time.time() - path.lstat().st_mtime, path.owner()
        except (OSError, KeyError):  # gone by now, or of a user without a name
            continue
        if age >= older:
            entries.append(Garbage(kind, path, f"{owner} {process}".strip(), age, size_of(path)))
    return sorted(entries, key=lambda one: -one.bytes)


def _candidates(store: Store) -> Iterator[tuple[str, Path, str]]:
    """Yield kind, path, and the process that left it if that is known."""
    for path in store.leftovers():
        writer = writer_of(path)
        yield "unfinished version", path, f"process {writer}" if writer else ""
    for path in scratch.orphans():
        yield "scratch", path, f"process {path.name.partition('-')[0]}"
    for path in (home() / "logs").glob("*.log"):
        name = LOG.fullmatch(path.name)
        if name and not is_held(path):
            yield "log", path, f"process {name['worker'] or name['run']}"
    yield from (("checkpoints", path, "") for path in _finished_checkpoints(store))
    yield from (("part", path, "") for path in _joined_parts(store))
    yield from (("running record", path, "") for path in _finished_records(store))
    yield from (("marker", path, "") for path in _without_model(store))
    yield from (("former records", path, "") for path in _former_records())


def _joined_parts(store: Store) -> Iterator[Path]:
    """Yield parts of stored datasets: left when a worker is killed after joining them."""
    for study, layer, hash in store.addresses():
        if layer == PART and (part := store.manifest(study, layer, hash)):
            dataset = store.manifest(study, "dataset", part["config"]["hash"])
            if dataset and dataset["status"] == "ok":
                yield store.path(study, layer, hash)


def needed_by(sweeps: Iterable[Sweep]) -> set[Address]:
    """Return the addresses of all that sweeps are made of, with the parts of datasets and the states of phase ends."""
    addresses: set[Address] = set()
    for item in (item for sweep in sweeps for items in sweep.items().values() for item in items):
        addresses |= {item.address, *(part.address for part in parts_of(item))}
    for sweep in sweeps:
        for row in sweep.rows:
            for prefix in row.configuration.model.prefixes():
                addresses.add((sweep.study, STATE, model_hash(row.configuration.item.segments, prefix)))
    return addresses


def _unneeded_artifacts(store: Store, needed: Collection[Address] | None) -> Iterator[tuple[str, Path, str]]:
    """Yield the artifacts that no sweep is made of; tables of whole sweeps stay."""
    for address in store.addresses() if needed is not None else ():
        if address not in (needed or ()) and address[1] in (*LAYER_NAMES, PART, STATE):
            yield f"{UNUSED} {address[1]}", store.path(*address), ""


def _finished_checkpoints(store: Store) -> Iterator[Path]:
    """Yield the checkpoints of trainings whose model is stored."""
    for path in (home() / "checkpoints").glob("*/*"):
        manifest = HASH.fullmatch(path.name) and store.manifest(path.parent.name, "model", path.name)
        if manifest and manifest["status"] == "ok":
            yield path


def _finished_records(store: Store) -> Iterator[Path]:
    """Yield the running records whose artifact is neither in progress nor stored as failed."""
    for path in running.records().glob("*.jsonl"):
        if (name := running.NAME.fullmatch(path.name)) and not is_held(path):
            manifest = store.manifest(*name.group("study", "layer", "hash"))
            if manifest is None or manifest["status"] == "ok":
                yield path


def _without_model(store: Store) -> Iterator[Path]:
    """Yield the markers of shorter trainings whose model is gone."""
    for path in (home() / "lineage").glob("*/*/*"):
        if (name := MARKER.fullmatch(path.name)) and store.manifest(path.parts[-3], "model", name["hash"]) is None:
            yield path


def _former_records() -> Iterator[Path]:
    """Yield the directories of earlier versions that hold nothing but their files."""
    for path in (home() / name for name in FORMER):
        files = [file for file in path.rglob("*") if file.is_symlink() or not file.is_dir()]
        if path.is_dir() and all(FORMER_NAME.fullmatch(file.name) for file in files):
            yield path
