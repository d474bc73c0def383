"""The older sweep format: ambiguous names are resolved with a decision, ambiguous structure is refused."""

import sys

import pytest

from trainers.two_body.config import DatasetConfig, ModelConfig
from trainers.two_body.older_format.sweep import HEADS, SETTINGS, read_older

TEN_WINDOWS = [[0.0, tenth / 10] for tenth in range(1, 11)]

PRINTED = {
    "feature_layer": ["sph_4D_rinv_vel"],
    "output_layer": ["mlp_4D_signed"],
    "planar_constraint": [True],
    "width": [64],
    "depth": [2],
    "activation": ["leaky_relu"],
    "loss": ["percent_error"],
    "batch_size": [256],
    "length_strategy": [[[0.0, 1.0]]],
    "lr_strategy": [[0.001]],
    "steps_strategy": [[1000]],
    "segment_length_strategy": [[18]],
    "train_dataset": ["complex_TBP_planar_10_train"],
    "train_val_split": [1.0],
    "num_trajs": [-1],
    "rtol": [0.000001],
    "atol": [0.00000001],
}


def read(**changes):
    return read_older({"parameters": {**PRINTED, **changes}})


def refusal(**changes):
    with pytest.raises(ValueError) as caught:
        read(**changes)
    return str(caught.value)


def decided(sweep, word):
    return [line for line in sweep["decisions"] if word in line]


def test_a_printed_configuration_becomes_a_base():
    sweep = read_older({"name": "lofi", "parameters": PRINTED})
    assert sweep["study"] == "two_body"
    assert sweep["description"] == "lofi"
    assert sweep["vary"] == {}
    assert DatasetConfig(**sweep["base"]["dataset"]) == DatasetConfig(orbits=10)
    model = ModelConfig(**sweep["base"]["model"])
    assert model.solver.method == "tsit5"
    assert (model.solver.rtol, model.solver.atol) == (1e-6, 1e-8)
    (phase,) = sweep["base"]["model"]["phases"]
    assert phase == {"steps": 1000, "learning_rate": 0.001, "segment_length": 18, "window": [0.0, 1.0]}


@pytest.mark.parametrize("key", SETTINGS)
def test_one_candidate_is_a_value_and_two_are_an_axis(key):
    values = {"loss": ["percent_error", "mean_squared_error"], "output_layer": ["mlp_4D_signed", "mlp_4D_abs"]}
    one, two = values.get(key, [0.25, 0.5])
    *parents, last = SETTINGS[key].split(".")
    for written in (one, [one]):
        target = read(**{key: written})["base"]
        for parent in parents:
            target = target[parent]
        assert target[last] == one
    assert read(**{key: [one, two]})["vary"] == {SETTINGS[key]: [one, two]}


@pytest.mark.parametrize("name", HEADS)
def test_ambiguous_heads_are_resolved_with_a_decision(name):
    sweep = read(output_layer=[name, "mlp_4D_signed"])
    present, _ = HEADS[name]
    assert sweep["vary"] == {"model.output_layer": [present, "mlp_4D_signed"]}
    assert decided(sweep, f"model.output_layer: {name} is read as {present}")


def test_mlp_4d_is_the_absolute_head():
    sweep = read(output_layer=["mlp_4D"])
    assert sweep["base"]["model"]["output_layer"] == "mlp_4D_abs"
    assert decided(sweep, "mlp_4D is read as mlp_4D_abs")


def test_two_names_of_one_head_are_one_candidate():
    sweep = read(output_layer=["mlp_4D_softplus", "mlp_4D_accsoftplus"])
    assert sweep["base"]["model"]["output_layer"] == "mlp_4D_softplus"
    assert decided(sweep, "left out")


def test_missing_test_sets_are_the_standard_ones():
    sweep = read()
    assert sweep["tests"] == ["complex_planar_1_test", "complex_planar_10_test", "complex_planar_100_test"]
    assert decided(sweep, "tests: none named")
    named = read(test_dataset=["complex_TBP_planar_1_test"])
    assert named["tests"] == ["complex_TBP_planar_1_test"]
    assert not decided(named, "tests:")


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
    sweep = read(train_dataset=["complex_TBP_planar_1_train", "complex_TBP_planar_fixnu0_10"])
    variants = sweep["vary"]["train_dataset"]
    assert list(variants) == ["complex_TBP_planar_1_train", "complex_TBP_planar_fixnu0_10"]
    datasets = [DatasetConfig(**variant["dataset"]) for variant in variants.values()]
    assert datasets == [DatasetConfig(orbits=1), DatasetConfig(orbits=10, true_anomaly=0.0)]


def test_a_number_of_trajectories_takes_the_first_orbits():
    sweep = read(train_dataset=["complex_TBP_planar_100_train"], num_trajs=[4])
    assert DatasetConfig(**sweep["base"]["dataset"]) == DatasetConfig(orbits=4)
    assert decided(sweep, "first 4 orbits")
    assert "num_trajs: 40 given" in refusal(num_trajs=[40])
    assert "num_trajs: [0] given" in refusal(num_trajs=[0])


def test_a_data_section_reads_like_parameters():
    parameters = {key: value for key, value in PRINTED.items() if key != "train_dataset"}
    data = {"train_dataset": "complex_TBP_planar_10_train"}
    beside = read_older({"parameters": parameters, "data": data})
    inside = read_older({"parameters": {**parameters, "data": data}})
    assert beside == inside == read()


def test_a_key_with_two_values_is_refused():
    with pytest.raises(ValueError, match=r"data\.width: 32 given, but \[64\] before"):
        read_older({"parameters": PRINTED, "data": {"width": 32}})


def test_all_problems_are_reported_at_once():
    text = refusal(
        train_dataset=["complex_TBP_planar_11_train"], lr_stategy=[[0.001]], steps_strategy=[1, 2], width=[[64]]
    )
    lines = text.splitlines()
    assert len(lines) == 4
    assert any("nearest" in line and "complex_TBP_planar_10_train" in line for line in lines)
    assert any(line.startswith("parameters.lr_stategy: unknown key; nearest: lr_strategy") for line in lines)


def test_open_choices_become_decisions():
    sweep = read(loss=["percent_error_plus_nmse"], train_val_split=[0.8])
    for path in ("model.solver.method", "model.optimiser", "model.seed", "model.split_by", "model.loss.rmse_weight"):
        assert decided(sweep, path)
    assert not decided(read(loss=["percent_error_plus_nmse"], mse_weight=[50]), "rmse_weight")


def test_a_sweep_that_is_no_grid_is_refused():
    with pytest.raises(ValueError, match="method: 'random' given"):
        read_older({"method": "random", "parameters": PRINTED})
    with pytest.raises(ValueError, match="parameters"):
        read_older({"parameters": [1]})


def test_reading_needs_no_numerics():
    import subprocess

    code = "import sys, trainers; trainers.STUDIES['two_body'].older; assert not {'jax', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
