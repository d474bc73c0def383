"""Search files: what is wrong is said in one line with its place, and a space draws what it says."""

from textwrap import dedent

import pytest

from assets.catalogue import read_catalogue
from assets.search.search import Search
from assets.search.search_file import load
from assets.search.space import Options
from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError

GOOD = """study: preference_dynamics
description: Which network?
tests: [n1_test_small]
base:
  dataset: {trajectories: 200, seed: 42}
  model: {epochs: 4}
search:
  objective: validation_loss
  trials: 5
  space:
    model.learning_rate: {log_uniform: [1e-4, 1e-2]}
    model.dropout: {uniform: [0.0, 0.5]}
    model.filters: {list: {log_integer: [8, 64]}, length: [1, 4]}
    model.kernels: {list: {choice: [3, 5, 7]}, length: model.filters}
    model.hidden: {list: {integer: [8, 63], step: 8}, length: [0, 2]}
    recipe: {choice: {plain: {}, adamw: {model.optimiser: adamw, model: {weight_decay: 1e-3}}}}
"""


@pytest.fixture
def write(tmp_path):
    def document(text):
        path = tmp_path / "tune.yaml"
        path.write_text(dedent(text))
        return path

    return document


@pytest.fixture
def problems(write):
    def refused(*changes):
        text = GOOD
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        with pytest.raises(SweepError) as caught:
            load(write(text))
        return [line.rpartition("tune.yaml:")[2] for line in caught.value.problems]

    return refused


def test_a_space_draws_within_what_it_says(write):
    search = load(write(GOOD))
    low, high = (search.space.draw(lambda name, leaf, end=end: leaf.ends[end]) for end in (0, -1))
    assert low == {
        "model.learning_rate": 1e-4, "model.dropout": 0.0, "model.filters": [8], "model.kernels": [3],
        "model.hidden": [], "recipe": "plain",
    }  # fmt: skip
    assert high["model.filters"] == [64] * 4 and high["model.kernels"] == [7] * 4
    assert high["model.hidden"] == [56, 56], "the last step that is not beyond the end"
    row, refusal = search.row(high)
    assert row is not None and not refusal
    model = row.configuration.model
    assert (model.optimiser, model.weight_decay, model.epochs) == ("adamw", 1e-3, 4)
    assert row.axes == high and len(row.evaluations) == 1


def test_a_number_has_four_digits_and_stays_inside(write):
    search = load(write(GOOD))
    values = search.space.draw(lambda name, leaf: leaf.ends[0] if isinstance(leaf, Options) else leaf.high * 0.9999999)
    assert values["model.learning_rate"] == 0.01
    rate = search.space.dimensions[0].entry
    assert rate.value(0.00123456) == 0.001235 and rate.value(0.0099999999) <= 0.01


def test_names_of_leaves_tell_entries_apart(write):
    names = []
    load(write(GOOD)).space.draw(lambda name, leaf: (names.append(name), leaf.ends[-1])[1])
    assert names[2:5] == ["model.filters.length", "model.filters[0]", "model.filters[1]"]
    assert len(set(names)) == len(names) and "model.kernels[3]" in names


def test_every_option_is_tried_before_anything_starts(write):
    corners = load(write(GOOD)).corners
    assert {kernel for corner in corners for kernel in corner.model.kernels} == {3, 5, 7}
    assert {corner.model.optimiser for corner in corners} == {"adam", "adamw"}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("trials: 5", "trials: 0", "9: search.trials: given 0; expected greater than or equal to 1"),
        ("  trials: 5", "  sede: 1\n  trials: 5", "9: search.sede: unknown key 'sede'; nearest: seed"),
        ("[1e-4, 1e-2]", "[1e-2, 1e-4]", "11: search.space.model.learning_rate: given [0.01, 0.0001]; expected ["),
        ("[1e-4, 1e-2]", "[0.0, 1e-2]", "11: search.space.model.learning_rate.log_uniform[0]: given 0"),
        ("[1e-4, 1e-2]", "[1e-4, 5]", "11: model.learning_rate: given 5.0; expected less than or equal to 1"),
        ("model.dropout", "model.dropuot", "12: model.dropuot: unknown key 'dropuot'; nearest: dropout"),
        ("{uniform: [0.0, 0.5]}", "{unifrom: [0.0, 0.5]}", "12: search.space.model.dropout: unknown kind"),
        ("{uniform: [0.0, 0.5]}", "0.3", "12: search.space.model.dropout: given 0.3; expected one of uniform"),
        ("length: model.filters", "length: model.filter", "14: search.space.model.kernels: length: given"),
        ("choice: [3, 5, 7]", "choice: [3, 3]", "14: search.space.model.kernels.list: given [3, 3]; expected"),
        ("    model.dropout", "    model.filters[0]", "13: search.space.model.filters: given model"),
        ("recipe:", "model.recipe:", "16: search.space.model.recipe: given a mapping; expected a list of values"),
        ("adamw: {model.optimiser: adamw", "adamw: {model.optimiser: adamx", "16: model.optimiser: given 'adamx'"),
        ("tests: [n1_test_small]", "tests: [n1_test_smal]", "3: tests: unknown dataset"),
        ("description: Which network?", "schedule: '0 2 * * *'", "2: schedule: unknown key 'schedule'"),
    ],
)  # fmt: skip
def test_every_problem_is_one_line_with_its_place(problems, old, new, line):
    (problem,) = problems((old, new))
    assert problem.startswith(line)


def test_a_metric_of_test_sets_is_no_objective(problems):
    (line,) = problems(("validation_loss", "parameter_rmse"))
    assert line.startswith("8: search.objective: given 'parameter_rmse'") and "validation column" in line
    from trainers import STUDIES

    (line,) = problems(("validation_loss", STUDIES["preference_dynamics"].headline[0]))
    assert "a metric of test sets, which a search must not see" in line


def test_a_file_is_a_sweep_or_a_search(problems, write):
    (line,) = problems(("search:\n", "vary: {model.seed: [0, 1]}\nsearch:\n"))
    assert line.startswith("7: vary: given beside search; expected one of the two")
    with pytest.raises(SweepError, match="7: search: this file is a search; expected a sweep"):
        load_sweep(write(GOOD))
    assert isinstance(load(write(GOOD)), Search)


def test_what_the_model_refuses_of_a_combination_is_a_warning_and_a_failed_trial(write):
    text = GOOD.replace("{list: {choice: [3, 5, 7]}, length: model.filters}", "{choice: [[3], [3, 3]]}")
    search = load(write(text))
    assert any(
        "some combinations are refused" in line and "give one kernel per block" in line for line in search.warnings
    )
    values = search.space.draw(lambda name, leaf: leaf.ends[-1])
    row, refusal = search.row(values)
    assert row is None and refusal == "filters has 4 entries and kernels 2; give one kernel per block"
    always = text.replace("[[3], [3, 3]]", "[[3, 3, 3, 3, 3]]")
    with pytest.raises(SweepError, match="give one kernel per block"):
        load(write(always))


def test_the_catalogue_holds_searches_apart(tmp_path):
    folder = tmp_path / "sweeps" / "preference_dynamics"
    folder.mkdir(parents=True)
    (folder / "tune.yaml").write_text(GOOD)
    catalogue = read_catalogue(tmp_path / "sweeps")
    assert not catalogue.errors and not catalogue.sweeps
    assert list(catalogue.searches) == ["preference_dynamics/tune"]
    assert list(catalogue.study("preference_dynamics").searches) == ["tune"]
