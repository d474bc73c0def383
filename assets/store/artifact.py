"""An artifact while it is written, and while it is read. File names are given without their extension."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.store.array_file import header_of, map_arrays, to_bytes
from assets.store.atomic import append_durably, write_durably
from assets.store.errors import clear_write_errors
from assets.store.locks import take
from assets.store.manifest import MANIFEST, Damaged, Manifest, ManifestFields, StoredFile, manifest_bytes, note_damage
from assets.store.versions import inode_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Missing(LookupError):  # noqa: N818
    """There is no such artifact, or no such file in it."""


class Draft:
    """An artifact that is being written: fill `manifest`, add files."""

    def __init__(self, directory: Path, study: str, layer: str, hash: str) -> None:
        self.directory = directory
        lock = take(directory / MANIFEST)
        assert lock is not None, f"{directory} is new, so nobody else can have locked it"
        self._lock = lock
        address: ManifestFields = {"study": study, "layer": layer, "hash": hash}
        self._address = address
        self.manifest: ManifestFields = {**address, "key": "", "label": "", "status": "ok"}
        self._files: dict[str, StoredFile] = {}

    def arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write named arrays as safetensors, with the address and the order of the names in the header."""
        header = json.dumps({**self._address, "order": list(arrays)})
        self._put(f"{name}.safetensors", to_bytes(arrays, header))

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table as Parquet (zstd, page checksums); the index is dropped."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = pa.BufferOutputStream()
        table = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        self._put(f"{name}.parquet", sink.getvalue())

    def json(self, name: str, value: Any) -> None:
        """Write JSON; NaN and infinity are refused."""
        self._put(f"{name}.json", json.dumps(value, indent=1, allow_nan=False, default=_plain).encode())

    def text(self, name: str, text: str) -> None:
        """Write UTF-8 text."""
        self._put(f"{name}.txt", text.encode("utf-8", "backslashreplace"))

    def page(self, file: str, text: str) -> None:
        """Write a page for people, UTF-8, under a name with its extension: `report.html`, `report.md`, `rows.csv`."""
        self._put(file, text.encode("utf-8", "backslashreplace"))

    def png(self, name: str, data: bytes) -> None:
        """Write a picture."""
        self._put(f"{name}.png", data)

    def pdf(self, name: str, data: bytes) -> None:
        """Write a picture for print."""
        self._put(f"{name}.pdf", data)

    def seal(self) -> None:
        """Write the manifest; nothing can be added after it."""
        data = manifest_bytes(self.manifest | self._address, self._files)
        with clear_write_errors(self.directory, len(data)):
            append_durably(self._lock, data)

    def close(self) -> None:
        """Let go of the lock that tells others that this version is being written."""
        self._lock.close()

    def _put(self, file: str, data: Any) -> None:
        if not _PART.fullmatch(file.rpartition(".")[0]):
            raise ValueError(f"{file!r} is no file name for the store; expected letters, digits, _ and -")
        write_durably(self.directory / file, data)
        self._files[file] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


class Artifact:
    """An artifact of the store, read only."""

    def __init__(self, path: Path, manifest: Manifest, inode: int) -> None:
        self.path = path
        self.manifest = manifest
        self._inode = inode

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Read named arrays through a memory map, in the order in which they were written."""
        return self._read(f"{name}.safetensors", self._arrays)

    def table(self, name: str) -> pd.DataFrame:
        """Read a table."""
        return self._read(f"{name}.parquet", _frame)

    def json(self, name: str) -> Any:
        """Read JSON."""
        return self._read(f"{name}.json", lambda path: json.loads(path.read_bytes()))

    def text(self, name: str) -> str:
        """Read UTF-8 text."""
        return self._read(f"{name}.txt", lambda path: path.read_bytes().decode())

    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables."""
        return tuple(name.removesuffix(".parquet") for name in self.manifest["files"] if name.endswith(".parquet"))

    def holds(self, file: str) -> bool:
        """Return whether there is a file of this name, extension included."""
        return file in self.manifest["files"]

    def check(self) -> None:
        """Compare the sum of every file with the manifest; damage is noted, so that plans know of it.

        Raises:
            Damaged: naming the first file that differs.
        """
        for file, expected in self.manifest["files"].items():
            if self._read(file, _sum) != expected["sha256"]:
                reason = f"{file} is not what was written: its sum differs"
                note_damage(self.path, reason)
                raise Damaged(reason)

    @property
    def _replacement_error(self) -> Damaged | None:
        """The error to raise if another version has taken its place; None if it has not."""
        if inode_of(str(self.path)) == self._inode:
            return None
        return Damaged(f"{self.path} was replaced while it was read: open it again")

    def _arrays(self, path: Path) -> dict[str, np.ndarray]:
        header = json.loads(header_of(path) or "{}")
        if any(header.get(field) != self.manifest[field] for field in ("study", "layer", "hash")):
            raise Damaged(f"{path.name} belongs to another artifact: {header}")
        arrays = map_arrays(path)
        return {key: arrays[key] for key in header["order"]}

    def _read(self, file: str, read: Callable[[Path], Any]) -> Any:
        if not self.holds(file):
            files = ", ".join(self.manifest["files"]) or "no files"
            raise Missing(f"{self.path} has no {file}; it holds {files}")
        try:
            value = read(self.path / file)
        except FileNotFoundError as error:
            missing = Damaged(f"{self.path / file} is gone: run the sweep again to make it anew")
            raise self._replacement_error or missing from error
        if self._replacement_error:
            raise self._replacement_error
        return value


def _frame(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read().to_pandas()


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(value: Any) -> Any:
    """Turn a NumPy scalar or array into what JSON knows."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r} cannot be written as JSON")
