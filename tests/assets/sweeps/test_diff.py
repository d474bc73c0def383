import pytest

from assets.sweeps.diff import compare, difference
from tests.assets.sweep_study import GOOD

pytest_plugins = ("tests.assets.sweep_fixtures",)
pytestmark = pytest.mark.usefixtures("paper")


def test_only_what_differs_with_defaults_resolved(sweep):
    rows = sweep(GOOD).rows
    configurations = {"a": rows[0].configuration, "b": rows[1].configuration, "c": rows[2].configuration}
    assert compare(configurations) == [
        ("model.seed", {"a": 0, "b": 0, "c": 1}),
        ("model.head", {"a": "plain", "b": "signed", "c": "plain"}),
    ]


def test_settings_that_one_lacks():
    configs = {"a": {"p": [{"x": 1}, {"x": 2}], "w": [1, 2]}, "b": {"p": [{"x": 1}], "w": [1, 3]}}
    assert difference(configs) == [("p[1].x", {"a": 2}), ("w", {"a": [1, 2], "b": [1, 3]})]


def test_equal_configurations_do_not_differ():
    assert difference({"a": {"x": 1}, "b": {"x": 1.0}}) == []
