from dataclasses import replace
from textwrap import dedent

import pytest

import trainers
from assets.sweeps.older_format import convert
from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError
from tests.assets.sweep_study import STUDY

pytest_plugins = ("tests.assets.sweep_fixtures",)

TWO_BODY = """
wandb:
  group: sweep-2BP-12-10
data:
  dataset_name: complex_TBP_planar_10_train
  problem: '2BP'
data:
  dataset_name: complex_TBP_planar_10_train
  problem: '2BP'
parameters:
  output_layer: [mlp_4D, mlp_4D_signed]
  batch_size: [256]
  rtol: 1e-6
  lr_strategy: [[0.001, 0.0001]]
  steps_strategy: [[500, 500], [100, 2000]]
  segment_length_strategy: [[18]]
  length_strategy: [[[0.0, 0.1], [0.0, 1.0]]]
"""


@pytest.fixture
def older(tmp_path):
    """Write an older file for the study that its folder names."""

    def write(text, study="two_body"):
        path = tmp_path / study / "older.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write


def keys(path):
    return [row.configuration.key for row in load_sweep(path).rows]


def test_older_file_and_its_conversion_are_the_same_configurations(older, tmp_path):
    path = older(TWO_BODY)
    new = tmp_path / "new.yaml"
    new.write_text(convert(path))
    assert keys(new) == keys(path)
    assert len(keys(path)) == 4
    assert load_sweep(new).warnings == ()


def test_conversion_comments_on_each_decision_beside_its_setting(older):
    lines = [line.strip() for line in convert(older(TWO_BODY)).splitlines()]
    assert lines[0] == "# Converted from older.yaml."
    decisions = [w.split(": ", 1)[1] for w in load_sweep(older(TWO_BODY)).warnings if ":1: " in w]
    assert len(decisions) >= 4
    for decision in decisions:
        assert any(line.startswith("#") and decision.split(": ", 1)[1] in line for line in lines), decision
    head = lines.index("model.output_layer: [mlp_4D_abs, mlp_4D_signed]")
    assert lines[head - 1].startswith("# mlp_4D is read as mlp_4D_abs")


def test_equal_duplicates_warn_and_different_ones_are_refused(older):
    assert "data: given twice, with equal content" in load_sweep(older(TWO_BODY)).warnings[0]
    different = TWO_BODY.replace("complex_TBP_planar_10_train", "printed_planar_1", 1)
    with pytest.raises(SweepError, match=r"older\.yaml:7: data: given twice, and differently in line 4"):
        load_sweep(older(different))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lr_strategy: [[0.001, 0.0001]]", "lr_strategy: [[0.001, 0.0001, 0.1]]", "steps_strategy: "),
        ("lr_strategy: [[0.001, 0.0001]]", "lr_strategy: [[0.001, 0]]", "learning_rate: given 0; expected greater"),
        ("[[0.0, 0.1], [0.0, 1.0]]", "[[0.5, 0.1], [0.0, 1.0]]", "model.phases[0].window: window is [0.5, 0.1]"),
        ("[[500, 500], [100, 2000]]", "[[0, 500]]", "model.phases[0].steps: given 0; expected greater"),
        ("length_strategy: [[[0.0, 0.1], [0.0, 1.0]]]", "length_strategy: [[0.0, 0.1], [[0.0, 1.0]]]", "two readings"),
        ("mlp_4D,", "mlp_5D,", "unknown output layer 'mlp_5D'; nearest: "),
        ("batch_size", "batchsize", "unknown key; nearest: batch_size"),
        (
            "parameters:\n",
            "settings:\n",
            "a fragment of a file of the older format; parameters: missing; expected both at the top",
        ),
    ],
)
def test_what_is_wrong_in_an_older_file_names_file_line_and_key(older, old, new, says):
    with pytest.raises(SweepError) as caught:
        load_sweep(older(TWO_BODY.replace(old, new)))
    assert any(says in problem for problem in caught.value.problems), caught.value.problems
    assert all("older.yaml:" in problem and "\n" not in problem for problem in caught.value.problems)


def test_problem_of_an_older_key_has_its_line(older):
    path = older(TWO_BODY.replace("lr_strategy: [[0.001, 0.0001]]", "lr_strategy: [[[0.001]]]"))
    with pytest.raises(SweepError, match=r"older\.yaml:14: lr_strategy: "):
        load_sweep(path)


def test_present_form_is_not_converted(older):
    with pytest.raises(SweepError, match="in the present form already"):
        convert(older("study: two_body\n"))


def test_any_study_may_have_an_older_form(older, monkeypatch):
    def read(sweep):
        return {"base": {"model": {"width": sweep["parameters"]["w"]}}, "decisions": ["model.width: w is the width"]}

    monkeypatch.setitem(trainers.STUDIES, "paper", replace(STUDY, older=read))
    path = older("parameters: {w: 5}\n", "paper")
    assert load_sweep(path).rows[0].configuration.model.width == 5
    assert "    # w is the width\n    width: 5\n" in convert(path)


def test_study_of_an_older_file_without_a_reader(older, paper):
    with pytest.raises(SweepError, match="the older form can be read for: two_body"):
        load_sweep(older("study: paper\nparameters: {w: 5}\n"))
