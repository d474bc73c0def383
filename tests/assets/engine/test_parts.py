"""Datasets that several workers simulate in parts."""

import itertools
import threading

import pytest

from assets.engine.engine import Engine
from assets.home.hardware import usable_cpus
from assets.identity.items import dataset_item
from assets.stages.freshness import Planner
from assets.stages.tasks import Task
from assets.store.contract_files import read_trajectories
from assets.store.store import Store
from tests.assets.stages.test_parts import assert_same_bits
from tests.faults.pipeline import chain, register
from tests.plain_study import STUDY
from tests.plain_study.config import DatasetConfig

seeds = itertools.count()

pytestmark = [
    pytest.mark.launch,
    pytest.mark.skipif(len(usable_cpus()) < 2, reason="two workers are needed"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(tmp_path_factory.mktemp("parts") / "home"))
        register(patch)
        with Engine(2, Store(), grace=5.0) as engine:
            yield engine


def large(**settings) -> DatasetConfig:
    return DatasetConfig(**{"trajectories": 350, "points": 4, "seed": next(seeds)} | settings)


def task_of(engine, config) -> Task:
    item = dataset_item("plain", config)
    return Task(item, Planner(engine.store).fingerprint(item))


def test_two_workers_simulate_what_one_call_does(engine):
    config, lines = large(pause=0.3), []
    task = task_of(engine, config)
    (outcome,) = engine.run([task], lines.append)
    assert (outcome.item, outcome.status) == (task.item, "ok")
    starts = [line for line in lines if line["event"] == "start"]
    assert sorted((line["part"], line["parts"]) for line in starts[:-1]) == [(number, 4) for number in (1, 2, 3, 4)]
    assert [line["layer"] for line in starts] == ["part"] * 4 + ["dataset"]
    assert len({line["worker"] for line in starts}) == 2
    assert_same_bits(read_trajectories(engine.store.open(*task.item.address)), STUDY.simulate(config))
    assert engine.store.hashes("plain", "part") == []
    assert engine.store.manifest(*task.item.address)["seed"] == config.seed


def test_a_stop_between_parts_loses_no_finished_part(engine):
    config, lines = large(pause=0.5), []
    task = task_of(engine, config)

    def stop_after_two(line):
        lines.append(line)
        if sum(one["event"] == "done" for one in lines) == 2:
            threading.Thread(target=engine.interrupt).start()

    outcomes = list(engine.run([task], stop_after_two))
    assert [outcome.status for outcome in outcomes] in ([], ["interrupted"])
    finished = {line["key"] for line in lines if line["event"] == "done" and line["status"] == "ok"}
    assert len(finished) >= 2
    engine.interrupted, again = False, []
    (outcome,) = engine.run([task], again.append)
    assert outcome.status == "ok"
    assert not finished & {line["key"] for line in again if line["event"] == "start"}
    assert_same_bits(read_trajectories(engine.store.open(*task.item.address)), STUDY.simulate(config))


def test_a_part_that_fails_is_the_failure_of_its_set(engine):
    config, lines = large(fail=True), []
    task, good = task_of(engine, config), task_of(engine, large())
    outcomes = {outcome.item: outcome for outcome in engine.run([task, good], lines.append)}
    assert outcomes[good.item].status == "ok"
    assert outcomes[task.item].status == "failed"
    assert outcomes[task.item].detail == "part 2 of 4: ValueError: the second part fails"
    artifact = engine.store.open(*task.item.address)
    assert artifact.manifest["status"] == "failed" and "ValueError" in artifact.text("traceback")


def test_a_part_whose_worker_dies_costs_its_set_alone(engine):
    config, lines = large(pause=1.0), []
    task, good = task_of(engine, config), task_of(engine, large())

    def kill(line):
        lines.append(line)
        if line["event"] == "start" and line.get("part") == 3 and line["label"] == task.item.label:
            next(worker for worker in engine.workers if worker.number == line["worker"]).kill()

    outcomes = {outcome.item: outcome for outcome in engine.run([task, good], kill)}
    assert outcomes[task.item].status == "killed" and outcomes[task.item].detail.startswith("part 3 of 4: the worker")
    assert outcomes[good.item].status == "ok"
    assert engine.store.manifest(*task.item.address)["status"] == "killed"


def test_a_study_that_cannot_count_its_parts_fails_alone(engine, monkeypatch):
    task, good = task_of(engine, large(trajectories=50)), task_of(engine, large())

    def parts(config):
        raise ZeroDivisionError("no size")

    with monkeypatch.context() as patch:
        patch.setattr(DatasetConfig, "parts", parts)
        outcomes = list(engine.run([task]))  # its worker, which can count, makes it in one call
    assert [outcome.status for outcome in outcomes] == ["ok"]
    assert [outcome.status for outcome in engine.run([good])] == ["ok"]


def test_segments_of_a_set_in_parts_are_those_of_the_set(engine):
    config = large(trajectories=120)
    segments = chain(config)[1]
    for item in (segments.dataset, segments):
        (outcome,) = engine.run([Task(item, Planner(engine.store).fingerprint(item))])
        assert outcome.status == "ok"
