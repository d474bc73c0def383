"""A home that cannot be written, no HOME, a path with spaces, a locale without UTF-8: it works, or says one line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.project import PlainProject

ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
"""A locale in which Python reads and writes ASCII unless it is told otherwise."""

TOKEN = "hush-hush-4711"
"""A secret of the environment and of a git remote."""

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def ask(
    project: PlainProject, home: Path, *arguments: str, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command over a home, without HOME and under an ASCII locale."""
    environment = {name: value for name, value in project.environment.items() if name != "HOME"} | ASCII
    environment |= {"ORRERY_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "WANDB_API_KEY": TOKEN}
    command = [*before, sys.executable, "-m", "orchestration.cli", *arguments]
    return subprocess.run(
        command, cwd=project.root, env=environment, capture_output=True, encoding="utf-8", timeout=200, check=False
    )


@pytest.fixture(scope="module")
def home(module_project: PlainProject) -> Path:
    """A home with spaces and accents in its path, in which a sweep ran; the project has no other."""
    shutil.rmtree(module_project.home)
    for command in (["init", "-q"], ["remote", "add", "origin", f"https://me:{TOKEN}@forge.example/orrery"]):
        subprocess.run(["git", *command], cwd=module_project.root, check=True)
    name = module_project.sweep()
    file = module_project.root / "sweeps" / f"{name}.yaml"
    file.write_text(file.read_text().replace("Which seed is best?", "Größer als ∇?"), encoding="utf-8")
    home = module_project.root / "a hôme with späces"
    done = ask(module_project, home, "run", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trained 3, evaluated 3, cached 0, failed 0" in done.stdout
    return home


def test_every_command_works_there_and_nothing_is_written_elsewhere(module_project: PlainProject, home: Path) -> None:
    outputs = {name: ask(module_project, home, name, *rest) for name, rest in {
        "plan": ["plain/few"], "table": ["plain/few"], "status": ["plain/few"], "failures": ["plain/few"],
        "verify": [], "gc": [],
    }.items()}  # fmt: skip
    assert {name: done.returncode for name, done in outputs.items()} == dict.fromkeys(outputs, 0), outputs
    assert not (module_project.root / "home").exists() and not (module_project.root / ".orrery").exists()


def test_no_secret_of_the_environment_or_of_the_repository_is_kept(home: Path) -> None:
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="mounts read-only as root")
def test_a_home_that_is_read_only_can_be_read_and_refuses_a_run_in_one_line(
    module_project: PlainProject, home: Path
) -> None:
    frozen = ["unshare", "-m", "sh", "-c", READ_ONLY, str(home)]
    if subprocess.run([*frozen, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    for command in (["plan", "plain/few"], ["table", "plain/few"], ["status", "plain/few"], ["verify"]):
        done = ask(module_project, home, *command, before=frozen)
        assert done.returncode == 0 and "Traceback" not in done.stderr, (command, done.stderr)
    refused = ask(module_project, home, "run", "plain/few", before=frozen)
    refused_in_one_line(refused, home)
    assert f"{home}/dagster cannot be written; make it writable" in refused.stderr


@pytest.mark.skipif(not Path("/proc/sys/kernel").is_dir(), reason="needs a place that nobody can write to")
def test_a_home_that_cannot_be_made_is_one_line(module_project: PlainProject) -> None:
    place = Path("/proc/sys/kernel/home")
    refused_in_one_line(ask(module_project, place, "run", module_project.sweep()), place)


def test_a_home_that_is_a_file_is_one_line(module_project: PlainProject, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no directory")
    refused_in_one_line(ask(module_project, tmp_path / "home", "run", module_project.sweep()), tmp_path / "home")


def refused_in_one_line(done: subprocess.CompletedProcess[str], place: Path) -> None:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == 2 and len(lines) == 1, done.stdout + done.stderr
    assert lines[0].startswith("orrery: ") and str(place) in lines[0]
