"""What surrounds the code: installation, home, documents."""

import os
import pickle  # noqa: TID251 - one is made, to see it refused
import pickletools
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Set
from importlib.metadata import distribution, version
from pathlib import Path

import dagster as dg
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.launch import home
from tests.documents import ROOT, blocks, read

PICKLE_OPCODES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))


def is_pickle(content: bytes) -> bool:
    """Tell a pickle from a file that only begins like one, as the length of a safetensors header may."""
    try:
        return content.startswith(PICKLE_OPCODES) and bool(list(pickletools.genops(content)))
    except ValueError:
        return False


BUILDS = {"torch", "jax", "jaxlib"}
"""Packages with builds for several devices, each of which brings a runtime of its own."""


def pins() -> dict[str, str]:
    """Return the constraints: package -> version."""
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): pin for name, pin in (line.split("==") for line in lines)}


def required(but: Set[str] = frozenset()) -> set[str]:
    """Return every distribution that an installation with `.[dev]` needs here; what some of them need is left out."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    requirements = [Requirement(text) for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]
    visited: set[tuple[str, str]] = set()
    while requirements:
        requirement = requirements.pop()
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, extra) not in visited:
                visited.add((name, extra))
                requirements += needs(name, extra) if name not in but else []
    return {name for name, _ in visited}


def needs(name: str, extra: str) -> list[Requirement]:
    """Return what a distribution needs here, with one of its extras."""
    environment = {**default_environment(), "extra": extra}
    requirements = [Requirement(text) for text in distribution(name).requires or []]
    return [r for r in requirements if r.marker is None or r.marker.evaluate(environment)]


def test_every_version_is_pinned_but_the_runtime_that_a_build_brings() -> None:
    assert required(but=BUILDS) - set(pins()) == set()


def test_the_pins_are_what_is_tested() -> None:
    here = required()
    pinned = {name: pin for name, pin in pins().items() if name in here}
    assert set(pinned) >= BUILDS and len(pinned) > 100
    differing = {name: version(name) for name, pin in pinned.items() if version(name).split("+")[0] != pin}
    assert differing == {}


def test_the_build_tool_is_pinned_as_well() -> None:
    (build,) = tomllib.loads(read("pyproject.toml"))["build-system"]["requires"]
    assert build == f"setuptools=={pins()['setuptools']}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what `make` needs before it has installed anything, and a space in its path."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("Makefile", "install.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_an_old_python_is_refused_in_one_line(clone: Path) -> None:
    script(clone / "python", '[ "$1" = --version ] && echo Python 3.9.18; exit 1')
    done = make(clone, "run", "PYTHON=./python")
    assert done.returncode != 0
    assert "Python 3.9.18; expected Python >= 3.11" in done.stderr
    assert not (clone / ".venv").exists()


VENV_THEN = 'case "$*" in *venv*) mkdir -p .venv/bin; cp python .venv/bin/python;; install.py)'
"""A stand-in for Python that copies itself as virtual environment, so that the Makefile's rules are what is tested."""


def test_installation_is_done_once_and_repeated_when_versions_change(clone: Path) -> None:
    script(clone / "python", f"{VENV_THEN} echo x >> installs;; esac")
    for _ in range(2):
        assert make(clone, "setup", "PYTHON=./python").returncode == 0
    assert len((clone / "installs").read_text().split()) == 1
    os.utime(clone / "constraints.txt", (2e9, 2e9))
    make(clone, "setup", "PYTHON=./python")
    assert len((clone / "installs").read_text().split()) == 2


def test_a_failed_installation_is_tried_again_and_nothing_runs_before_it_succeeds(clone: Path) -> None:
    script(clone / "python", f'{VENV_THEN} echo x >> installs; exit 2;; *) echo "$*" >> ran;; esac')
    for _ in range(2):
        assert make(clone, "test", "PYTHON=./python").returncode != 0
    assert len((clone / "installs").read_text().split()) == 2
    assert not (clone / ".venv/ready").exists() and "-m tests" not in (clone / "ran").read_text()


def test_help_lists_every_target() -> None:
    targets = set(re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.M)[1].split())
    assert targets == set(re.findall(r"^  make ([a-z]+)", make(ROOT, "help").stdout, re.M))


def test_the_settings_of_dagster_are_accepted_and_quiet(fresh_home: Path) -> None:
    assert home.prepare() == fresh_home / "dagster"
    with dg.DagsterInstance.get() as instance:
        assert instance.root_directory == str(fresh_home / "dagster")
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled


def test_settings_that_the_user_took_over_stay(fresh_home: Path) -> None:
    settings = home.prepare() / "dagster.yaml"
    settings.write_text(f"{home.MARK}\nnux: {{enabled: true}}\n")
    home.prepare()
    assert settings.read_text() == home.SETTINGS
    settings.write_text("telemetry: {enabled: false}\n")
    home.prepare()
    assert settings.read_text() == "telemetry: {enabled: false}\n"


def test_the_environment_file_keeps_other_lines_and_changes_once(fresh_home: Path, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("TOKEN=1\nDAGSTER_HOME=/elsewhere\n")
    home.write_environment(file)
    before = file.stat().st_mtime_ns
    home.write_environment(file)
    assert file.stat().st_mtime_ns == before
    assert file.read_text().splitlines()[2:] == ["TOKEN=1"]


@pytest.mark.parametrize("setting", [None, "/other"])
def test_the_environment_file_yields_to_the_environment(
    fresh_home: Path, tmp_path: Path, setting: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dotenv import dotenv_values

    home.write_environment(tmp_path / ".env")
    monkeypatch.delenv("ORRERY_HOME")
    if setting:
        monkeypatch.setenv("ORRERY_HOME", setting)
    values = dotenv_values(tmp_path / ".env")
    assert values == {"ORRERY_HOME": setting or str(fresh_home), "DAGSTER_HOME": f"{setting or fresh_home}/dagster"}


def test_no_file_of_a_home_is_a_pickle(smoke_home: Path) -> None:
    places = (smoke_home, smoke_home / "cache" / "jax")  # a link here, which is not followed by itself
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if is_pickle(path.read_bytes())]
    assert is_pickle(pickle.dumps({"a": [1.0]}))


def test_the_readme_is_short_and_names_only_what_exists() -> None:
    text = read("README.md")
    assert len(text.splitlines()) <= 150
    commands = set(re.findall(r"`orrery ([a-z]+)", text))
    listed = CliRunner().invoke(app, ["--help"]).output
    assert commands and not [name for name in commands if not re.search(rf"\b{name}\b", listed)]
    targets = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.M)[1].split()
    assert set(re.findall(r"\bmake ([a-z]+)\b(?=[` \n])", "\n".join(blocks("README.md", "")))) <= set(targets)


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_links_and_paths_in_documents_lead_somewhere(name: str) -> None:
    text = read(name)
    links = [ROOT / Path(name).parent / link for link in re.findall(r"\]\((?!http)([^)#]+)\)", text)]
    named = [
        ROOT / path for path in re.findall(r"`((?:trainers|assets|orchestration|tests|docs|results)/[\w./]+)`", text)
    ]
    assert not [str(path) for path in [*links, *named] if not path.exists()]


def test_the_changelog_has_this_version() -> None:
    assert f"## {tomllib.loads(read('pyproject.toml'))['project']['version']}" in read("CHANGELOG.md")


def test_style() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
