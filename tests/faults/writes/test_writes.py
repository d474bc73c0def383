"""Killed or out of room at any write: nothing torn, nothing lost, and a rerun makes what an untouched run makes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assets.stages.freshness import Planner
from assets.store.errors import free_bytes
from tests.faults.pipeline import chain, make
from tests.orchestration.conftest import ROOT

pytestmark = pytest.mark.launch

IN_OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount() -> bool:
    """Whether a tmpfs can be mounted where nobody else sees it."""
    command = [*IN_OWN_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
    except OSError:
        return False


needs_mount = pytest.mark.skipif(not can_mount(), reason="needs user namespaces that may mount a tmpfs")


def strikes(mode: str, home: Path, stride: int, prefix: tuple[str, ...] = ()) -> list[dict]:
    """Return what became of each strike."""
    command = [*prefix, sys.executable, "-m", "tests.faults.strike", mode, str(home), str(stride)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert reports[-1]["passed"] and not any(strike["passed"] for strike in reports[:-1])
    return reports


def survived(strike: dict) -> bool:
    again = [status for _, status, _ in strike["again"]["ends"]]
    whole = not strike["damaged"] and not strike["partial"] and not strike["left"]
    return whole and strike["converged"] and all(status == "ok" for status in again)


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_kill_before_the_nth_write_tears_nothing(tmp_path: Path, stride: int) -> None:
    reports = strikes("kill", tmp_path / "home", stride)
    assert len(reports) * stride > 80 and all(strike["died"] for strike in reports[:-1])
    assert [strike["n"] for strike in reports if not survived(strike)] == []


REPLACED = """
import os, sys
from pathlib import Path
from assets.store.store import Store
from tests.faults.strike import Killer

address, store = ("plain", "model", "0123456789ab"), Store(Path(sys.argv[1]))

def write(version):
    with store.writing(*address) as draft:
        draft.json("trained", version)
        draft.text("note", str(version))

write(0)
for n in range(1, 1000):
    if not (child := os.fork()):
        sys.addaudithook(Killer(str(store.root), n))
        write(n)
        os._exit(0)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    artifact = Store(store.root).open(*address)
    print(artifact.json("trained"), artifact.text("note"), len(store.hashes(*address[:2])), flush=True)
    if not killed:
        break
    store.remove_leftovers()
    assert [path.name for path in store.root.glob("*/*/.*") if path.name != ".lock"] in ([], [f".old-{address[2]}"])
"""


def test_a_kill_before_any_write_of_a_new_version_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", REPLACED, str(tmp_path / "store")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    versions = [line.split() for line in done.stdout.splitlines()]
    assert len(versions) >= 12 and all(one == other and there == "1" for one, other, there in versions)
    numbers = [int(one) for one, *_ in versions]
    assert numbers == sorted(numbers) and numbers[0] == 0 and numbers[-1] == len(numbers)


@needs_mount
def test_a_full_disk_at_every_write_is_a_row_that_says_how_much_and_where(tmp_path: Path) -> None:
    """A tmpfs of 1 MB on which the pipeline finds 0, 1, 2, ... free pages of 4 kB."""
    home = tmp_path / "home"
    reports = strikes("full", home, 1, tuple(IN_OWN_MOUNTS))
    assert len(reports) > 15
    assert [strike["n"] for strike in reports if not survived(strike)] == []
    ends = [end for strike in reports for end in strike["ends"] if end[1] != "ok"]
    assert {status for _, status, _ in ends} == {"disk_full"}
    assert all(str(home) in detail and "bytes are needed and" in detail for _, _, detail in ends)


LAUNCH_ON_A_SMALL_STORE = """
mount -t tmpfs -o size=1m none "$ORRERY_HOME/store"
dd if=/dev/zero of="$ORRERY_HOME/store/filler" bs=4096 count=$((256 - $1)) status=none
"$2" -m orchestration.cli run plain/few; echo "first: $?"
rm "$ORRERY_HOME/store/filler"
"$2" -m orchestration.cli run plain/few; echo "second: $?"
cp -r "$ORRERY_HOME/store/plain" "$ORRERY_HOME/kept"
"""


@needs_mount
@pytest.mark.parametrize("pages", [12, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (3, 7, 20, 28))])
def test_a_full_disk_costs_a_launch_its_rows_and_no_more(project, pages: int) -> None:
    """The same through the whole launch: workers, events, leaderboard."""
    name = project.sweep(axes="model.seed: [0, 1]")
    (project.home / "store").mkdir(parents=True)
    script = ["sh", "-c", LAUNCH_ON_A_SMALL_STORE, "sh", str(pages), sys.executable]
    command, environment = [*IN_OWN_MOUNTS, *script], project.environment
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert "first: 1" in output and "second: 0" in output, output
    assert "disk_full" in output and "Traceback" not in output
    (project.home / "store/plain").parent.rmdir()
    (project.home / "kept").rename(project.home / "store")
    names = {path.name for path in (project.home / "store").iterdir()}
    assert names >= {"dataset", "segments", "model", "evaluation", "leaderboard"}
    assert _below(project.home / "store") == project.expected(name)


def _below(folder: Path) -> dict[str, dict]:
    """Return manifests of a copy of `store/plain`."""
    from tests.faults.pipeline import manifests

    (place := folder.with_name("copy")).mkdir()
    folder.rename(place / "plain")
    return {name: one for name, one in manifests(place).items() if not name.startswith("leaderboard/")}


def test_every_file_and_directory_is_on_the_disk_before_it_takes_its_place(plain, monkeypatch) -> None:
    """What a rename puts in place has been fsynced; the calls are the real ones, written down."""
    synced: set[int] = set()
    fsync, rename = os.fsync, Path.rename
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.add(os.fstat(handle).st_ino), fsync(handle)))

    def checked(self, target):
        if self.name.startswith(".tmp-") and not Path(target).name.startswith("."):
            renamed.append(self)
            missing = [path.name for path in (self, *self.iterdir()) if path.stat().st_ino not in synced]
            assert missing == []
        return rename(self, target)

    renamed: list[Path] = []
    monkeypatch.setattr(Path, "rename", checked)
    assert all(outcome.status == "ok" for outcome in make(plain, *chain()))
    assert len(renamed) == 6
    assert plain.path(*chain()[0].address).parent.stat().st_ino in synced


@pytest.mark.parametrize("file", ["manifest.json", "trajectories.safetensors"])
def test_a_rename_that_survived_without_its_data_is_missing_and_says_so(plain, caplog, file: str) -> None:
    """After a loss of power without fsync a file has its length and no data."""
    dataset, segments = chain()[:2]
    list(make(plain, dataset, segments))
    path = plain.path(*dataset.address) / file
    path.write_bytes(bytes(path.stat().st_size))
    if file != "manifest.json":
        with pytest.raises(ValueError, match="sum differs"):
            plain.open(*dataset.address)
    assert Planner(plain).verdict(dataset).state == "damaged"
    assert Planner(plain).verdict(segments).state == "stale"
    assert plain.manifest(*dataset.address) is None
    assert "counts as missing" in caplog.text
    assert [outcome.status for outcome in make(plain, dataset, segments)] == ["ok"]
    assert Planner(plain).verdict(segments).state == "fresh"
    assert np.isfinite(plain.open(*dataset.address).arrays("trajectories")["y"]).all()
    assert free_bytes(plain.root) > 0
