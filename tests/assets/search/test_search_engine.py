"""A search on real workers: interrupted, killed and gone on with, it comes to the same trials."""

import os
import signal

import pytest

from assets.engine.engine import Engine
from assets.search.search_run import SearchRun
from assets.search.trials import trials_of
from assets.store.store import Store
from tests.assets.conftest import register_toy
from tests.assets.toy_search import Inline, Searching

pytestmark = pytest.mark.launch

PRUNER = "{startup_trials: 1, warmup: 20, interval: 10}"
SPACE = """
    model.phases[*].learning_rate: {log_uniform: [1e-3, 0.3]}
    model.behaviour: {choice: [slow]}
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One worker for all tests of this file: importing torch takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(tmp_path_factory.mktemp("engine") / "home"))
        register_toy(patch)
        with Engine(1, grace=10.0) as engine:
            yield engine


@pytest.fixture
def folder(engine, tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    return folder


def end_of(trial):
    return trial.number, trial.state, dict(trial.draws), trial.objective, dict(trial.curve), trial.end["status"]


def test_a_search_that_was_interrupted_and_one_that_was_killed_go_on_with_the_same_trials(
    engine, folder, tmp_path, monkeypatch
):
    search = Searching(folder).load(trials=4, pruner=PRUNER, space=SPACE.strip("\n"))
    lines = []

    def interrupt(line):
        """Ask for an end in the second training, as one Ctrl-C does."""
        lines.append(line)
        started = [one for one in lines if one["event"] == "start" and one["layer"] == "model"]
        if line["event"] == "progress" and len(started) == 2 and line["step"] >= 10:
            engine.interrupt()

    list(SearchRun(search, Store(), engine, interrupt).run())
    states = [trial.state for trial in trials_of(search)]
    assert states[0] == "complete" and states[-1] == "open"
    engine.interrupted = False
    broken_off = SearchRun(search, Store(), engine, lambda line: None).run()
    next(broken_off)
    broken_off.close()  # nobody told how the one under way ended, as after a kill
    assert trials_of(search)[-1].state == "open"
    list(SearchRun(search, Store(), engine, lambda line: None).run())
    ends = [end_of(trial) for trial in trials_of(search)]
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path / "straight"))
    list(SearchRun(search, Store(), Inline(), lambda line: None).run())
    assert ends == [end_of(trial) for trial in trials_of(search)]


def test_a_worker_that_is_killed_costs_its_trial_alone(engine, folder):
    search = Searching(folder).load("killed", trials=3, seed=8, space=SPACE.strip("\n"))
    killed = []

    def kill(line):
        if line["event"] == "progress" and line["step"] >= 10 and not killed:
            killed.append(line["key"])
            os.kill(next(worker.pid for worker in engine.workers), signal.SIGKILL)

    trials = list(SearchRun(search, Store(), engine, kill).run())
    assert [trial.end["status"] for trial in trials] == ["killed", "ok", "ok"]
    assert trials[0].end["key"] == killed[0] and trials[0].objective is None


def test_no_trial_begins_after_the_time_that_was_given(engine, folder, monkeypatch):
    monkeypatch.setattr(engine, "train_until", 0.0)
    search = Searching(folder).load("late", trials=2)
    assert list(SearchRun(search, Store(), engine, lambda line: None).run()) == []
    assert trials_of(search) == []
