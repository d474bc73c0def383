"""Files that take the place of others: whole, on the disk first, and not at all after an error."""

import os
from pathlib import Path

import pytest

from assets.store.atomic import replace_bytes, replace_text, replacing


def test_a_file_is_on_the_disk_before_it_takes_its_place_and_its_name_after(tmp_path: Path, monkeypatch) -> None:
    """The calls are the real ones, written down."""
    calls: list[tuple[str, int]] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(handle: int) -> None:
        calls.append(("fsync", os.fstat(handle).st_ino))
        fsync(handle)

    def noted_replace(self: Path, target: Path) -> Path:
        calls.append(("replace", self.stat().st_ino))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    path = tmp_path / "below" / "settings"
    replace_text(path, "größer ∇")
    assert path.read_text(encoding="utf-8") == "größer ∇"
    new, directory = path.stat().st_ino, path.parent.stat().st_ino
    assert calls == [("fsync", new), ("replace", new), ("fsync", directory)]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    replace_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_reader_never_finds_a_part(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    replace_bytes(path, b"old")
    with path.open("rb") as reader:
        replace_bytes(path, b"new, and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new, and longer"
