"""The toy study and a home of its own for every fault; the plain study in a project of its own for whole launches."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from assets.store.store import Store
from tests.assets.conftest import home, store
from tests.faults.pipeline import register
from tests.faults.project import PlainProject, plain_project, processes_of
from tests.homes import begin_home

__all__ = ["home", "store"]


@pytest.fixture
def plain(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store of the plain study, for work in this process."""
    register(monkeypatch)
    return Store()


@pytest.fixture(scope="module")
def module_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainProject]:
    """A project with the plain study that the tests of one file share."""
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        yield from _project(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlainProject]:
    """A project with the plain study."""
    register(monkeypatch)
    yield from _project(tmp_path / "project")


def _project(target: Path) -> Iterator[PlainProject]:
    target.mkdir(exist_ok=True)
    project = plain_project(target)
    begin_home(project.home)
    yield project
    survivors = processes_of(project)
    for process in survivors:
        process.kill()
    psutil.wait_procs(survivors, timeout=10)
