"""What a sweep left: one model by its key, and the table of a sweep."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assets
from assets.catalogue import Catalogue
from assets.identity.items import evaluation_item
from assets.statistics.sweep_table import Loaded, load, sweep_table
from assets.store.store import Missing, Store
from assets.sweeps.sweep import Configuration, Row, Sweep
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig, ModelConfig
from tests.toy_study.items import TEST, make, make_inputs, toy_evaluation, toy_model
from trainers import STUDIES

SETTINGS = {"fine": {}, "bad": {"behaviour": "diverge"}, "unmade": {"seed": 5}}
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A store in which one configuration is fine, one diverged, and one was never run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(tmp_path_factory.mktemp("results") / "home"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        store = Store()
        fine, bad = toy_model(), toy_model(**SETTINGS["bad"])
        make_inputs(store, fine, bad)
        make(store, fine, bad, toy_evaluation(fine))
        yield store


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    rows = []
    for name, settings in SETTINGS.items():
        item = toy_model(**settings)
        configuration = Configuration("toy", DatasetConfig(), ModelConfig(**settings), item)
        rows.append(
            Row(configuration, {"variant": name, "model.seed": settings.get("seed", 0)}, (toy_evaluation(item),))
        )
    return Sweep("toy/three", "toy", Path("three.yaml"), "", {"test": TEST}, tuple(rows), ("variant", "model.seed"))


def test_a_model_is_loaded_by_key_or_hash(swept):
    item = toy_model()
    for key in (item.key, item.hash):
        model = load("toy", key, swept)
        assert (model.key, model.config, model.dataset) == (item.key, ModelConfig(), DatasetConfig())
    assert list(model.history.columns[:2]) == ["phase", "step"]
    assert len(model.history) > 1
    state = np.array([0.3, -0.2])
    assert np.linalg.norm(model.predictor(state) - state) < 0.2
    assert model.trained.fitted["scale"] > 0


def test_its_evaluations_come_by_test_set(swept):
    (name, evaluation), *others = load("toy", toy_model().hash, swept).evaluations.items()
    assert (name, others) == ("test", [])
    assert set(evaluation.summary["metric"]) == {"step_error", "baseline"}
    assert len(evaluation.tables["per_trajectory"]) == 4


def test_an_evaluation_of_an_older_version_of_the_model_does_not_count(swept):
    model = load("toy", toy_model().hash, swept)
    older = Loaded(**vars(model) | {"manifest": {**model.manifest, "fingerprint": "other"}})
    assert older.evaluations == {}


@pytest.mark.parametrize(
    ("study", "key", "complaint"),
    [
        ("toy", toy_model(**SETTINGS["bad"]).key, "has no trained model: diverged"),
        ("toy", toy_model(**SETTINGS["unmade"]).key, "is not in the store"),
        ("orbits", "a-0123456789ab", "unknown study 'orbits'; expected one of two_body"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_one_line(swept, study, key, complaint):
    with pytest.raises(Missing) as error:
        load(study, key, swept)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_key_that_is_none_is_refused(swept):
    with pytest.raises(Missing, match="is not in the store"):
        load("toy", "../../etc/passwd", swept)


def test_a_table_has_a_row_per_configuration_and_test_set(swept, sweep):
    table = sweep_table(sweep, swept).set_index("variant")
    assert table["status"].to_dict() == {"fine": "ok", "bad": "diverged", "unmade": "missing"}
    assert table["key"].to_dict() == {name: toy_model(**settings).key for name, settings in SETTINGS.items()}
    assert set(table["test"]) == {"test"}
    assert set(table["test_dataset"]) == {TEST.key}
    assert table.loc["unmade", "model.seed"] == 5
    assert table.loc["fine", "train_segments"] > 0
    assert len(table.loc["fine", "fingerprint"]) == 12


def test_a_table_says_what_every_stage_cost(swept, sweep):
    table = sweep_table(sweep, swept).set_index("variant")
    for stage in ("simulate", "segment", "train", "train_cpu", "evaluate", "evaluate_cpu"):
        assert table.loc["fine", f"{stage}_seconds"] >= 0, stage
        assert math.isnan(table.loc["unmade", f"{stage}_seconds"]) or stage in ("simulate", "segment"), stage
    assert table.loc["fine", "train_seconds"] > 0


def test_metrics_are_those_of_the_evaluation_and_nan_where_there_is_none(swept, sweep):
    table = sweep_table(sweep, swept).set_index("variant")
    summary = load("toy", toy_model().hash, swept).evaluations["test"].summary.set_index("metric")["value"]
    assert table.loc["fine", "step_error"] == summary["step_error"]
    assert table.loc["fine", "baseline"] == summary["baseline"]
    assert table["step_error"].dtype == np.float64
    assert all(math.isnan(table.loc[name, "step_error"]) for name in ("bad", "unmade"))
    assert table["step_error"].idxmin() == "fine"


def test_a_table_in_which_all_failed_is_typed(swept, sweep):
    failed = Sweep(**vars(sweep) | {"rows": sweep.rows[1:]})
    table = sweep_table(failed, swept)
    assert table["step_error"].dtype == np.float64
    assert set(table["status"]) == {"diverged", "missing"}


def test_a_second_test_set_is_a_second_row(swept, sweep):
    first = sweep.rows[0]
    other = evaluation_item(first.configuration.item, "again", TEST)
    both = Sweep(
        **vars(sweep)
        | {"rows": (Row(first.configuration, first.axes, (*first.evaluations, other)),)}
        | {"tests": {"test": TEST, "again": TEST}}
    )
    assert list(sweep_table(both, swept)["test"]) == ["test", "again"]


def test_a_table_is_found_by_the_name_of_its_sweep(swept, sweep, monkeypatch):
    monkeypatch.setattr("assets.catalogue.read_catalogue", lambda: Catalogue({sweep.name: sweep}, {}))
    pd.testing.assert_frame_equal(assets.table("toy/three"), sweep_table(sweep, swept))
    with pytest.raises(LookupError, match="no sweep 'toy/four' under sweeps/; there are: toy/three"):
        assets.table("toy/four")


def test_the_face_of_assets_is_light():
    code = "import sys, assets; heavy = {'pandas', 'numpy', 'jax', 'torch', 'pyarrow'} & set(sys.modules); print(heavy)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
