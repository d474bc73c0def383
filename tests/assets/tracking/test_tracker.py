import logging
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from assets.store.store import Store
from assets.tracking.tracker import Tracker
from tests.assets.conftest import register_toy
from tests.toy_study.items import make, make_inputs, toy_evaluation, toy_model

pytestmark = pytest.mark.launch


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Models in a store with one evaluation each, one of them failed, and a database of MLflow."""
    place = tmp_path_factory.mktemp("tracking")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(place / "home"))
        register_toy(patch)
        store = Store()
        models = [toy_model(seed=0), toy_model(seed=1), toy_model(behaviour="diverge")]
        make_inputs(store, *models)
        make(store, *models, *map(toy_evaluation, models[:2]))
        yield store, models, place / "mlflow"


@pytest.fixture(scope="module")
def tracker(stored):
    store, _, directory = stored
    tracker = Tracker(directory, store)
    assert tracker.prepare()
    return tracker


@pytest.fixture
def client(stored, tracker):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{stored[2] / 'mlflow.db'}")


def runs(client):
    (experiment,) = client.search_experiments(filter_string="name = 'toy'")
    return client.search_runs([experiment.experiment_id])


def test_a_configuration_is_one_run_however_often_it_is_logged(stored, tracker, client):
    _, (model, *_), _ = stored
    first = tracker.log(model, [], "dagster-1")
    again = tracker.log(model, [toy_evaluation(model)], "dagster-2")
    history = client.get_metric_history(first, "history/loss")
    assert first == again == tracker.log(model, [toy_evaluation(model)], "dagster-3")
    assert client.get_metric_history(first, "history/loss") == history
    (run,) = [run for run in runs(client) if run.data.tags["orrery.hash"] == model.hash]
    assert run.info.status == "FINISHED" and run.info.run_name == model.key
    assert run.data.tags["dagster.run_id"] == "dagster-1" and run.data.tags["orrery.key"] == model.key
    assert run.data.params["model.phases.0.steps"] == "60" and run.data.params["dataset.trajectories"] == "8"
    assert 30 <= len(history) <= 60 and history[-1].step == 60
    assert run.data.metrics["test/step_error"] < run.data.metrics["test/baseline"]


def test_the_link_names_experiment_and_run(stored, tracker, client):
    _, (model, *_), _ = stored
    run_id = tracker.log(model, [])
    experiment = client.get_run(run_id).info.experiment_id
    assert tracker.link(model, run_id) == f"#/experiments/{experiment}/runs/{run_id}"


def test_a_failed_training_is_a_failed_run_with_its_history(stored, tracker, client):
    *_, failed = stored[1]
    run = client.get_run(tracker.log(failed, []))
    assert (run.info.status, run.data.tags["orrery.status"]) == ("FAILED", "diverged")
    assert len(client.get_metric_history(run.info.run_id, "history/learning_rate")) == 30


def test_logging_takes_a_tenth_of_a_second(stored, tracker, client):
    _, (_, model, _), _ = stored
    began = time.monotonic()
    tracker.log(model, [toy_evaluation(model)])
    assert time.monotonic() - began < 1.0 * max(1.0, os.getloadavg()[0])
    assert runs(client)


def test_a_locked_database_costs_one_warning_and_is_made_up_for(stored, caplog, client):
    store, (model, *_), directory = stored
    fresh = toy_model(seed=7)
    make_inputs(store, fresh)
    make(store, fresh)
    tracker = Tracker(directory, store, patience=0.3)
    assert tracker.prepare()
    with sqlite3.connect(directory / "mlflow.db") as blocker, caplog.at_level(logging.WARNING):
        blocker.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        assert tracker.log(fresh, []) is None and tracker.log(model, []) is None
        assert time.monotonic() - began < 2.0 * max(1.0, os.getloadavg()[0])
        blocker.rollback()
    assert len([record for record in caplog.records if "MLflow is behind" in record.message]) == 1
    tracker.flush(20)
    tracker.patience = 20.0
    assert tracker.log(fresh, []) is not None
    assert sum(run.data.tags["orrery.hash"] == fresh.hash for run in runs(client)) == 1


def test_a_database_that_is_none_costs_one_warning(stored, tmp_path, caplog):
    store, (model, *_), _ = stored
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    tracker = Tracker(tmp_path, store)
    with caplog.at_level(logging.WARNING):
        assert not tracker.prepare()
        assert tracker.log(model, []) is None
    assert len([record for record in caplog.records if "MLflow is behind" in record.message]) == 1


def test_two_at_once_make_one_run(stored, tracker, client):
    store, _, directory = stored
    fresh = toy_model(seed=8)
    make_inputs(store, fresh)
    make(store, fresh)
    trackers = [Tracker(directory, store, patience=20.0) for _ in range(2)]
    assert all(tracker.prepare() for tracker in trackers)
    with ThreadPoolExecutor() as pool:
        ids = set(pool.map(lambda tracker: tracker.log(fresh, []), trackers))
    assert len(ids) == 1 and None not in ids


def test_tracking_that_is_off_writes_nothing(stored, monkeypatch, tmp_path):
    tracker = Tracker(None)
    assert tracker.log(stored[1][0], []) is None and tracker.flush(0.1)
    monkeypatch.setattr(Tracker, "_shared", None)
    monkeypatch.setenv("ORRERY_TRACKING", "off")
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path))
    assert Tracker.shared().log(stored[1][0], []) is None
    assert not list(tmp_path.iterdir())


def test_importing_the_tracker_imports_no_mlflow():
    script = "import sys, assets.tracking.tracker; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
