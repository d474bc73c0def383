"""The older sweep format: ambiguous names are resolved with a decision, ambiguous structure is refused."""

import sys
from math import prod
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.sweeps.older_format import Additions, convert
from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError, read_document
from orchestration.cli import app
from trainers.two_body.config import DatasetConfig, ModelConfig
from trainers.two_body.older_format.heads import SYNONYMS
from trainers.two_body.older_format.sweep import SETTINGS, read_older

FILES = Path(__file__).parent / "older_sweeps"
"""Ten files as they were used with the older programme."""

PLANNED = ("01", "03", "07", "12", "17", "20", "25")
STANDARD_TESTS = ["complex_planar_1_test", "complex_planar_10_test", "complex_planar_100_test"]
TEN_WINDOWS = [[0.0, tenth / 10] for tenth in range(1, 11)]


def block(number):
    return FILES / f"block_{number}.yaml"


FILE = read_document(block("03")).data
PRINTED = FILE["parameters"]


def read(dated=None, **changes):
    """Read the file of block 03 with changes of keys of `data:` and `parameters:`."""
    data = {key: changes.pop(key) for key in ("dataset_name", "problem") if key in changes}
    sweep = FILE | {"parameters": PRINTED | changes, "data": FILE["data"] | data}
    return read_older(sweep | ({"dated": dated} if dated else {}))


def refusal(**changes):
    with pytest.raises(ValueError) as caught:
        read(**changes)
    return str(caught.value)


def decided(sweep, word):
    return [line for line in sweep["decisions"] if word in line]


@pytest.mark.parametrize("number", PLANNED)
def test_a_real_file_plans_one_configuration_on_the_standard_test_sets(number, fresh_home):
    done = CliRunner().invoke(app, ["plan", str(block(number))])
    assert done.exit_code == 0, done.output
    sweep = load_sweep(block(number))
    assert len(sweep.rows) == 1
    assert list(sweep.tests) == STANDARD_TESTS
    assert sweep.description == read_document(block(number)).data.get("wandb", {}).get("group", "")


REFUSED = {
    "00": ("block_00.yaml:7: length_strategy: ", "has two readings: 2 candidates, ", "or 1 with the bare window"),
    "16": ("block_16.yaml:1: data.dataset_name: missing; ", "give it with --dataset NAME"),
    "27": ("block_27.yaml:1: a fragment of a file of the older format; parameters: and data: missing; ",),
}


@pytest.mark.parametrize("number", REFUSED)
@pytest.mark.parametrize("command", ["plan", "convert"])
def test_a_real_file_that_cannot_be_read_is_refused_in_one_line(number, command):
    done = CliRunner().invoke(app, [command, str(block(number))])
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert all(part in line for part in REFUSED[number])


def test_the_missing_dataset_is_given_on_the_command_line(fresh_home, tmp_path):
    given = ["--dataset", "complex_TBP_planar_10_train"]
    assert CliRunner().invoke(app, ["plan", str(block("16")), *given]).exit_code == 0
    new = tmp_path / "new.yaml"
    assert CliRunner().invoke(app, ["convert", str(block("16")), *given, "-o", str(new)]).exit_code == 0
    (row,) = load_sweep(new).rows
    assert row.configuration.dataset == DatasetConfig(orbits=10)
    unknown = CliRunner().invoke(app, ["plan", str(block("16")), "--dataset", "complex_TBP_planar_11"])
    assert unknown.exit_code == 2
    assert "unknown dataset 'complex_TBP_planar_11'; nearest: " in unknown.output
    (line,) = CliRunner().invoke(app, ["plan", str(block("03")), *given]).output.splitlines()
    assert 'dataset: "complex_TBP_planar_10_train" given, but data.dataset_name is' in line


def test_options_of_older_files_are_refused_for_present_ones(tmp_path):
    new = tmp_path / "new.yaml"
    new.write_text(convert(block("03")))
    for command in (["plan", str(new)], ["plan", "two_body/heads"]):
        done = CliRunner().invoke(app, [*command, "--dated", "2025-11-05"])
        assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
        assert "--dated" in done.output


