"""A search: trials are ordinary configurations, proposed in order, told as they ended, never trained twice."""

import math

import pandas as pd
import pytest

from assets.search.objective import NoObjective, objective_of
from assets.search.progress import SearchProgress
from assets.search.search_run import SearchRun
from assets.search.trials import database, trials_of
from assets.stages.freshness import plan_sweep
from assets.store.store import Store
from assets.sweeps.yaml_loader import SweepError
from tests.assets.toy_search import Inline
from tests.toy_study.items import make, make_inputs

PRUNER = "{startup_trials: 2, warmup: 20, interval: 10}"


def draws(trials):
    return [dict(trial.draws) for trial in sorted(trials, key=lambda trial: trial.number)]


def statuses(trials):
    return [trial.end["status"] for trial in trials]


def item_of(search, trial):
    return search.row(trial.values)[0].configuration.item


def test_trials_are_ordinary_configurations_with_the_objective_of_their_history(searching):
    engine, search = Inline(), searching.load()
    trials = searching.run(search, engine)
    assert [trial.number for trial in trials] == [0, 1, 2, 3] and statuses(trials) == ["ok"] * 4
    assert engine.trained() == [trial.end["hash"] for trial in trials] == [item_of(search, t).hash for t in trials]
    for trial in trials:
        history = Store().open("toy", "model", trial.end["hash"]).table("history")
        assert trial.objective == history["validation_loss"].min()
    assert SearchProgress.of(search, Store()).best.objective == min(trial.objective for trial in trials)


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(searching, tmp_path, monkeypatch):
    first = searching.run(searching.load(trials=8, pruner=PRUNER))
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path / "other"))
    again = searching.run(searching.load(trials=8, pruner=PRUNER))
    assert draws(again) == draws(first) and statuses(again) == statuses(first)
    assert [trial.objective for trial in again] == [trial.objective for trial in first]
    assert draws(searching.run(searching.load(seed=4, trials=3))) != draws(first)[:3]


def test_what_is_stored_is_not_trained_again(searching):
    search = searching.load(trials=6, pruner=PRUNER)
    first = searching.run(search)
    database(search).unlink()
    engine = Inline()
    again = searching.run(search, engine)
    assert draws(again) == draws(first) and statuses(again) == statuses(first)
    assert [trial.end["cached"] for trial in again] == [trial.state != "pruned" for trial in first]
    assert engine.trained() == [trial.end["hash"] for trial in first if trial.state == "pruned"]


def test_pruning_ends_trainings_and_leaves_identity_true(searching):
    search = searching.load(trials=8, pruner=PRUNER)
    trials = searching.run(search)
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned and all(trial.end["step"] < 40 for trial in pruned)
    assert all(trial.end["step"] == 40 for trial in trials if trial.state == "complete")
    one = pruned[0]
    manifest = Store().manifest("toy", "model", one.end["hash"])
    assert (manifest["status"], manifest["failure"]["step"]) == ("pruned", one.end["step"])
    assert one.objective is None and max(one.curve) <= 100 * one.end["step"] / 40
    (verdict,) = plan_sweep(search.sweep([search.row(one.values)[0]]), Store())["model"]
    assert verdict.due and verdict.reason.startswith("pruned last time")


def test_a_sweep_continues_from_a_pruned_trial_to_the_bits_of_an_unpruned_one(searching, tmp_path, monkeypatch):
    search = searching.load(trials=8, pruner=PRUNER)
    one = next(trial for trial in searching.run(search) if trial.state == "pruned")
    item = item_of(search, one)
    assert [outcome.status for outcome in make(Store(), item)] == ["ok"]
    assert Store().manifest(*item.address)["resumed"]["step"] == one.end["step"]
    finished = Store().open(*item.address).arrays("state")
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path / "never"))
    make_inputs(Store(), item)
    make(Store(), item)
    never = Store().open(*item.address).arrays("state")
    assert all((finished[name] == never[name]).all() for name in never)
    assert trials_of(search) == [], "another home knows nothing of the search"


def test_a_failed_trial_is_reported_as_failed_and_never_as_a_number(searching):
    space = "    model.behaviour: {choice: [train, diverge, raise, memory]}\n    model.width: {integer: [2, 9]}"
    search = searching.load(trials=12, space=space)
    trials = searching.run(search)
    ended = {trial.values["model.behaviour"]: (trial.state, trial.end["status"], trial.objective) for trial in trials}
    failed = {"diverge": "diverged", "raise": "failed", "memory": "oom"}
    assert set(ended) == {"train", *failed}
    assert {name: end for name, end in ended.items() if name != "train"} == {
        name: ("failed", status, None) for name, status in failed.items()
    }
    assert all(t.objective is not None for t in trials if t.values["model.behaviour"] == "train")
    engine = Inline()
    database(search).unlink()
    searching.run(search, engine)
    repeated = {item.config.get("behaviour", "train") for item in engine.items if item.layer == "model"}
    assert repeated == {"raise", "memory"}, "what diverged is settled"


