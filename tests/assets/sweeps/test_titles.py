"""What artifacts are called on the screen while a sweep runs."""

import pytest

from assets.sweeps.titles import titles
from tests.assets.sweep_study import GOOD

pytest_plugins = ("tests.assets.sweep_fixtures",)
pytestmark = pytest.mark.usefixtures("paper")


def test_models_and_evaluations_say_setting_seed_and_test_set(sweep):
    loaded = sweep(GOOD)
    names, row = titles(loaded), loaded.rows[1]
    assert names[row.configuration.key] == "signed, seed 0"
    assert [names[item.key] for item in row.evaluations] == ["signed, seed 0 on test", "signed, seed 0 on other"]
    assert names[loaded.tests["other"].key] == "other"
    assert set(names) == {item.key for items in loaded.items().values() for item in items}


def test_numbers_come_after_the_name_of_their_axis(sweep):
    loaded = sweep("study: paper\nvary: {model.width: [8, 16], model.seed: [0, 1]}")
    assert titles(loaded)[loaded.rows[0].configuration.key] == "width 8, seed 0"
