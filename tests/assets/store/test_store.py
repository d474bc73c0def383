"""The store: whole versions or none, damage found, addresses that cannot leave it, clear errors."""

import json
import math
import os
import pickletools
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.store.manifest import MISSING, _seal, complete
from assets.store.store import Damaged, Missing, Store, StoreError, home, verify
from assets.store.versions import aside

ADDRESS = ("toy", "model", "0123456789ab")
PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "a store")


def write(store: Store, value: float = 1.0, address=ADDRESS) -> Path:
    with store.writing(*address) as draft:
        draft.manifest["numbers"] = {"value": value}
        draft.arrays("weights", {"w": np.full((50, 20), value)})
        draft.table("history", pd.DataFrame({"loss": np.full(50, value)}))
        draft.json("trained", {"value": value})
        draft.text("note", "größer ∇")
    return store.path(*address)


def values(store: Store) -> set[float]:
    artifact = store.open(*ADDRESS)
    return {
        artifact.manifest["numbers"]["value"],
        float(artifact.arrays("weights")["w"].mean()),
        float(artifact.table("history")["loss"].mean()),
        artifact.json("trained")["value"],
    }


def hidden_names(store: Store) -> list[str]:
    return sorted(path.name for path in store.root.glob("*/*/.*") if path.name != ".lock")


def test_what_is_written_is_read(store):
    write(store, 2.5)
    assert values(store) == {2.5}
    assert store.open(*ADDRESS).text("note") == "größer ∇"
    assert store.open(*ADDRESS).tables() == ("history",)


def test_manifest_says_what_made_it(store):
    write(store)
    manifest = store.manifest(*ADDRESS)
    assert (manifest["study"], manifest["layer"], manifest["hash"]) == ADDRESS
    assert {"python", "numpy", "pyarrow"} <= manifest["versions"].keys()
    assert manifest["commit"] is None or len(manifest["commit"]) == 40
    assert manifest["created"].endswith("+00:00")
    assert set(manifest["files"]) == {"weights.safetensors", "history.parquet", "trained.json", "note.txt"}


def test_only_listed_variables_are_recorded(store, monkeypatch):
    monkeypatch.setenv("NPROC", "1")
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    path = write(store)
    assert json.loads((path / "manifest.json").read_text())["environment"]["NPROC"] == "1"
    assert "hush" not in (path / "manifest.json").read_text()


def test_nan_in_a_manifest_becomes_null(store):
    with store.writing(*ADDRESS) as draft:
        draft.manifest["numbers"] = {"nan": float("nan"), "inf": np.float32("inf"), "one": np.int64(1)}
    assert store.manifest(*ADDRESS)["numbers"] == {"nan": None, "inf": None, "one": 1}


def test_what_a_manifest_of_an_older_version_lacks_is_empty(store):
    """An older store has fewer fields: they read as empty, its seal and its sums as before."""
    path = write(store)
    old = {field: value for field, value in store.manifest(*ADDRESS).items() if field in OLD}
    body = json.dumps(old)[1:].encode()
    (path / "manifest.json").write_bytes(_seal(body) + body)
    manifest = store.open(*ADDRESS).manifest
    assert {field: manifest[field] for field in OLD} == old and manifest.keys() == complete({}).keys() | OLD | {"seal"}
    assert (manifest["timings"], manifest["counts"], manifest["failure"], manifest["cohort"]) == ({}, [], None, "")
    assert manifest["parts"] == {"config": "", "code": "", "inputs": {}} and math.isnan(manifest["cpus"])
    assert verify(store) == []


OLD = {"study", "layer", "hash", "key", "label", "status", "files", "numbers", "created"}


def test_an_absent_artifact_reads_as_missing(store):
    manifest = store.manifest_or_missing(*ADDRESS)
    assert manifest["status"] == MISSING and (manifest["study"], manifest["layer"], manifest["hash"]) == ADDRESS
    assert manifest["files"] == {} and manifest["failure"] is None
    write(store)
    assert store.manifest_or_missing(*ADDRESS) == store.manifest(*ADDRESS)


def test_nothing_stored_is_missing(store):
    assert store.manifest(*ADDRESS) is None
    assert store.look(*ADDRESS).damage is None
    with pytest.raises(Missing, match="is not in the store"):
        store.open(*ADDRESS)


def test_an_error_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError), store.writing(*ADDRESS) as draft:
        draft.text("note", "half")
        raise ZeroDivisionError
    assert store.manifest(*ADDRESS) is None
    assert hidden_names(store) == []


def test_an_error_leaves_the_old_version(store):
    write(store, 1.0)
    with pytest.raises(ZeroDivisionError), store.writing(*ADDRESS) as draft:
        draft.text("note", "half")
        raise ZeroDivisionError
    assert values(store) == {1.0}


def test_a_new_version_replaces_the_old_one(store):
    write(store, 1.0)
    write(store, 2.0)
    assert values(store) == {2.0}
    assert hidden_names(store) == []