def test_a_search_in_which_nothing_validates_is_refused(searching):
    with pytest.raises(SweepError, match=r"nothing validates: all training trajectories train; set model.train_frac"):
        searching.load(trials=1, model="{train_fraction: 1.0, phases: [{steps: 20}]}")


def test_a_search_whose_data_leave_nothing_to_validate_ends_with_its_first_training(searching):
    search = searching.load(trials=3, model="{train_fraction: 0.99, phases: [{steps: 20}]}")
    with pytest.raises(NoObjective, match=r"nothing validates in .*hold out more with model.train_fraction"):
        searching.run(search)
    assert [trial.state for trial in trials_of(search)] == ["open"]
    assert SearchProgress.of(search, Store()).best is None


def test_an_objective_that_nothing_measures_ends_the_search_in_one_line(searching):
    search = searching.load(objective="validation_los")
    with pytest.raises(NoObjective, match=r"no column 'validation_los'.*validation columns are: validation_loss"):
        searching.run(search)
    assert [trial.state for trial in trials_of(search)] == ["open"]


def test_lists_of_records_and_of_several_lengths(searching):
    space = "    model.phases: {list: {steps: {integer: [10, 30], step: 10}, segment_length: 6}, length: [1, 3]}"
    trials = searching.run(searching.load(trials=6, space=space))
    lengths = {len(trial.values["model.phases"]) for trial in trials}
    assert len(lengths) > 1 and lengths <= {1, 2, 3} and statuses(trials) == ["ok"] * 6
    for trial in trials:
        assert all(phase["segment_length"] == 6 for phase in trial.values["model.phases"])
        assert trial.end["step"] == sum(phase["steps"] for phase in trial.values["model.phases"])


def test_equal_trials_that_run_at_once_are_trained_once(searching):
    engine = Inline(cpus=3)
    trials = searching.run(searching.load(trials=9, space="    model.width: {choice: [2, 4]}"), engine)
    assert len(trials) == 9 and len(engine.trained()) == 2
    by_width = {trial.values["model.width"]: trial.objective for trial in trials}
    assert all(trial.objective == by_width[trial.values["model.width"]] for trial in trials)


def test_more_trials_go_on_and_another_space_begins_anew(searching):
    whole = draws(searching.run(searching.load(trials=7)))
    searching.run(searching.load("parts", trials=3))
    assert draws(searching.run(searching.load("parts", trials=7))) == whole[3:]
    assert len(trials_of(searching.load("parts", trials=7))) == 7
    assert trials_of(searching.load("parts", space="    model.width: {choice: [2, 4]}")) == []
    assert len(trials_of(searching.load("parts", trials=7))) == 7, "the former search is still there"


def test_a_search_that_was_broken_off_goes_on_with_the_same_trials(searching, monkeypatch, tmp_path):
    search = searching.load(trials=8, pruner=PRUNER)
    straight = searching.run(search)
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path / "broken"))
    for _ in range(20):
        engine = Breaking()
        ended = SearchRun(search, Store(), engine, lambda line: None).run()
        if not list(ended) and len(trials_of(search)) == 8:
            break
    again = trials_of(search)
    assert draws(again) == draws(straight) and statuses(again) == statuses(straight)
    assert [trial.objective for trial in again] == [trial.objective for trial in straight]
    assert [trial.curve for trial in again] == [trial.curve for trial in straight]


class Breaking(Inline):
    """An engine that is broken off in the second training of each run, at half of it."""

    def report(self, progress):
        self.interrupted = len(self.trained()) == 2 and progress.step >= 20
        return self.interrupted


def test_the_best_trial_alone_is_evaluated_on_the_test_sets_when_all_have_ended(searching):
    search, engine = searching.load(trials=3), Inline()
    run = SearchRun(search, Store(), engine, lambda line: None)
    assert list(run.finish()) == [], "no trial has begun"
    searching.run(search, engine)
    assert not SearchProgress.of(search, Store()).done
    run = SearchRun(search, Store(), engine, lambda line: None)
    assert {outcome.status for outcome in run.finish()} == {"ok"}
    progress = SearchProgress.of(search, Store())
    evaluated = [item for item in engine.items if item.layer == "evaluation"]
    assert [item.model.hash for item in evaluated] == [progress.best_row.configuration.item.hash]
    assert progress.done


def test_looking_creates_nothing(searching):
    search = searching.load()
    progress = SearchProgress.of(search, Store())
    assert (progress.to_begin, progress.open, progress.best, len(progress.table())) == (4, 0, None, 0)
    assert not database(search).exists()


def test_the_objective_is_that_of_the_last_phase_at_the_weights_that_are_kept():
    history = pd.DataFrame(
        {
            "phase": [0, 1, 1, 1],
            "step": [1, 2, 3, 4],
            "validation_loss": [0.1, 0.9, 0.5, 0.7],
            "validation_field": [1.0, 2.0, 4.0, 3.0],
        }
    )
    assert objective_of(history, "validation_loss") == 0.5
    assert objective_of(history, "validation_field") == 4.0
    assert objective_of(history.assign(validation_field=math.nan), "validation_field") is None
