"""A folder of results that a user asked for: checked beforehand, and replaced at once."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from assets.home.disk_space import refuse_ruled_out
from assets.store.atomic import clear, sync
from assets.store.store import StoreError, home


def check_folder(folder: Path, force: bool, mark: str, content: str) -> None:
    """Check that results may be written to a folder; the file `mark` tells an earlier one of the same `content`.

    Raises:
        OSError: in one line: the folder exists (with `force`: and holds something else), its parent does not exist, or
            it lies in the store or under a directory of ORRERY_NEVER_UNDER.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise StoreError(errno.EEXIST, f"{folder} is not a folder; give the path of a new one")
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise StoreError(
                errno.EEXIST,
                f"{folder} exists; give the path of a new folder, or --force to replace an earlier {content}",
            )
        if not (folder / mark).is_file():
            raise StoreError(
                errno.EEXIST, f"{folder} holds something other than a {content}; give the path of a new folder"
            )
    if not folder.parent.is_dir() and not folder.is_relative_to(home()):
        raise StoreError(errno.ENOENT, f"{folder.parent} is not a folder; make it first, or give another path")
    if folder.resolve().is_relative_to((home() / "store").resolve()):
        raise StoreError(errno.EPERM, f"{folder} lies in the store, which holds artifacts alone; give another path")
    refuse_ruled_out(folder, "give another path")


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files to a folder atomically, in the place of what it holds: a reader sees all of it or nothing.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{os.getpid()}-{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        for name, content in files.items():
            (draft / name).write_bytes(content)
            sync(draft / name)
        old = None
        if folder.exists():
            old = folder.with_name(f"{draft.name}-old")
            folder.rename(old)
        draft.rename(folder)
        sync(folder.parent)
        if old is not None:
            clear(old)
    finally:
        clear(draft)
