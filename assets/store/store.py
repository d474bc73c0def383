"""The store: one directory per artifact, `<home>/store/<study>/<layer>/<hash>/`, with a manifest.

A version is written to a temporary sibling `.tmp-<hash>-<owner>-<random>`, every file and the directory are fsynced,
then it takes its place by a rename. A version that is there already steps aside as `.old-<hash>` first; a reader that
comes between the two renames, or after a crash between them, reads that one. Writers rename under a lock of the layer;
a reader that finds nothing, or nothing whole, looks again under it. So a reader sees the old version or the new one,
and never has to repair anything. Symbolic links are not followed, nothing is pickled.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from assets.identity.provenance import project_root
from assets.store.artifact import Artifact, Draft, Missing
from assets.store.atomic import clear
from assets.store.errors import StoreError, clear_write_errors, unreadable
from assets.store.locks import alone_in
from assets.store.manifest import Damaged, Manifest, complete, forget_damage, read_manifest
from assets.store.versions import inode_of, is_leftover, remove_leftover, take_away, take_place, temporary

__all__ = ["Artifact", "Damaged", "Draft", "Missing", "Store", "StoreError", "home", "project_root", "verify"]

log = logging.getLogger("orrery.store")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HASH = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Inspection:
    """The result of reading an address: a manifest, or the reason why it cannot be used."""

    manifest: Manifest | None = None
    damage: str | None = None
    """Why a stored artifact counts as missing; None if nothing is stored."""
    directory: str = ""
    inode: int = 0


def home() -> Path:
    """Return the directory of everything the project writes: `ORRERY_HOME`, or `.orrery` in the project."""
    setting = os.environ.get("ORRERY_HOME")
    return Path(setting).expanduser().absolute() if setting else project_root() / ".orrery"


class Store:
    """Artifacts by study, layer and hash."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root if root is not None else home() / "store").resolve()
        self._layers: dict[tuple[str, str], str] = {}
        self._warned: set[str] = set()

    def path(self, study: str, layer: str, hash: str) -> Path:
        """Return where an artifact lies.

        Raises:
            ValueError: a name or hash outside the grammar, or a symbolic link on the way.
        """
        path = Path(self._address(study, layer, hash))
        if path.is_symlink():
            raise ValueError(f"{path} is a symbolic link; the store follows none")
        return path

    def look(self, study: str, layer: str, hash: str) -> Inspection:
        """Read a manifest and compare the sizes of the files with it; say what is wrong with it, if anything."""
        inspection = self._glance(study, layer, hash)
        if inspection.manifest is None:
            with self._at_rest(study, layer):
                inspection = self._glance(study, layer, hash)
        return inspection

    def manifest(self, study: str, layer: str, hash: str) -> Manifest | None:
        """Return the manifest, or None if there is no such artifact or it is damaged (which is said once)."""
        inspection = self.look(study, layer, hash)
        if inspection.damage and (where := f"{study}/{layer}/{hash}") not in self._warned:
            self._warned.add(where)
            log.warning("%s is damaged (%s): it counts as missing and will be made again", where, inspection.damage)
        return inspection.manifest

    def manifest_or_missing(self, study: str, layer: str, hash: str) -> Manifest:
        """Return the manifest, or one of status `missing` with all fields empty."""
        return self.manifest(study, layer, hash) or complete({"study": study, "layer": layer, "hash": hash})

    def open(self, study: str, layer: str, hash: str) -> Artifact:
        """Return an artifact after checking the sum of every file.

        Raises:
            Missing: nothing is stored there.
            Damaged: a file is missing, has another size or another sum.
        """
        try:
            return self._open_once(study, layer, hash)
        except (Damaged, Missing):
            with self._at_rest(study, layer):
                return self._open_once(study, layer, hash)

    def hashes(self, study: str, layer: str) -> list[str]:
        """Return the addresses that are taken in one layer, damaged ones included."""
        names = {name.removeprefix(".old-") for name in _listing(self._layer(study, layer))}
        return sorted(filter(_HASH.fullmatch, names))

    def addresses(self) -> Iterator[tuple[str, str, str]]:
        """Yield every address that is taken."""
        for study in filter(_NAME.fullmatch, _listing(str(self.root))):
            for layer in filter(_NAME.fullmatch, _listing(f"{self.root}/{study}")):
                for hash in self.hashes(study, layer):
                    yield study, layer, hash

    def leftovers(self) -> list[Path]:
        """Return directories of writers that are gone and versions that were replaced."""
        leftovers = []
        for path in self.root.glob("*/*/.*-*"):
            with suppress(FileNotFoundError):  # its writer has just finished
                if not path.is_symlink() and is_leftover(path):
                    leftovers.append(path)
        return leftovers

    def remove_leftovers(self) -> int:
        """Delete them; return how many there were."""
        return sum(map(remove_leftover, self.leftovers()))

    @contextmanager
    def writing(self, study: str, layer: str, hash: str) -> Iterator[Draft]:
        """Give a draft to fill; on a clean exit it becomes the artifact, on an error nothing changes.

        Raises:
            StoreError: no room, no permission; with the path, the cause and what to do.
        """
        target = self.path(study, layer, hash)
        directory = temporary(target)
        try:
            with clear_write_errors(self.root):
                target.parent.mkdir(parents=True, exist_ok=True)
                with alone_in(target.parent):  # no clean-up may run before the draft is locked
                    directory.mkdir()
                    draft = Draft(directory, study, layer, hash)
            try:
                yield draft
                draft.seal()
                with clear_write_errors(self.root):
                    take_place(directory, target)
            finally:
                draft.close()
        finally:
            clear(directory)

    def remove(self, study: str, layer: str, hash: str) -> None:
        """Delete an artifact."""
        target = self.path(study, layer, hash)
        if target.parent.exists():
            with clear_write_errors(self.root):
                take_away(target)

    def _glance(self, study: str, layer: str, hash: str) -> Inspection:
        """Look once. A version that is there is whole; one that is not may be between the two renames of a writer."""
        address = self._address(study, layer, hash)
        for directory in (address, f"{self._layers[study, layer]}/.old-{hash}"):
            if inode := inode_of(directory):
                return _inspect(directory, inode, (study, layer, hash))
        return Inspection()

    def _open_once(self, study: str, layer: str, hash: str) -> Artifact:
        where, inspection = f"{study}/{layer}/{hash}", self._glance(study, layer, hash)
        if inspection.manifest is None and inspection.damage is None:
            raise Missing(f"{where} is not in the store {self.root}: run the sweep that needs it")
        try:
            if inspection.manifest is None:
                raise Damaged(inspection.damage)
            artifact = Artifact(Path(inspection.directory), inspection.manifest, inspection.inode)
            artifact.check()
        except Damaged as damage:
            raise Damaged(f"{where} is damaged ({damage}): run the sweep again to make it anew") from None
        return artifact

    @contextmanager
    def _at_rest(self, study: str, layer: str) -> Iterator[None]:
        """Keep writers of a layer from renaming while a reader looks again."""
        directory = self._layers[study, layer]
        with alone_in(directory, among_readers=True) if inode_of(directory) else nullcontext():
            yield

    def _address(self, study: str, layer: str, hash: str) -> str:
        if not isinstance(hash, str) or not _HASH.fullmatch(hash):
            raise ValueError(f"{hash!r} is no address in the store; expected 12 hexadecimal digits")
        return f"{self._layers.get((study, layer)) or self._layer(study, layer)}/{hash}"

    def _layer(self, study: str, layer: str) -> str:
        for what, name in (("study", study), ("layer", layer)):
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no {what}; expected a-z, 0-9 and _, a letter first")
        directory = self.root / study / layer
        if directory.resolve() != directory:
            raise ValueError(f"{directory} is reached through a symbolic link; the store follows none")
        self._layers[study, layer] = str(directory)
        return str(directory)


def verify(store: Store) -> list[str]:
    """Check the sums of everything in the store; return one line per damaged artifact."""
    damaged = []
    for address in store.addresses():
        try:
            forget_damage(store.path(*address))
            store.open(*address)
        except Missing:  # removed since it was listed
            continue
        except ValueError as damage:
            damaged.append(str(damage))
    return damaged


def _inspect(directory: str, inode: int, address: tuple[str, str, str]) -> Inspection:
    try:
        manifest = read_manifest(directory)
    except Damaged as damage:
        return Inspection(damage=str(damage))
    except OSError as error:
        raise unreadable(Path(directory), error) from error
    if (manifest.get("study"), manifest.get("layer"), manifest.get("hash")) != address:
        return Inspection(damage="its manifest is of another artifact")
    return Inspection(manifest, None, directory, inode)


def _listing(directory: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(directory))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(Path(directory), error) from error