def test_a_real_file_becomes_a_base():
    sweep = read_older(FILE)
    assert sweep["study"] == "two_body"
    assert sweep["description"] == "complex-lofi-mlp_4D_signed-pe-tanh"
    assert sweep["vary"] == {}
    assert DatasetConfig(**sweep["base"]["dataset"]) == DatasetConfig(orbits=100)
    model = ModelConfig(**sweep["base"]["model"])
    assert model.solver.method == "tsit5"
    assert (model.solver.rtol, model.solver.atol) == (1e-6, 1e-8)
    assert (model.loss.name, model.activation, model.batch_size) == ("percent_error", "tanh", 256)
    (phase,) = sweep["base"]["model"]["phases"]
    assert phase == {"steps": 1000, "learning_rate": 0.001, "segment_length": 18, "window": [0.0, 1.0]}


def test_ten_windows_share_one_segment_length():
    (row,) = load_sweep(block("17")).rows
    phases = row.configuration.model.phases
    assert [list(phase.window) for phase in phases] == TEN_WINDOWS
    assert {(phase.segment_length, phase.steps) for phase in phases} == {(18, 500)}


@pytest.mark.parametrize("number", PLANNED)
def test_the_conversion_of_a_real_file_is_the_same_configuration(number, tmp_path):
    new = tmp_path / "new.yaml"
    new.write_text(convert(block(number)))
    assert [row.configuration.item.hash for row in load_sweep(new).rows] == [
        row.configuration.item.hash for row in load_sweep(block(number)).rows
    ]
    assert load_sweep(new).warnings == ()


def test_equal_blocks_of_data_warn_and_different_ones_are_refused(tmp_path):
    assert "block_01.yaml:6: data: given twice, with equal content" in load_sweep(block("01")).warnings[0]
    other = tmp_path / "other.yaml"
    other.write_text(block("01").read_text().replace("planar_10_train", "planar_1_train", 1))
    with pytest.raises(SweepError, match=r"other\.yaml:6: data: given twice, and differently in line 3") as caught:
        load_sweep(other)
    assert len(caught.value.problems) == 1


def test_the_sweep_of_two_readings_plans_once_its_windows_are_lists(tmp_path):
    text = block("00").read_text()
    one, two = (text.replace(f"{' ' * 24}[0.0,1.0],\n", new) for new in ("", f"{' ' * 24}[[0.0,1.0]],\n"))
    for name, new, count in (("one", one, 288), ("two", two, 576)):
        (tmp_path / f"{name}.yaml").write_text(new)
        axes = read_older(read_document(tmp_path / f"{name}.yaml").data)["vary"]
        assert prod(map(len, axes.values())) == count


@pytest.mark.parametrize("key", SETTINGS)
def test_one_candidate_is_a_value_and_two_are_an_axis(key):
    values = {"loss_fcn": ["percent_error", "mean_squared_error"], "output_layer": ["mlp_4D_signed", "mlp_4D_abs"]}
    one, two = values.get(key, [0.25, 0.5])
    *parents, last = SETTINGS[key].split(".")
    for written in (one, [one]):
        target = read(**{key: written})["base"]
        for parent in parents:
            target = target[parent]
        assert target[last] == one
    assert read(**{key: [one, two]})["vary"] == {SETTINGS[key]: [one, two]}


@pytest.mark.parametrize("name", SYNONYMS)
def test_other_names_of_heads_are_resolved_with_a_decision(name):
    sweep = read(output_layer=[name, "mlp_4D_signed"])
    present, _ = SYNONYMS[name]
    assert sweep["vary"] == {"model.output_layer": [present, "mlp_4D_signed"]}
    assert decided(sweep, f"model.output_layer: {name} is read as {present}")


@pytest.mark.parametrize(
    ("dated", "head"),
    [("2025-10-21", "signed"), ("2025-11-17", "signed"), ("2025-11-18", "abs"), ("2025-12-04", "abs"), (None, "abs")],
)
def test_mlp_4d_is_resolved_by_the_date(dated, head):
    sweep = read(dated, output_layer="mlp_4D")
    assert sweep["base"]["model"]["output_layer"] == f"mlp_4D_{head}"
    (decision,) = decided(sweep, f"mlp_4D is read as mlp_4D_{head}")
    assert ("--dated YYYY-MM-DD" in decision) == (dated is None)


