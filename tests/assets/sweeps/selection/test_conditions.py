"""Conditions on rows: read without evaluating anything, and refused in one line."""

import pytest

from assets.sweeps.selection.conditions import filtered, parse

pytest_plugins = ["tests.assets.toy_sweep"]


@pytest.mark.parametrize(
    ("text", "name", "sign", "values"),
    [
        ("depth=2", "depth", "=", ("2",)),
        (" model.depth >= 2 ", "model.depth", ">=", ("2",)),
        ("head!=a|b", "head", "!=", ("a", "b")),
        ("phases[0].steps<30", "phases[0].steps", "<", ("30",)),
    ],
)
def test_a_condition_is_a_name_a_sign_and_values(text, name, sign, values):
    condition = parse(text)
    assert (condition.name, condition.sign, condition.values) == (name, sign, values)


@pytest.mark.parametrize("text", ["depth", "=2", "depth~2", "depth>=two", "depth>1|2", "__import__('os')"])
def test_what_is_no_condition_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match="given --where") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def chosen(sweep, *texts):
    return {
        (row.axes["recipe"], row.axes["model.width"], row.axes["model.seed"]) for row in filtered(sweep, texts).rows
    }


def test_rows_are_those_that_meet_all_conditions(toy_experiment):
    sweep = toy_experiment.sweep
    assert chosen(sweep, "width=2", "recipe=plain") == {("plain", 2, seed) for seed in range(3)}
    assert chosen(sweep, "model.width>2", "seed<=1") == {("plain", 6, 0), ("plain", 6, 1)}
    assert chosen(sweep, "recipe=unvalidated|wild") == {("unvalidated", 2, 0), ("wild", 2, 2), ("wild", 6, 2)}
    assert chosen(sweep, "recipe!=plain", "train_fraction=1") == {("unvalidated", 2, 0)}, "a setting that is no axis"
    part = filtered(sweep, ["width=2"])
    assert part.part == "width=2" and part.seeds is None and filtered(sweep, []) is sweep


@pytest.mark.parametrize(
    ("text", "message"),
    [("widht=2", "which is no axis and no setting; nearest: .*width"), ("width=3", "no row .*; there are: width 2, 6")],
)
def test_an_unknown_name_or_value_says_what_there_is(toy_experiment, text, message):
    with pytest.raises(ValueError, match=message):
        filtered(toy_experiment.sweep, [text])
