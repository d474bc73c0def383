import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest

from assets.engine import worker_process
from assets.engine.engine import Engine, EngineError, shared_engine
from assets.home.hardware import choose_cpus, usable_cpus
from assets.stages.tasks import task_to_json
from assets.store.store import Store, home
from tests.assets.conftest import register_toy
from tests.toy_study.items import make, make_inputs, tasks_of, toy_evaluation, toy_model

pytestmark = pytest.mark.launch

LONG = [{"steps": 3000}]
TWO = min(2, len(usable_cpus()))

seeds = itertools.count()


def model(**settings):
    return toy_model(seed=next(seeds), **settings)


def models(count, **settings):
    return [model(**settings) for _ in range(count)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One engine for all tests of this file: importing torch takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(tmp_path_factory.mktemp("engine") / "home"))
        register_toy(patch)
        with Engine(TWO, grace=5.0) as engine:
            yield engine


def run(engine, items, on_line=None, **options):
    """Make items and return their outcomes by key, in the order in which they came."""
    make_inputs(engine.store, *items)
    return {outcome.item.key: outcome for outcome in engine.run(tasks_of(engine.store, items), on_line, **options)}


def statuses(outcomes, items):
    return [outcomes[item.key].status for item in items]


def checkpoints(item):
    directory = home() / "checkpoints" / "toy" / item.hash
    return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


def test_no_more_workers_than_tasks(engine):
    assert not engine.workers
    (only,) = models(1)
    assert statuses(run(engine, [only]), [only]) == ["ok"]
    assert len(engine.workers) == 1


def test_a_chain_runs_and_workers_stay_for_the_next_run(engine):
    items, lines = models(3), []
    assert statuses(run(engine, items, lines.append), items) == ["ok"] * 3
    pids = {worker.pid for worker in engine.workers}
    evaluations, evaluated = [toy_evaluation(item) for item in items], []
    outcomes = list(engine.run(tasks_of(engine.store, evaluations), evaluated.append))
    assert [outcome.status for outcome in outcomes] == ["ok"] * 3
    assert {worker.pid for worker in engine.workers} == pids and len(pids) == TWO
    events = [line["event"] for line in lines]
    assert events.count("start") == events.count("done") == 3
    assert next(line for line in lines if line["event"] == "done")["numbers"]["final_loss"] > 0
    starts = [line for line in (*lines, *evaluated) if line["event"] == "start"]
    assert {(line["label"], line["seed"], line.get("test")) for line in starts} == {
        *((item.label, item.config.get("seed", 0), None) for item in items),
        *((item.label, item.model.config.get("seed", 0), "test") for item in evaluations),
    }
    assert any(line["event"] == "progress" and line["losses"]["loss"] > 0 for line in lines)


def test_what_workers_cost_is_known(engine):
    before = engine.cpu_seconds
    (only,) = models(1, phases=LONG)
    run(engine, [only])
    manifest = engine.store.manifest(*only.address)
    assert manifest["cpus"] == 1
    assert engine.cpu_seconds - before > 0.5 * manifest["timings"]["cpu"] > 0


def test_the_same_bits_in_the_engine_and_alone(engine, tmp_path):
    items = models(2)
    run(engine, items)
    alone = Store(tmp_path / "alone")
    make_inputs(alone, items[1])
    make(alone, items[1])
    first, second = (store.open(*items[1].address).arrays("state") for store in (engine.store, alone))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_what_trains_together_is_handed_over_in_one_go_and_ends_each_as_alone(engine, tmp_path):
    items, lines = models(3, together=3), []
    assert statuses(run(engine, items, lines.append), items) == ["ok"] * 3
    assert [line["event"] for line in lines if line["event"] in ("start", "done")] == ["start"] * 3 + ["done"] * 3
    assert len({line["worker"] for line in lines}) == 1
    manifests = [engine.store.manifest(*item.address) for item in items]
    assert all(manifest["timings"]["train"] < sum(m["timings"]["train"] for m in manifests) for manifest in manifests)
    alone = Store(tmp_path / "alone")
    make_inputs(alone, items[1])
    make(alone, items[1])
    first, second = (store.open(*items[1].address).arrays("state") for store in (engine.store, alone))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("behaviour", "status"), [("crash", "killed"), ("raise", "failed"), ("diverge", "diverged")])
def test_what_trains_together_fails_alone(engine, behaviour, status):
    bad, *good = model(behaviour=behaviour, together=3), *models(2, together=3)
    outcomes = run(engine, [good[0], bad, good[1]])
    assert statuses(outcomes, [good[0], bad, good[1]]) == ["ok", status, "ok"]


def test_what_libraries_print_goes_to_the_log(engine):
    printing = model(behaviour="print")
    assert statuses(run(engine, [printing]), [printing]) == ["ok"]
    logs = "".join(path.read_text() for path in (home() / "logs").iterdir())
    assert "a library prints to standard output" in logs and "written in C" in logs


def test_nothing_new_begins_after_the_deadline(engine):
    assert run(engine, models(1), deadline=time.monotonic() - 1) == {}
    outcomes = run(engine, models(8, behaviour="slow"), deadline=time.monotonic() + 0.5)
    assert 0 < len(outcomes) < 8


def test_an_engine_runs_one_list_at_a_time(engine):
    items = models(2)
    make_inputs(engine.store, *items)
    first = engine.run(tasks_of(engine.store, items))
    next(first)
    with pytest.raises(EngineError, match="running already"):
        next(engine.run([]))
    assert len(list(first)) == 1