def test_a_date_that_is_no_day_is_refused():
    with pytest.raises(ValueError, match=r'dated: "November" given; expected a day such as 2025-11-05'):
        read("November")


def test_the_command_line_says_the_date_and_a_file_without_one_warns(fresh_home):
    assert any("--dated YYYY-MM-DD" in warning for warning in load_sweep(block("20")).warnings)
    assert "output_layer: mlp_4D_abs" in convert(block("20"))
    assert "output_layer: mlp_4D_signed" in convert(block("20"), Additions(dated="2025-11-05"))
    done = CliRunner().invoke(app, ["convert", str(block("20")), "--dated", "2025-11-05"])
    assert (done.exit_code, "mlp_4D_signed" in done.output) == (0, True)
    assert CliRunner().invoke(app, ["plan", str(block("20")), "--dated", "2025-11-05"]).exit_code == 0


def test_two_names_of_one_head_are_one_candidate():
    sweep = read(output_layer=["mlp_4D_softplus", "mlp_4D_accsoftplus"])
    assert sweep["base"]["model"]["output_layer"] == "mlp_4D_softplus"
    assert decided(sweep, "left out")


def test_the_standard_test_sets_are_a_decision():
    assert read()["tests"] == STANDARD_TESTS
    assert decided(read(), "tests: none named")


def test_project_and_entity_of_the_tracker_are_left_out_with_a_decision():
    sweep = read_older(FILE | {"wandb": {"group": "lofi", "project": "orbits", "entity": "us"}})
    assert sweep["description"] == "lofi"
    assert len(decided(sweep, "is left out; runs are kept and tracked locally")) == 2
    with pytest.raises(ValueError, match=r"wandb\.groop: unknown key; nearest: group"):
        read_older(FILE | {"wandb": {"groop": "lofi"}})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"problem": "CR3BP"}, r'data\.problem: \["CR3BP"\] given; expected 2BP'),
        ({"dataset_name": "j2_3d_10_train"}, "dataset_name: j2_3d_10_train is of j2; expected one of two_body"),
    ],
)
def test_another_problem_than_the_files_is_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        read(**changes)


def test_a_list_of_one_is_repeated_for_all_phases():
    sweep = read(length_strategy=[TEN_WINDOWS], steps_strategy=[[500] * 10])
    phases = sweep["base"]["model"]["phases"]
    assert [phase["window"] for phase in phases] == TEN_WINDOWS
    assert {phase["segment_length"] for phase in phases} == {18}
    assert {phase["learning_rate"] for phase in phases} == {0.001}
    assert len(decided(sweep, "is repeated for all 10 phases")) == 2


def test_any_other_length_names_the_key():
    text = refusal(steps_strategy=[[500, 500, 500]], lr_strategy=[[0.001, 0.0001]])
    assert text.startswith("lr_strategy: [0.001, 0.0001] has 2 entries; expected 1, or 3 as in steps_strategy")


def test_several_candidates_are_the_product_of_their_phases():
    sweep = read(
        length_strategy=[[[0.0, 0.1], [0.0, 0.5], [0.0, 1.0]]],
        steps_strategy=[[1000, 1000, 1000], [500]],
        segment_length_strategy=[[4], [10], [18]],
    )
    variants = sweep["vary"]["phases"]
    assert list(variants)[:2] == ["steps-1000-x3_segment-4", "steps-1000-x3_segment-10"]
    assert len(variants) == 6
    for variant in variants.values():
        phases = ModelConfig(**variant["model"]).phases
        assert len(phases) == 3
        assert phases[2].window == (0.0, 1.0)
    assert "phases" not in sweep["base"]["model"]


def test_candidates_with_equal_labels_stay_separate_variants():
    sweep = read(segment_length_strategy=[[18], [18]])
    assert len(sweep["vary"]["phases"]) == 2


