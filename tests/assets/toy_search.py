"""A small search of the toy study, and an engine of one worker; a test module names this one in `pytest_plugins`."""

from textwrap import dedent

import pytest

from assets.engine import Engine
from assets.search_file import load_search
from assets.search_run import SearchRun
from assets.store import Store
from tests.assets.conftest import register_toy

TEXT = """
study: toy
description: Which <width> & rate?
tests: [test]
base:
  dataset: {{trajectories: 8}}
  model: {{phases: [{{steps: 40}}]}}
search:
  objective: validation_loss
  trials: {trials}
  seed: 3
  sampler: {{startup_trials: 3}}
  pruner: {pruner}
  space:
    model.phases[*].learning_rate: {{log_uniform: [1e-3, 0.3]}}
    model.width: {{integer: [2, 8], step: 2}}
    model.behaviour: {{choice: {behaviours}}}
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One worker for all tests of a file: importing torch takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(tmp_path_factory.mktemp("engine") / "home"))
        register_toy(patch)
        with Engine(1, grace=5.0) as engine:
            yield engine


@pytest.fixture
def searching(engine, tmp_path, home, monkeypatch):
    """Return a function that writes a search file, and one that runs it in a store of its own."""
    monkeypatch.setattr(engine, "interrupted", False)
    return Searching(engine, tmp_path)


class Searching:
    """Searches in one folder, and what runs them."""

    def __init__(self, engine, folder):
        self.engine = engine
        self.folder = folder

    def load(self, name="tune", text=TEXT, trials=6, pruner="null", behaviours="[train]"):
        path = self.folder / f"{name}.yaml"
        path.write_text(dedent(text).format(trials=trials, pruner=pruner, behaviours=behaviours))
        return load_search(path)

    def run(self, search, listener=lambda line: None):
        return list(SearchRun(search, Store(), self.engine, listener).run())
