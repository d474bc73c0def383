import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.identity.canonical import canonical, digest
from assets.identity.items import dataset_item, evaluation_item, model_item, segments_item, without_shared
from assets.identity.labels import KEY, KEY_DIGITS, MAX_LABEL, Token, digits_of, distinct, fit, label, names
from assets.identity.paths import dotted, flatten
from assets.sweeps.sweep_file import load_sweep
from tests.assets.sweep_study import DatasetConfig, Gru, Loss, Mlp, ModelConfig, Phase
from trainers import STUDIES

pytest_plugins = ("tests.assets.sweep_fixtures",)

GOLDEN = Path(__file__).with_name("golden_hashes.json")
FROZEN = json.loads(GOLDEN.read_text())
CHANGED = (
    "changed: what is stored would be made again, or taken for something else. Give a new field the default that "
    "reproduces the former behaviour; never change a default. Where that is meant, write the new values into "
    "golden_hashes.json and say so in CHANGELOG.md."
)


def items(dataset, model, study="paper"):
    """Return the dataset, segments and model items of a configuration."""
    data = dataset_item(study, dataset)
    segments = segments_item(data, model.segmentation())
    return data, segments, model_item(segments, model)


def model_hash(dataset=None, study="paper", **model):
    return items(dataset or DatasetConfig(), ModelConfig(**model), study)[2].hash


class TestGolden:
    def hashes(self, case):
        """Return the hashes of a golden case, by layer."""
        study = STUDIES[case["study"]]
        dataset, model = study.dataset.model_validate(case["dataset"]), study.model.model_validate(case["model"])
        return {item.layer: item.hash for item in items(dataset, model, study.name)}

    @pytest.mark.parametrize("case", FROZEN["cases"], ids=lambda case: case["name"])
    def test_hashes_stay_as_they_are(self, case):
        assert self.hashes(case) == case["hashes"], f"the identity of {case['name']!r} {CHANGED}"

    @pytest.mark.parametrize("name", STUDIES)
    def test_defaults_stay_as_they_are(self, name):
        dataset, model = STUDIES[name].dataset(), STUDIES[name].model()
        now = {"dataset": dataset, "model": model, "segmentation": model.segmentation()}
        present = dict(flatten({part: config.model_dump(mode="json") for part, config in now.items()}))
        for place, value in flatten(FROZEN["defaults"][name]):
            assert present[place] == value, f"the default of {name} {dotted(place)} {CHANGED}"

    def test_every_study_has_a_golden_case_of_its_defaults(self):
        assert {case["study"] for case in FROZEN["cases"] if not case["dataset"] | case["model"]} == set(STUDIES)


class TestIdentity:
    def test_field_added_with_a_default_changes_nothing(self):
        class LaterPhase(Phase):
            momentum: float = 0.9

        class LaterModel(ModelConfig):
            dropout: float = 0.0
            extra: Loss = Loss(name="none")
            phases: tuple[LaterPhase, ...] = (LaterPhase(),)

        for case in ({}, {"width": 3}, {"phases": [{"steps": 5}, {"rate": 0.1}]}):
            assert canonical(LaterModel.model_validate(case)) == canonical(ModelConfig.model_validate(case))

    def test_default_written_out_is_the_default(self):
        assert model_hash() == model_hash(width=64, loss={"name": "mse"}, phases=[{}], network={"kind": "lstm"})

    def test_one_and_one_point_nought_are_one_number(self):
        assert model_hash(loss={"weight": 1}) == model_hash(loss={"weight": 1.0})
        assert model_hash(loss={"weight": -0.0}) == model_hash(loss={"weight": 0.0})
        assert canonical(DatasetConfig(start=-0.0)) == {"start": 0.0}
        assert digest(canonical(DatasetConfig(start=-0.0))) == digest(canonical(DatasetConfig(start=0.0)))

    def test_members_of_a_union_have_different_hashes(self):
        assert len({model_hash(), model_hash(network=Gru()), model_hash(network=Mlp())}) == 3

    def test_every_setting_counts(self):
        variants = [
            {},
            {"seed": 1},
            {"width": 3},
            {"planar": False},
            {"loss": {"weight": 1.0}},
            {"phases": [{"steps": 5}]},
            {"phases": [{"rate": 5.0}]},
            {"phases": [{}, {}]},
        ]
        hashes = [model_hash(**variant) for variant in variants]
        hashes += [model_hash(DatasetConfig(size=3)), model_hash(DatasetConfig(seed=1)), model_hash(study="other")]
        assert len(set(hashes)) == len(hashes)

    def test_models_with_one_projection_share_segments(self):
        one, two = (items(DatasetConfig(), ModelConfig(width=width, seed=width))[1] for width in (1, 2))
        assert one == two
        assert one.hash != items(DatasetConfig(), ModelConfig(phases=[Phase(segment_length=4)]))[1].hash

    def test_name_of_a_test_set_is_decoration(self):
        _, _, model = items(DatasetConfig(), ModelConfig())
        test = dataset_item("paper", DatasetConfig(size=5))
        assert evaluation_item(model, "a", test) == evaluation_item(model, "b", test)
        assert evaluation_item(model, "a", test).hash != evaluation_item(model, "a", model.dataset).hash

    def test_what_is_no_plain_value_is_refused(self):
        class Odd(Loss):
            names: frozenset[str] = frozenset()

        with pytest.raises(TypeError, match="given a frozenset"):
            canonical(Odd(names={"a"}))

    @pytest.mark.usefixtures("paper")
    def test_only_dataset_and_model_count(self, tmp_path):
        plain = "study: paper\nbase: {model: {width: 3}}\n"
        rest = "description: x\ntests: [test]\nschedule: '0 2 * * *'\ntimezone: Europe/Berlin\ndefault: true\n"
        hashes = set()
        for name, text in (("a", plain), ("b", plain + rest)):
            (tmp_path / f"{name}.yaml").write_text(text)
            hashes.add(load_sweep(tmp_path / f"{name}.yaml").rows[0].configuration.item.hash)
        assert len(hashes) == 1


