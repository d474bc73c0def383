import json
import time

import pytest

pytest_plugins = ("tests.assets.sweep_fixtures",)
pytestmark = pytest.mark.usefixtures("paper")


def varying(vary, base="{}", rest=""):
    return f"study: paper\ntests: [test]\nbase: {base}\nvary: {vary}\n{rest}\n"


def axis_values(loaded):
    return [tuple(row.axes.values()) for row in loaded.rows]


def test_seed_varies_slowest_and_columns_keep_their_order(sweep):
    loaded = sweep(varying("{model.seed: [0, 1], model.head: [plain, signed], model.width: [1, 2]}"))
    assert loaded.axes == ("model.seed", "model.head", "model.width")
    assert axis_values(loaded)[:5] == [
        (0, "plain", 1),
        (0, "plain", 2),
        (0, "signed", 1),
        (0, "signed", 2),
        (1, "plain", 1),
    ]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("model.head", ["signed", "unit_exp"]),
        ("model.width", [8, 16]),
        ("model.planar", [False, True]),
        ("model.seed", [3, 4]),
        ("model.loss", [{"name": "mae"}, {"weight": 1.0}]),
        ("model.loss.weight", [0.5, 2]),
        ("model.network", [{"kind": "gru"}, {"kind": "mlp"}]),
        ("model.phases", [[{"steps": 5}], [{"steps": 6}, {"steps": 7}]]),
        ("model.phases[0].steps", [5, 6]),
        ("model.phases[*].rate", [0.1, 0.2]),
        ("model.phases[1].window", [[0.0, 0.5], [0.5, 1.0]]),
        ("dataset", ["small", "test"]),
        ("dataset.size", [7, 8]),
        ("dataset.start", ["random", 10.0]),
        ("dataset.seed", [3, 4]),
    ],
)
def test_axis_of_one_or_two_entries_or_a_scalar_replaces_the_value_of_the_base(sweep, path, values):
    base = "{dataset: {size: 4, start: 5}, model: {width: 2, phases: [{steps: 1}, {steps: 2}]}}"
    two = sweep(varying(json.dumps({path: values}), base))
    one = sweep(varying(json.dumps({path: values[:1]}), base))
    assert len(two.rows) == 2
    assert [row.configuration.key for row in one.rows] == [two.rows[0].configuration.key]
    if not isinstance(values[0], dict | list):
        scalar = sweep(varying(json.dumps({path: values[0]}), base))
        assert scalar.rows[0].configuration.key == one.rows[0].configuration.key
    unvaried = sweep(varying("{}", base)).rows[0].configuration
    if path not in ("model.planar", "dataset.start"):
        assert unvaried.key not in {row.configuration.key for row in two.rows}


def test_list_under_base_is_a_value(sweep):
    loaded = sweep(varying("{}", "{model: {phases: [{steps: 5}, {steps: 6}]}}"))
    assert [phase.steps for phase in loaded.rows[0].configuration.model.phases] == [5, 6]


def test_path_reaches_into_a_default_list_and_into_a_named_dataset(sweep):
    loaded = sweep(varying("{'model.phases[0].steps': [7], dataset.seed: [3]}", "{dataset: small}"))
    configuration = loaded.rows[0].configuration
    assert configuration.model.phases[0].steps == 7
    assert (configuration.dataset.size, configuration.dataset.seed) == (2, 3)


def test_variants_are_merged_into_the_base(sweep):
    loaded = sweep("""
        study: paper
        base: {dataset: small, model: {loss: {weight: 2.0}, phases: [{steps: 5}, {steps: 6}]}}
        vary:
          recipe:
            old: {model: {loss: {name: mae}, width: 3}}
            new: {dataset: {seed: 4}, 'model.phases[*]': {rate: 0.5}}
    """)
    old, new = (row.configuration for row in loaded.rows)
    assert axis_values(loaded) == [("old",), ("new",)]
    assert (old.model.loss.name, old.model.loss.weight, old.model.width) == ("mae", 2.0, 3)
    assert (new.dataset.size, new.dataset.seed) == (2, 4)
    assert [(phase.steps, phase.rate) for phase in new.model.phases] == [(5, 0.5), (6, 0.5)]


def test_later_axis_refines_a_variant(sweep):
    loaded = sweep("""
        study: paper
        vary:
          curriculum: {one: {model: {phases: [{steps: 5}]}}, two: {model: {phases: [{steps: 5}, {steps: 6}]}}}
          model.phases[*].rate: [0.1, 0.2]
    """)
    assert [[p.rate for p in row.configuration.model.phases] for row in loaded.rows] == [
        [0.1],
        [0.2],
        [0.1] * 2,
        [0.2] * 2,
    ]


def test_exclude_drops_combinations(sweep):
    rest = "exclude: [{model.head: plain, model.seed: [1, 2]}, {model.seed: 2}]"
    loaded = sweep(varying("{model.head: [plain, signed], model.seed: [0, 1, 2]}", rest=rest))
    assert axis_values(loaded) == [("plain", 0), ("signed", 0), ("signed", 1)]


def test_rows_that_are_one_configuration_are_one_row_and_a_warning(sweep):
    loaded = sweep(varying("{dataset: [small, small_again], model.width: [8, 8.0]}"))
    assert len(loaded.rows) == 1
    assert len(loaded.warnings) == 3
    assert "is the same configuration as" in loaded.warnings[0]


def test_six_thousand_configurations_take_seconds(sweep):
    text = {
        "study": "paper",
        "tests": ["test"],
        "vary": {"model.width": list(range(1, 101)), "model.head": ["plain", "signed"], "model.seed": list(range(30))},
    }
    started = time.process_time()
    assert len(sweep(json.dumps(text)).rows) == 6000
    assert time.process_time() - started < 5
