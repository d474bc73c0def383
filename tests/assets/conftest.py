"""The toy study, registered in this process and in the workers that it starts."""

import pytest

from assets.store.store import Store
from tests.installed_studies import INSTALLED
from tests.toy_study import STUDY
from trainers import STUDIES


def register_toy(patch):
    patch.setitem(STUDIES, STUDY.name, STUDY)
    patch.setenv("PYTHONPATH", str(INSTALLED))


@pytest.fixture
def home(fresh_home, monkeypatch):
    register_toy(monkeypatch)
    return fresh_home


@pytest.fixture
def store(home):
    return Store()


@pytest.fixture
def searching(tmp_path, home):
    """Searches of the toy study in a home of their own."""
    from tests.assets.toy_search import Searching

    folder = tmp_path / "toy"
    folder.mkdir()
    return Searching(folder)