class TestCohort:
    def cohort(self, dataset=None, **model):
        return items(dataset or DatasetConfig(), ModelConfig(**model))[2].cohort

    def test_shared_settings_do_not_matter(self):
        assert self.cohort() == self.cohort(seed=5, loss={"weight": 2.0}, phases=[{"rate": 0.5}])
        assert self.cohort() == self.cohort(DatasetConfig(seed=4))

    def test_every_other_setting_and_the_dataset_make_another_cohort(self):
        variants = [{}, {"width": 3}, {"loss": {"name": "mae"}}, {"phases": [{"steps": 4}]}, {"phases": [{}, {}]}]
        cohorts = [self.cohort(**variant) for variant in variants] + [self.cohort(DatasetConfig(size=3))]
        assert len(set(cohorts)) == len(cohorts)

    def test_settings_without_the_shared_ones_keep_all_others(self):
        form = {"seed": 3, "width": 4, "phases": [{"rate": 0.1, "steps": 3}, {"rate": 0.2}]}
        rest = {"width": 4, "phases": [{"steps": 3}, {}], "loss": {}}
        assert without_shared(ModelConfig, form) == rest


texts = st.text(max_size=200)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


class TestKeys:
    @given(tree=st.dictionaries(texts, values, max_size=6))
    @settings(max_examples=100, deadline=None)
    def test_every_label_makes_a_key_of_the_grammar(self, tree):
        text = label(tree)
        assert 0 < len(text) <= MAX_LABEL
        assert KEY.fullmatch(text) and text[0] not in "._-" and text[-1] not in "._-"
        assert len(f"{text}-{'0' * KEY_DIGITS}") <= 28

    @given(
        widths=st.lists(st.integers(1, 10**9), min_size=2, max_size=5, unique=True),
        heads=st.sampled_from(["plain", "signed"]),
        rate=st.floats(1e-9, 1e9),
    )
    @settings(max_examples=50, deadline=None)
    def test_different_configurations_never_share_a_key(self, widths, heads, rate):
        labels = [
            items(DatasetConfig(), ModelConfig(width=width, head=heads, phases=[Phase(rate=rate)]))[2].key
            for width in widths
        ]
        assert len(set(labels)) == len(labels)

    def test_labels_say_what_differs(self):
        assert label({}) == "default"
        assert label({"seed": 2, "output_layer": "mlp_4D_abs", "planar": False}) == "ml_4d_ab.planar0.s2"
        assert label({"phases": [{"steps": 500}, {"steps": 50, "learning_rate": 1e-4}]}) == "s500-50.ldef-0.0001"
        assert label({"orbits": 100}, {"width": 16}) == "orbits100.width16"

    def test_seed_survives_the_cut(self):
        assert label({"name": "x" * 36, "other": "y" * 36, "seed": 123}).endswith(".s123")

    @pytest.mark.parametrize(
        ("texts", "parts"),
        [
            (["mlp_4D_signed", "mlp_4D_unit_softplus"], ["signed", "unit-softplus"]),
            (["mlp_signed", "mlp_signed_unit", "rtn_log"], ["signed", "signed-unit", "rtn-log"]),
            (["planar_1_test", "planar_10_test"], ["1", "10"]),
            (
                ["published_best", "refined", "published_base", "fit"],
                ["published-best", "refined", "published-base", "fit"],
            ),
            (["one"], ["one"]),
            (["a", "a_b"], ["a", "a-b"]),
            (["a_x", "b_x", "x"], ["a-x", "b-x", "x"]),
            (["+", "-"], ["default", "default"]),
        ],
    )
    def test_texts_are_shortened_to_what_tells_them_apart(self, texts, parts):
        assert distinct(texts) == parts

    def test_a_number_is_never_cut(self):
        long = [Token("learningrate", "0.00125"), Token("", "complex-planar-100", text=True), Token("orbits", "100")]
        for count in range(1, 4):
            text = fit(long[:count], [Token("s", "10")])
            assert len(text) <= MAX_LABEL and text.endswith(".s10")
            assert set(re.findall(r"[0-9][0-9.]*[0-9]", text)) <= {"0.00125", "100", "10"}

    def test_what_does_not_fit_is_left_out_from_the_end(self):
        assert fit([Token("a", "123456789"), Token("b", "123456789")], [Token("s", "1")]) == "a123456789.s1"

    def test_a_key_is_read_by_its_digits(self):
        hash, key = "ae17a216beef", "signed.s0-ae17a216"
        for name in (key, hash, "ae17", "signed", "another-label-ae17a216", "x-ae17a216be", "signed.s0-ae1"):
            assert names(name, hash, key), name
        for name in ("", "signed.s0-ae17a217", "be17", "igned", "signed.s0-ae17a216beee"):
            assert not names(name, hash, key), name
        assert digits_of("signed.s0-ae17a216") == "ae17a216" and digits_of("signed.s0-ae17") == ""

    def test_golden_cases_differ(self):
        hashes = [case["hashes"]["model"] for case in FROZEN["cases"]]
        assert all(one != other for one, other in pairwise(sorted(hashes)))
