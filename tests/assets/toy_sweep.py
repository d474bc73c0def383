"""A small sweep of the toy study in a store of its own; a test module names this one in `pytest_plugins`."""

from textwrap import dedent

import pytest

from assets.statistics.experiment import Experiment
from assets.store.store import Store
from assets.sweeps.sweep_file import load_sweep
from tests.toy_study import STUDY
from tests.toy_study.items import make
from trainers import STUDIES

TEXT = """
study: toy
description: Does <width> help & hurt?
tests: [train, test, few]
base:
  dataset: {trajectories: 8}
  model: {phases: [{steps: 30}]}
vary:
  model.width: [2, 6]
  recipe:
    plain: {}
    unvalidated: {model.train_fraction: 1.0}
    wild: {model.behaviour: diverge}
  model.seed: [0, 1, 2]
exclude:
  - {recipe: wild, model.seed: [0, 1]}
  - {recipe: unvalidated, model.width: 6}
  - {recipe: unvalidated, model.seed: [1, 2]}
"""
"""Rows: two widths with three seeds; one setting with one seed that validates on nothing; two that diverge."""


@pytest.fixture(scope="module")
def toy_experiment(tmp_path_factory):
    """The sweep after it has run, and the store that holds it."""
    folder = tmp_path_factory.mktemp("toy_sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(folder / "home"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        (folder / "widths.yaml").write_text(dedent(TEXT))
        sweep, store = load_sweep(folder / "widths.yaml"), Store()
        for items in sweep.items().values():
            make(store, *items)
        yield Experiment(sweep, store)
