"""Partition keys: what a sweep varies, and as many digits as tell its artifacts apart."""

import re
from dataclasses import replace

import pytest

from assets.catalogue import read_catalogue
from assets.identity.labels import MAX_LABEL
from assets.sweeps.keys import with_keys
from tests.assets.sweep_study import GOOD
from trainers import STUDIES

pytest_plugins = ("tests.assets.sweep_fixtures",)

GRAMMAR = re.compile(r"[a-z0-9][a-z0-9._-]{0,18}-[0-9a-f]{8}")


def items(sweep):
    return [item for layer in sweep.items().values() for item in layer]


def keys(sweep, layer="model"):
    return [item.key for item in sweep.items()[layer]]


def labels(sweep, layer="model"):
    return [item.label for item in sweep.items()[layer]]


def test_keys_of_the_shipped_sweeps_fit_the_list_of_dagster():
    sweeps = read_catalogue().sweeps.values()
    assert len(sweeps) > 10
    for item in (item for sweep in sweeps for item in items(sweep)):
        assert GRAMMAR.fullmatch(item.key) and len(item.key) <= 28, item.key
        assert item.key == f"{item.label}-{item.hash[:8]}" and len(item.hash) == 12


def test_no_two_artifacts_of_a_layer_share_a_key():
    catalogue = read_catalogue()
    for study in STUDIES:
        keys = {}
        for sweep in catalogue.sweeps.values():
            for item in items(sweep) if sweep.study == study else ():
                assert keys.setdefault((item.layer, item.key), item.hash) == item.hash
                assert sum(hash[:8] == item.hash[:8] for (layer, _), hash in keys.items() if layer == item.layer) == 1


def test_the_shipped_default_says_its_heads_and_seeds():
    assert keys(read_catalogue().sweeps["two_body/heads"])[0] == "signed.s0-6e8c9f67"


@pytest.mark.usefixtures("paper")
class TestLabels:
    def test_a_model_says_what_the_sweep_varies_and_the_seed_last(self, sweep):
        assert labels(sweep(GOOD)) == ["plain.s0", "signed.s0", "plain.s1", "signed.s1"]
        turned = GOOD.replace(
            "  model.head: [plain, signed]\n  model.seed: [0, 1]", "  model.seed: [0, 1]\n  model.width: [8, 16]"
        )
        assert labels(sweep(turned)) == ["width8.s0", "width16.s0", "width8.s1", "width16.s1"]

    def test_an_evaluation_says_its_test_set_where_there_are_several(self, sweep):
        assert labels(sweep(GOOD), "evaluation")[:2] == ["plain.s0.test", "plain.s0.other"]
        one = GOOD.replace("tests: [test, {other: {size: 3, seed: 9}}]", "tests: [test]")
        assert labels(sweep(one), "evaluation")[:2] == ["plain.s0", "signed.s0"]

    def test_a_dataset_has_the_name_of_its_preset_or_of_its_test(self, sweep):
        assert labels(sweep(GOOD), "dataset") == ["small", "test", "other"]
        assert labels(sweep(GOOD), "segments") == ["small"]

    def test_a_long_name_of_a_dataset_loses_words_and_is_not_cut(self, sweep):
        names = {
            "elliptic_planar_set_10_test": "elliptic-10-test",
            "circular_planar_100_train": "circular-100-train",
            "harmonic_oscillator_test": "harmonic-test",
            "short_3d_1_test": "short-3d-1-test",
        }
        tests = ", ".join(f"{{{name}: {{size: 3, seed: {seed}}}}}" for seed, name in enumerate(names, 20))
        found = labels(sweep(GOOD.replace("{other: {size: 3, seed: 9}}", tests)), "dataset")
        assert found[2:] == list(names.values())

    def test_datasets_and_segments_say_the_axes_on_which_they_depend(self, sweep):
        text = (
            "study: paper\nvary: {dataset.size: [3, 4], dataset.seed: [5, 6], model.width: [8, 16], model.seed: [0, 1]}"
        )
        assert labels(sweep(text), "dataset") == ["size3.d5", "size4.d5", "size3.d6", "size4.d6"]
        assert labels(sweep(text), "segments") == labels(sweep(text), "dataset")
        assert labels(sweep(text))[0] == "size3.width8.d5.s0"

    def test_without_an_axis_the_file_gives_the_label(self, sweep):
        assert labels(sweep("study: paper\nbase: {model: {width: 3}}", "my_trial")) == ["my-trial"]
        assert labels(sweep("study: paper\nvary: {model.seed: [0, 1]}", "my_trial")) == ["my-trial.s0", "my-trial.s1"]

    def test_records_and_long_lists_are_counted(self, sweep):
        axis = "vary: {model.phases: [[{steps: 5}], [{steps: 6}, {steps: 7}]]}"
        assert labels(sweep(f"study: paper\n{axis}")) == ["phases-a", "phases-b"]


@pytest.mark.usefixtures("paper")
class TestKeys:
    def test_an_artifact_of_two_sweeps_has_one_key_and_a_later_sweep_changes_none(self, sweep):
        first, later = (
            sweep(GOOD, "one"),
            sweep(GOOD.replace("model.head: [plain, signed]", "model.head: [plain]"), "two"),
        )
        assert labels(later) == ["two.s0", "two.s1"]
        alone = keys(first)
        together = with_keys([later, first])
        assert keys(together[1]) == alone
        assert set(keys(together[0])) <= set(alone)

    def test_the_default_sweep_names_first(self, sweep):
        first, default = (
            sweep(GOOD, "one"),
            replace(sweep("study: paper\nvary: {model.seed: [0, 1]}", "two"), default=True),
        )
        short = sweep("study: paper\nvary: {model.width: [64, 8], model.seed: [0]}", "also")
        named = with_keys([short, default, first])
        shared = {item.hash for item in default.items()["model"]} & {item.hash for item in short.items()["model"]}
        assert len(shared) == 1
        assert {item.label for item in named[0].items()["model"] if item.hash in shared} == {"two.s0"}

    def test_hashes_that_share_eight_digits_get_more_of_them(self, sweep):
        one = sweep(GOOD)
        first, second = one.rows[0].configuration.item, one.rows[1].configuration.item
        twin = replace(second, hash=first.hash[:9] + ("0" if first.hash[9] != "0" else "1") + second.hash[10:])
        evaluations = tuple(replace(each, inputs=(twin, each.inputs[1])) for each in one.rows[1].evaluations)
        configuration = replace(one.rows[1].configuration, item=twin)
        row = replace(one.rows[1], configuration=configuration, evaluations=evaluations)
        (keyed,) = with_keys([replace(one, rows=(one.rows[0], row, *one.rows[2:]))])
        keys = [item.key for item in keyed.items()["model"]]
        assert keys[0].endswith(f"-{first.hash[:10]}") and keys[1].endswith(f"-{twin.hash[:10]}")
        assert all(len(key.rsplit("-", 1)[1]) == 8 for key in keys[2:])

    def test_labels_and_digits_are_no_part_of_the_identity(self, sweep):
        item = sweep(GOOD).rows[0].configuration.item
        assert item == replace(item, label="another", digits=12) and hash(item) == hash(replace(item, label="another"))
        assert len(item.label) <= MAX_LABEL
