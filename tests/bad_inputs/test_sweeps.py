"""Sweeps and searches that go wrong where a check is missing."""

import numpy as np
import pytest
from typer.testing import CliRunner

from assets.search.search import Search
from assets.search.search_file import load
from assets.statistics.caveats import caveats
from assets.statistics.experiment import Experiment
from assets.store.store import Store
from assets.sweeps.yaml_loader import SweepError
from assets.tracking.mlflow_runs import settings as tracked_settings
from orchestration.cli import app
from tests.bad_inputs.inputs import loaded, made, path_of, settings, write
from tests.documents import ROOT
from tests.orchestration.conftest import copy_project
from trainers.two_body.apply import Predictor
from trainers.two_body.config import DatasetConfig, ModelConfig
from trainers.two_body.simulate import simulate


@pytest.mark.training
def test_very_eccentric_orbits_are_integrated_as_promised(fresh_home):
    table = made(loaded(path_of("high_e"))).set_index(["model.kind", "test"])["position_error"]
    assert table["true_law", "far"] < 1.6e-4 and table["true_law", "long"] < 0.02


@pytest.mark.training
def test_a_rollout_that_cannot_be_resolved_is_marked(fresh_home, tmp_path):
    true_law = Predictor(ModelConfig(kind="true_law"), (), "two_body")
    data = simulate(DatasetConfig(orbits=3, points=6, semi_major_axis=(9e5, 9e5), eccentricity=(0.99, 0.992)))
    states, unresolved = true_law.rollout_and_resolution(data.y[:, 0], data.t)
    wrong = ~(np.linalg.norm(states - data.y, axis=2) < 1e-3 * np.linalg.norm(data.y, axis=2)).all(axis=1)
    assert unresolved.all() and wrong.any()
    content = settings("high_e") | {
        "tests": [{"coarse": {"orbits": 2, "points": 6, "semi_major_axis": [9e5, 9e5], "eccentricity": [0.99, 0.992]}}],
        "vary": {"model.kind": ["true_law"]},
    }
    sweep = loaded(write(tmp_path, content))
    assert made(sweep)["unresolved"].tolist() == [2]
    assert "2 not resolved" in list(caveats(Experiment(sweep, Store()), sweep.rows, "coarse"))


def problems(name: str) -> str:
    with pytest.raises(SweepError) as refused:
        load(path_of(name))
    return "\n".join(refused.value.problems)


def test_seeds_that_a_generator_cannot_tell_apart_are_refused():
    assert problems("seeds_big").count("expected less than 4294967296") == 2
    assert "given -1; expected greater than or equal to 0" in problems("seeds_neg")
    assert "given 18446744073709551616; expected less than 4294967296" in problems("seeds_neg")


@pytest.mark.parametrize("name", ["s_docs", "s_noval"])
def test_a_search_in_which_nothing_validates_is_refused(name):
    assert "nothing validates: all training trajectories train; set model.train_fraction below 1" in problems(name)
    done = CliRunner().invoke(app, ["plan", str(path_of(name))])
    assert done.exit_code == 2


def test_an_objective_that_no_model_measures_is_refused_with_the_nearest():
    assert "given 'validation_los', which no model measures; nearest: validation_loss" in problems("s_typo")


def test_shipped_searches_and_those_in_documents_validate():
    searches = [load(path) for path in sorted((ROOT / "sweeps").glob("*/tune.yaml"))]
    assert len(searches) >= 3
    for search in searches:
        assert isinstance(search, Search) and all(corner.model.validates() for corner in search.corners)


@pytest.mark.training
def test_where_every_answer_runs_away_it_is_counted_and_nothing_averaged(fresh_home):
    table = made(loaded(path_of("allfail_eval")))
    assert (table["status"] == "ok").all()
    failed = table[table["failures"] == table["test"].map({"one": 1, "few": 3})]
    assert len(failed) and failed["rmse"].isna().all()
    others = table.drop(failed.index)
    assert others["rmse"].notna().all(), "a target is constant by the training set, not by a test set of one series"


def test_facts_with_any_name_can_be_tracked():
    row = loaded(path_of("ml_name")).rows[0]
    named = tracked_settings(row.configuration.item)
    assert named["dataset.meta.source_ made by _me_"] == "here"
    assert all(len(name) <= 250 and name.isascii() for name in named)


@pytest.mark.launch
def test_sweeps_without_a_test_set_train_and_say_that_nothing_ranks(tmp_path, monkeypatch):
    project = copy_project(tmp_path / "project")
    for name in ("no_tests", "only_train", "ml_name"):
        write(project.root / "sweeps/two_body", settings(name), name)
    (project.root / "tests/bad_inputs/data").mkdir(parents=True)
    (project.root / "tests/bad_inputs/data/du.csv").write_bytes((ROOT / "tests/bad_inputs/data/du.csv").read_bytes())
    text = project.orrery("run", "two_body/no_tests")
    assert "trained 1" in text
    for command in ("table", "report"):
        project.orrery(command, "two_body/no_tests")
    assert "Nothing is evaluated and nothing ranks" in project.orrery("table", "two_body/no_tests")
    assert "trained 1" in project.orrery("run", "two_body/only_train"), "one of two models is known"
    table = project.orrery("table", "two_body/only_train")
    assert "Nothing ranks: the only test set is the training set" in " ".join(table.split()) and "over ;" not in table
    monkeypatch.setenv("ORRERY_TRACKING", "on")
    assert "trained 1" in project.orrery("run", "two_body/ml_name")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            {"study": "two_body", "base": {"dataset": {"orbits": 1, "seed": 2**63}}},
            "expected less than 9223372036854775808",
        ),
        ({"study": "urease", "base": {"dataset": {"seed": -1}}}, "expected greater than or equal to 0"),
        ({"study": "vehicle", "base": {"model": {"known": {"lf": -0.1}}}}, "expected greater than 0"),
        ({"study": "phase_field", "base": {"dataset": {"mean": [0.0, 0.5]}}}, "expected greater than 0"),
        (
            settings("s_noval") | {"search": settings("s_noval")["search"] | {"seed": 2**32}},
            "expected less than 4294967296",
        ),
    ],
)
def test_bounds_are_types(content, problem, tmp_path):
    with pytest.raises(SweepError, match=problem):
        load(write(tmp_path, content))