def test_a_crash_between_the_renames_leaves_the_old_version(store):
    path = write(store, 1.0)
    path.rename(aside(path))
    assert values(store) == {1.0}
    assert store.hashes("toy", "model") == [ADDRESS[2]]
    write(store, 2.0)
    assert values(store) == {2.0}
    assert hidden_names(store) == []


def test_a_crash_before_the_old_version_is_deleted_leaves_the_new_one(store):
    path = write(store, 1.0)
    path.rename(aside(path))
    old = aside(path)
    elsewhere = old.rename(old.with_name("kept"))
    write(store, 2.0)
    elsewhere.rename(old)
    assert values(store) == {2.0}
    assert store.leftovers() == [old]
    write(store, 3.0)
    assert values(store) == {3.0}
    assert hidden_names(store) == []


def test_readers_never_see_a_gap_or_a_mixture(store):
    write(store, 0.0)
    stop, readings, problems = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            if store.manifest(*ADDRESS) is None:
                problems.append("a gap")
            try:
                readings.append(values(store))
            except Damaged as damage:
                if "replaced while it was read" not in str(damage):
                    problems.append(str(damage))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for value in range(60):
        write(store, float(value))
    stop.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert readings
    assert all(len(one) == 1 for one in readings)


def test_two_writers_of_one_artifact_leave_one_whole_version(store):
    writers = [threading.Thread(target=lambda v=v: [write(store, v) for _ in range(15)]) for v in (1.0, 2.0)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert values(store) in ({1.0}, {2.0})
    assert hidden_names(store) == []


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


FILES = ("weights.safetensors", "history.parquet", "trained.json")


@pytest.mark.parametrize("file", FILES)
def test_a_flipped_bit_is_found_at_opening(store, file):
    flip(write(store) / file, -3)
    with pytest.raises(Damaged, match=file.replace(".", r"\.")) as error:
        store.open(*ADDRESS)
    assert "\n" not in str(error.value)
    assert len(verify(store)) == 1


@pytest.mark.parametrize("file", FILES)
def test_a_truncated_file_is_found_without_opening(store, file, caplog):
    path = write(store) / file
    path.write_bytes(path.read_bytes()[:-1])
    assert store.manifest(*ADDRESS) is None
    assert store.manifest(*ADDRESS) is None
    assert len(caplog.records) == 1
    assert f"{file} has" in caplog.text


def test_every_flipped_bit_of_a_manifest_is_found(store):
    path = write(store) / "manifest.json"
    for at in range(0, path.stat().st_size, 11):
        flip(path, at)
        assert store.look(*ADDRESS).damage == "manifest.json is torn or edited", at
        flip(path, at)
    assert store.look(*ADDRESS).manifest


@pytest.mark.parametrize("file", [*FILES, "manifest.json"])
def test_a_lost_file_is_damage(store, file):
    (write(store) / file).unlink()
    assert f"{file} is missing" in store.look(*ADDRESS).damage


def test_an_artifact_at_a_foreign_address_is_refused(store):
    other = store.path("toy", "model", "ffffffffffff")
    write(store).rename(other)
    assert "another artifact" in store.look("toy", "model", "ffffffffffff").damage


def test_arrays_of_another_artifact_are_refused(store):
    path = write(store)
    other = write(store, 1.0, ("toy", "model", "ffffffffffff"))
    artifact = store.open(*ADDRESS)
    (path / "weights.safetensors").write_bytes((other / "weights.safetensors").read_bytes())
    with pytest.raises(Damaged, match="belongs to another artifact"):
        artifact.arrays("weights")


def test_a_flipped_parquet_page_is_found_even_after_opening(store):
    path = write(store)
    artifact = store.open(*ADDRESS)
    flip(path / "history.parquet", 40)
    with pytest.raises((Damaged, OSError)):
        artifact.table("history")


def test_verify_says_which_artifacts_are_damaged(store):
    for number in range(3):
        write(store, 1.0, ("toy", "model", f"{number:012d}"))
    assert verify(store) == []
    flip(store.path("toy", "model", "000000000001") / "trained.json", 3)
    store.path("toy", "model", "000000000003").symlink_to(store.path("toy", "model", "000000000000"))
    flipped, linked = verify(store)
    assert flipped.startswith("toy/model/000000000001 is damaged (trained.json ")
    assert "000000000003 is a symbolic link" in linked


BAD_ADDRESSES = [
    ("../x", "model", "0123456789ab"),
    ("/abs", "model", "0123456789ab"),
    ("", "model", "0123456789ab"),
    ("Toy", "model", "0123456789ab"),
    ("toy\n", "model", "0123456789ab"),
    ("toy", "..", "0123456789ab"),
    ("toy", "model", ""),
    ("toy", "model", "0123456789AB"),
    ("toy", "model", "0123456789ab\n"),
    ("toy", "model", "../../../../x"),
    ("toy", "model", "0" * 300),
    ("toy", "model", "0123456789a\u0661"),
    ("t" * 65, "model", "0123456789ab"),
    ("toy", "model", None),
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
@pytest.mark.parametrize("use", ["path", "manifest", "open", "remove"])
def test_bad_addresses_are_refused(store, address, use):
    with pytest.raises(ValueError, match="expected"):
        getattr(store, use)(*address)


def test_bad_file_names_are_refused(store):
    for name in ("../x", "", "a/b", "x" * 65):
        with pytest.raises(ValueError, match="no file name"), store.writing(*ADDRESS) as draft:
            draft.text(name, "")


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_symbolic_links_are_not_followed(store, tmp_path, depth):
    write(Store(tmp_path / "elsewhere"))
    link = store.root.joinpath(*ADDRESS[:depth])
    link.parent.mkdir(parents=True)
    link.symlink_to((tmp_path / "elsewhere").joinpath(*ADDRESS[:depth]))
    for use in (store.path, store.manifest, store.open, store.remove):
        with pytest.raises(ValueError, match="symbolic link"):
            use(*ADDRESS)
    with pytest.raises(ValueError, match="symbolic link"), store.writing(*ADDRESS):
        pass


def test_a_linked_file_is_damage(store, tmp_path):
    path = write(store) / "trained.json"
    path.rename(tmp_path / "away.json")
    path.symlink_to(tmp_path / "away.json")
    assert "no regular file" in store.look(*ADDRESS).damage


def test_an_artifact_can_be_removed(store):
    write(store)
    store.remove(*ADDRESS)
    assert store.manifest(*ADDRESS) is None
    assert hidden_names(store) == []
    store.remove("toy", "never", ADDRESS[2])


def test_nothing_in_the_store_begins_like_a_pickle(store):
    for file in write(store).iterdir():
        first = file.read_bytes()[:2]
        assert first[:1] != pickletools.code2op["\x80"].code.encode("latin1")


def test_home_is_in_the_project_or_where_it_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path / "with space"))
    assert home() == tmp_path / "with space"
    assert Store().root == tmp_path / "with space" / "store"
    monkeypatch.delenv("ORRERY_HOME")
    monkeypatch.chdir(tmp_path)
    assert home() == PROJECT / ".orrery"


