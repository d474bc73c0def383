"""The user's own files: which ones a path, a folder, a pattern or a list means, and the sum of their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from assets.identity.provenance import project_root

SUFFIXES = (".parquet", ".csv", ".npz")
PATTERN = "*?["


def files_of(file: str | Sequence[str]) -> dict[str, Path]:
    """Return the files that are meant, in their order, by the names that messages and tables show.

    A single file is shown as it was written; several by their paths from the folder that holds them all.

    Raises:
        ValueError: no such file, one of no known kind, or no file at all; one line.
    """
    if not isinstance(file, str):
        return _named([_one(name) for name in file])
    place = project_root() / file
    if place.is_dir():
        paths = sorted(path for path in place.rglob("*") if path.suffix in SUFFIXES and not _is_hidden(path, place))
        if not paths:
            raise ValueError(f"the folder {file} holds no dataset file; expected {', '.join(SUFFIXES)}")
        return {str(path.relative_to(place)): path for path in paths}
    if any(sign in file for sign in PATTERN) and not place.exists():
        names = sorted(map(str, Path(place.anchor).glob(str(place.relative_to(place.anchor)))))
        if not names:
            raise ValueError(
                f"no file is there like {file} (looked for {place}); give a path from the project's directory"
            )
        return _named([_one(name) for name in names])
    return {file: _one(file)}


def sha256_of(file: str | Sequence[str]) -> str:
    """Return the sum of a file, or of the sums of several in their order.

    Raises:
        ValueError: as `files_of`.
    """
    sums = list(_sums(files_of(file)))
    return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def _sums(files: dict[str, Path]) -> Iterator[str]:
    for path in files.values():
        status = path.stat()
        yield _sum(path, status.st_mtime_ns, status.st_size)


@cache
def _sum(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _one(file: str) -> Path:
    path = project_root() / file
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{file} is no dataset file; expected {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"{file} is not there (looked for {path}); give a path from the project's directory")
    return path


def _named(paths: list[Path]) -> dict[str, Path]:
    """Name files by their paths from the folder that holds them all."""
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise ValueError(f"{twice[0]} is given twice; expected every file once")
    folders = [path.parent.parts for path in paths]
    shared = next(
        (k for k, parts in enumerate(zip(*folders, strict=False)) if len(set(parts)) > 1), min(map(len, folders))
    )
    return {str(Path(*path.parts[shared:])): path for path in paths}


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
