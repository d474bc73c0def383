"""Checkpoints of trainings in progress: `<home>/checkpoints/<study>/<hash>/<step>.safetensors`.

A file holds the resumable state as arrays and a header that says to which configuration, fingerprint, phase and step
it belongs, with the checksum of its arrays. It is written beside its place and renamed; the newest two are kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assets.store.atomic import replace_bytes
from assets.store.errors import clear_write_errors
from assets.store.store import home

if TYPE_CHECKING:
    import numpy as np

    from trainers.study import Progress

INTERVAL = 30.0
"""Seconds between two checkpoints within a phase."""

COPIES = 2

_NAME = re.compile(r"\d{9}\.safetensors")


class CheckpointError(ValueError):
    """A checkpoint is damaged, or belongs to something else."""


@dataclass(frozen=True)
class RestoredState:
    """The state to resume from, if any, and why newer checkpoints were refused."""

    state: dict[str, np.ndarray] | None = None
    step: int = 0
    refusals: tuple[str, ...] = ()
    """One line for each newer checkpoint."""
    interim_values: str = ""
    """Of a trial of a search: the values that it was judged by so far, as text of `Judge.report`."""


@dataclass
class Checkpoints:
    """The checkpoints of one training."""

    study: str
    hash: str
    fingerprint: str
    interval: float = INTERVAL
    interim_values: str = ""
    _saved: float = field(default_factory=time.monotonic)

    @property
    def directory(self) -> Path:
        """Where they lie."""
        return home() / "checkpoints" / self.study / self.hash

    def offer(self, progress: Progress, stopping: bool = False) -> None:
        """Write a checkpoint if one is due: at the end of a phase, when the training is to stop, or after a while."""
        if progress.phase_end or stopping or time.monotonic() - self._saved >= self.interval:
            self._write(progress.state(), progress.phase, progress.step)
            self._saved = time.monotonic()

    def newest(self) -> RestoredState:
        """Read the newest checkpoint that is whole and belongs to this training."""
        refusals: list[str] = []
        for path in reversed(self._files()):
            try:
                state, interim_values = self._read(path)
                return RestoredState(state, int(path.stem), tuple(refusals), interim_values)
            except CheckpointError as reason:
                refusals.append(f"{path.name}: {reason}")
        return RestoredState(refusals=tuple(refusals))

    def clear(self) -> None:
        """Remove all of them."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _files(self) -> list[Path]:
        entries = self.directory.iterdir() if self.directory.is_dir() else ()
        return sorted(path for path in entries if _NAME.fullmatch(path.name))

    def _write(self, state: Mapping[str, np.ndarray], phase: int, step: int) -> None:
        import numpy as np
        from safetensors.numpy import save

        arrays = {name: np.array(array, order="C") for name, array in state.items()}
        header = {"hash": self.hash, "fingerprint": self.fingerprint, "phase": str(phase), "step": str(step)}
        header |= {"judged": self.interim_values} if self.interim_values else {}
        header |= {"order": json.dumps(list(arrays)), "sha256": sum_of(arrays)}
        data = save(arrays, metadata=header)
        with clear_write_errors(self.directory, len(data)):
            replace_bytes(self.directory / f"{step:09d}.safetensors", data)
        for path in self._files()[:-COPIES]:
            path.unlink()

    def _read(self, path: Path) -> tuple[dict[str, np.ndarray], str]:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="np") as file:
                header = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in json.loads(header.get("order", "[]"))}
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(f"cannot be read ({error})") from error
        for name in ("hash", "fingerprint"):
            if header.get(name) != getattr(self, name):
                raise CheckpointError(f"belongs to {name} {header.get(name)}, not to {getattr(self, name)}")
        if header.get("sha256") != sum_of(arrays):
            raise CheckpointError("its arrays differ from its sum")
        return arrays, header.get("judged", "")


def sum_of(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of named arrays: names, types, shapes and bytes, in their order."""
    sum_ = hashlib.sha256()
    for part in _parts(arrays):
        sum_.update(part)
    return sum_.hexdigest()


def _parts(arrays: Mapping[str, np.ndarray]) -> Iterator[bytes]:
    for name, array in arrays.items():
        yield f"{name}|{array.dtype.str}|{array.shape}|".encode()
        yield array.tobytes()