def test_a_bare_window_among_lists_of_windows_is_refused_with_both_readings():
    text = refusal(length_strategy=[[[0.0, 0.1], [0.0, 1.0]], [0.0, 1.0]])
    assert "length_strategy" in text
    assert "2 candidates, [[[0.0, 0.1], [0.0, 1.0]], [[0.0, 1.0]]]" in text
    assert "1 with the bare window [start, stop] a mistake, [[[0.0, 0.1], [0.0, 1.0]]]" in text


@pytest.mark.parametrize(
    ("key", "value", "first", "second"),
    [
        ("length_strategy", [[0.0, 0.1], [0.0, 1.0]], "[[[0.0, 0.1]], [[0.0, 1.0]]]", "[[[0.0, 0.1], [0.0, 1.0]]]"),
        ("lr_strategy", [0.001, 0.0001], "[[0.001], [0.0001]]", "[[0.001, 0.0001]]"),
        ("steps_strategy", [500, 2000], "[[500], [2000]]", "[[500, 2000]]"),
    ],
)
def test_bare_entries_are_refused_with_both_readings(key, value, first, second):
    text = refusal(**{key: value})
    assert f"2 candidates, {first}" in text
    assert f"1 candidate with 2 phases, {second}" in text


@pytest.mark.parametrize("value", [[[[0.0, 1.0]]], [[0.0, 1.0]], [0.0, 1.0]])
def test_a_single_window_has_one_reading_however_nested(value):
    assert read(length_strategy=value)["base"]["model"]["phases"][0]["window"] == [0.0, 1.0]


@pytest.mark.parametrize("value", [[[0.0, 0.5, 1.0]], [], [[]], "all", [[["a", "b"]]], [[[True, False]]], None])
def test_what_is_no_window_is_refused(value):
    assert "window [start, stop] per phase" in refusal(length_strategy=value)


def test_several_training_sets_are_variants_of_the_dataset():
    sweep = read(dataset_name=["complex_TBP_planar_1_train", "complex_TBP_planar_fixnu0_10"])
    variants = sweep["vary"]["dataset_name"]
    assert list(variants) == ["complex_TBP_planar_1_train", "complex_TBP_planar_fixnu0_10"]
    datasets = [DatasetConfig(**variant["dataset"]) for variant in variants.values()]
    assert datasets == [DatasetConfig(orbits=1), DatasetConfig(orbits=10, true_anomaly=0.0)]


def test_a_number_of_trajectories_takes_the_first_orbits():
    sweep = read(dataset_name=["complex_TBP_planar_100_train"], num_trajs=[4])
    assert DatasetConfig(**sweep["base"]["dataset"]) == DatasetConfig(orbits=4)
    assert decided(sweep, "first 4 orbits")
    assert "num_trajs: 40 given" in refusal(dataset_name=["complex_TBP_planar_10_train"], num_trajs=[40])
    assert "num_trajs: [0] given" in refusal(num_trajs=[0])


def test_all_problems_are_reported_at_once():
    text = refusal(
        dataset_name=["complex_TBP_planar_11_train"], lr_stategy=[[0.001]], steps_strategy=[1, 2], width=[[64]]
    )
    lines = text.splitlines()
    assert len(lines) == 4
    assert any("nearest" in line and "complex_TBP_planar_10_train" in line for line in lines)
    assert any(line.startswith("parameters.lr_stategy: unknown key; nearest: lr_strategy") for line in lines)


def test_open_choices_become_decisions():
    sweep = read(loss_fcn=["percent_error_plus_nmse"], train_val_split=[0.8])
    for path in ("model.solver.method", "model.optimiser", "model.seed", "model.split_by", "model.loss.rmse_weight"):
        assert decided(sweep, path)
    assert not decided(read(loss_fcn=["percent_error_plus_nmse"], mse_weight=[50]), "rmse_weight")


def test_keys_of_other_formats_are_refused():
    with pytest.raises(ValueError, match="method: unknown key"):
        read_older(FILE | {"method": "random"})
    with pytest.raises(ValueError, match="parameters"):
        read_older({"parameters": [1]})


def test_reading_needs_no_numerics():
    import subprocess

    code = "import sys, trainers; trainers.STUDIES['two_body'].older; assert not {'jax', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