def in_a_process(script: str, root: Path, *arguments: str, **options) -> subprocess.CompletedProcess:
    code = f"from tests.assets.store.test_store import *\nstore = Store(Path({str(root)!r}))\n{script}"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, **options)


def test_no_room_at_any_file_leaves_the_old_version_and_says_so(store):
    """The system refuses to write past a size; every file of the artifact meets the limit once."""
    write(store, 1.0)
    sizes = sorted({file.stat().st_size for file in store.path(*ADDRESS).iterdir()})
    limited = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for size in map(int, sys.argv[1:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, resource.RLIM_INFINITY))
    try:
        write(store, 2.0)
    except StoreError as error:
        print(error)
"""
    done = in_a_process(limited, store.root, *map(str, sizes))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(sizes)
    assert all("bytes are needed" in line and str(store.root) in line for line in lines)
    assert values(store) == {1.0}
    assert hidden_names(store) == []
    write(store, 2.0)
    assert values(store) == {2.0}


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/sys/kernel").is_dir(), reason="needs /proc")
def test_a_place_that_cannot_be_written_is_one_clear_line():
    with pytest.raises(StoreError) as error:
        write(Store(Path("/proc/sys/kernel/store")))
    assert "cannot write to the store at /proc/sys/kernel/store" in str(error.value)
    assert "ORRERY_HOME" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_store_that_is_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "store").write_text("")
    for use in (lambda s: s.manifest(*ADDRESS), lambda s: s.hashes("toy", "model"), write):
        with pytest.raises(StoreError, match="Not a directory"):
            use(Store(tmp_path / "store"))


def test_killed_writer_leaves_the_old_version_and_a_leftover(store):
    write(store, 1.0)
    script = "with store.writing(*ADDRESS) as draft:\n draft.text('a', 'b')\n print(1, flush=True)\n time.sleep(60)"
    code = f"from tests.assets.store.test_store import *\nstore = Store(Path({str(store.root)!r}))\n{script}"
    writer = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE)
    assert writer.stdout.readline()
    assert store.leftovers() == []
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert values(store) == {1.0}
    assert [path.name.split("-")[0] for path in store.leftovers()] == [".tmp"]
    assert store.remove_leftovers() == 1 and hidden_names(store) == [] and values(store) == {1.0}


def test_a_writer_killed_at_any_moment_leaves_one_whole_version(store):
    write(store, 0.0)
    script = "print(1, flush=True)\nfor value in range(10**6):\n write(store, float(value))"
    code = f"from tests.assets.store.test_store import *\nstore = Store(Path({str(store.root)!r}))\n{script}"
    for delay in (0.05, 0.11, 0.17):
        writer = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE)
        assert writer.stdout.readline()
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert len(values(store)) == 1
    write(store, 5.0)
    assert values(store) == {5.0}


assert resource  # used by the scripts above, which import everything from here