def test_a_crash_costs_only_its_own_task(engine):
    crashing, *good = model(behaviour="crash"), *models(3)
    outcomes = run(engine, [good[0], crashing, *good[1:]])
    crashed = outcomes[crashing.key]
    assert (crashed.status, crashed.detail) == ("killed", "the worker died of exit code 3")
    assert statuses(outcomes, good) == ["ok"] * 3
    manifest = engine.store.manifest(*crashing.address)
    assert manifest["status"] == "killed" and manifest["failure"]["stage"] == "train"


def test_a_kill_from_outside_is_named_and_a_fresh_worker_goes_on(engine):
    slow, good = model(behaviour="slow", phases=LONG), models(3)

    def kill(line):
        if line["event"] == "progress" and line["key"] == slow.key and line["step"] >= 20:
            os.kill(next(worker.pid for worker in engine.workers if worker.number == line["worker"]), signal.SIGKILL)

    outcomes = run(engine, [slow, *good], kill)
    assert (outcomes[slow.key].status, outcomes[slow.key].detail) == ("killed", "the worker died of SIGKILL")
    assert outcomes[slow.key].place.step >= 20
    assert statuses(outcomes, good) == ["ok"] * 3


def test_silence_ends_a_worker_and_leaves_its_stack(engine, monkeypatch):
    run(engine, models(1))
    monkeypatch.setattr(engine, "silence", 1.5)
    hanging = model(behaviour="hang")
    outcome = run(engine, [hanging])[hanging.key]
    assert (outcome.status, outcome.detail.split(" for")[0]) == ("killed", "no sign of life")
    assert "_misbehave" in engine.store.open(*hanging.address).text("traceback")


@pytest.mark.skipif(TWO == 1, reason="two workers are needed")
def test_leaving_a_run_early_stops_and_stores_what_runs(engine):
    slow, quick = model(behaviour="slow", phases=LONG), model()
    make_inputs(engine.store, slow, quick)
    outcomes = engine.run(tasks_of(engine.store, [quick, slow]))
    assert next(outcomes).status == "ok"
    outcomes.close()
    manifest = engine.store.manifest(*slow.address)
    assert manifest is None or manifest["status"] == "interrupted"


def test_an_interrupt_checkpoints_and_yields_before_it_is_raised(engine):
    slow, outcomes, timers = model(behaviour="slow", phases=LONG), [], []

    def interrupt(line):
        if line["event"] == "progress" and not timers:
            timers.append(threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)))
            timers[0].start()

    make_inputs(engine.store, slow)
    with pytest.raises(KeyboardInterrupt):
        outcomes += engine.run(tasks_of(engine.store, [slow]), interrupt)
    assert [outcome.status for outcome in outcomes] == ["interrupted"]
    assert engine.store.manifest(*slow.address)["status"] == "interrupted"
    assert checkpoints(slow)


def test_out_of_memory_is_tried_once_more_alone_at_the_end(engine):
    hungry, lines = model(behaviour="memory"), []
    outcomes = run(engine, [hungry, *models(1)], lines.append)
    assert outcomes[hungry.key].status == "oom"
    assert list(outcomes)[-1] == hungry.key
    order = [(line["event"], line["key"]) for line in lines if line["event"] in ("start", "done")]
    assert [event for event, key in order if key == hungry.key] == ["start", "done"] * 2
    assert order[-2:] == [("start", hungry.key), ("done", hungry.key)]
    assert "MemoryError" in next(line for line in lines if line["event"] == "error")["traceback"]


def test_closing_ends_every_worker(engine):
    run(engine, models(1))
    pids = [worker.pid for worker in engine.workers]
    engine.close()
    assert pids and not any(psutil.pid_exists(pid) for pid in pids)


def test_workers_that_cannot_start_are_an_error_with_their_last_words(store, monkeypatch):
    monkeypatch.setattr(worker_process, "COMMAND", (sys.executable, "-c", "raise SystemExit('no such engine')"))
    with Engine(1, store) as engine, pytest.raises(EngineError, match=r"exit code 1.*no such engine.*worker-"):
        run(engine, models(1))


PARENT = """
import json, sys
from assets.engine.engine import Engine
from assets.stages.tasks import task_from_json

tasks = [task_from_json(entry) for entry in json.loads(sys.argv[1])]
with Engine(1) as engine:
    for outcome in engine.run(tasks, lambda line: print(json.dumps(line), flush=True)):
        print(json.dumps({"outcome": outcome.status}), flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_orphans_when_the_parent_dies(store, number):
    slow = model(behaviour="slow", phases=LONG)
    make_inputs(store, slow)
    tasks = json.dumps([task_to_json(task) for task in tasks_of(store, [slow])])
    parent = subprocess.Popen([sys.executable, "-c", PARENT, tasks], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    next(line for line in parent.stdout if '"progress"' in line)
    workers = psutil.Process(parent.pid).children(recursive=True)
    assert len(workers) == 1
    parent.send_signal(number)
    parent.wait(10)
    assert not psutil.wait_procs(workers, timeout=60)[1]
    assert store.manifest(*slow.address)["status"] == "interrupted"
    assert checkpoints(slow)


def test_cpus_are_never_more_than_there_are():
    assert choose_cpus() == usable_cpus()
    assert len(choose_cpus(1)) == 1
    with pytest.raises(ValueError, match=f"ask for 1 to {len(usable_cpus())}"):
        choose_cpus(len(usable_cpus()) + 1)
    with pytest.raises(ValueError, match="0 CPUs asked for"):
        choose_cpus(0)


def test_one_engine_is_shared(fresh_home):
    engine = shared_engine(1)
    assert shared_engine() is engine is shared_engine(1)
    engine.close()
