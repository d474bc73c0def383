"""Seeds until the rank is decided: where they stop, that stopping early errs no more than it says, that it resumes."""

from textwrap import dedent

import numpy as np
import pytest

from assets.report import sweep_report
from assets.stages.freshness import Planner, plan_sweep
from assets.statistics.adaptive_seeds import (
    ERROR,
    SeedProgress,
    replay,
    rounds,
    scores_differ,
    seed_progress,
    sweep_so_far,
)
from assets.statistics.experiment import Experiment
from assets.statistics.leaderboard import rank
from assets.store.store import Store
from assets.sweeps.seeds import Seeds
from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError
from tests.toy_study import STUDY
from tests.toy_study.items import make
from trainers import STUDIES

SEEDS = Seeds(min=3, max=10)

TEXT = """
study: toy
description: Does a wider network help?
tests: [test]
base:
  dataset: {trajectories: 8}
  model: {phases: [{steps: 30}]}
vary:
  recipe:
    constant: {model.kind: constant}
    two: {model.width: 2}
    six: {model.width: 6}
    wild: {model.behaviour: diverge}
seeds: {min: 2, max: 4}
"""


def scores(*centers, noise=0.1, count=10, seed=0):
    """Scores of settings by name; noise is relative."""
    rng = np.random.default_rng(seed)
    return {f"s{k}": list(c * np.exp(noise * rng.normal(size=count))) for k, c in enumerate(centers)}


def progress_of(by_setting, seeds=SEEDS):
    return dict(replay(seeds, by_setting))


def test_settings_far_apart_stop_at_the_fewest():
    assert progress_of(scores(1, 1e3, 1e6, noise=0.01)) == {f"s{k}": SeedProgress(3, "decided") for k in range(3)}


def test_seeds_are_added_only_where_neighbours_are_inconclusive():
    progress = progress_of(scores(1, 1.0, 1e6, noise=0.01))
    assert progress["s2"] == SeedProgress(3, "decided")
    assert {progress["s0"], progress["s1"]} == {SeedProgress(10, "the most allowed")}


def test_a_difference_that_three_seeds_leave_inconclusive_is_decided_by_some_more():
    progress = progress_of(scores(1, 1.4, noise=0.1))
    assert progress["s0"] == progress["s1"] and 3 < progress["s0"].seeds < 10 and progress["s0"].stopped == "decided"
    assert progress["s0"].text == f"stopped after {progress['s0'].seeds} seeds: decided"


def test_settings_with_a_failed_seed_get_no_more_and_hold_nobody_up():
    by_setting = scores(1, 1e6, noise=0.01) | {"bad": [1.0, float("nan"), 1.0, None]}
    progress = progress_of(by_setting)
    assert progress["bad"] == SeedProgress(3, "a seed failed") and progress["s0"] == SeedProgress(3, "decided")
    assert progress_of({"alone": by_setting["s0"]}) == {"alone": SeedProgress(3, "nothing to compare with")}


def test_it_waits_for_missing_scores_and_an_interrupted_launch_takes_the_same_seeds():
    by_setting = scores(1, 1.3, 1.35, 50, noise=0.1)
    final = progress_of(by_setting)
    have = dict.fromkeys(by_setting, 0)
    for _ in range(40):
        so_far = {name: [s if k < have[name] else None for k, s in enumerate(v)] for name, v in by_setting.items()}
        now = progress_of(so_far)
        if all(one.seeds == have[name] for name, one in now.items()):
            break
        assert not any(one.stopped for one in now.values()) and now["s0"].text.endswith("requested")
        assert all(one.seeds <= final[name].seeds for name, one in now.items())
        first = next(name for name, one in now.items() if have[name] < one.seeds)
        have[first] += 1
    assert now == final


@pytest.mark.parametrize("settings", [2, 4])
def test_equal_settings_are_declared_different_at_most_at_the_error_rate(settings):
    wrong = 0
    for seed in range(300):
        progress = progress_of(scores(*[1.0] * settings, seed=seed), Seeds(min=3, max=6))
        wrong += any(one.stopped == "decided" for one in progress.values())
    assert wrong / 300 <= ERROR + 0.02


def test_without_the_correction_interim_analyses_would_err_too_often():
    wrong = 0
    for seed in range(300):
        a, b = (np.array(v) for v in scores(1.0, 1.0, seed=seed).values())
        wrong += any(scores_differ(a[:n], b[:n], ERROR) for n in range(3, 11))
    assert wrong / 300 > 2 * ERROR


def test_equal_scores_never_differ_and_a_constant_difference_does():
    ones = np.ones(4)
    assert not scores_differ(ones, ones, 1.0) and scores_differ(ones, 2 * ones, 1e-9)
    assert not scores_differ(np.array([-1.0, 0, 1]), np.array([-1.1, 0.1, 1.0]), 0.05)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequential")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(folder / "home"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        (folder / "seeds.yaml").write_text(dedent(TEXT))
        sweep = load_sweep(folder / "seeds.yaml")
        sizes = []
        planner = Planner(Store())
        for part in rounds(sweep, planner.store, planner):
            sizes.append(len(part.rows))
            for items in part.items().values():
                make(Store(), *items)
                planner.forget(items)
        yield sweep, sizes


def test_every_seed_is_a_row_and_only_the_requested_ones_are_made(toy):
    sweep, sizes = toy
    assert len(sweep.rows) == 16 and sizes[0] == 8 and sizes == sorted(set(sizes)) and sizes[-1] < 16
    is_stored = [Store().manifest(*row.configuration.item.address) is not None for row in sweep.rows]
    assert sum(is_stored) == sizes[-1] == len(sweep_so_far(sweep, Store()).rows)
    progress = seed_progress(sweep, Store())
    assert {one.stopped for one in progress.values()} <= {"decided", "the most allowed", "a seed failed"}
    assert next(one for name, one in progress.items() if "wild" in name) == SeedProgress(2, "a seed failed")


def test_plan_leaderboard_and_report_know_of_no_other_rows(toy):
    sweep, sizes = toy
    verdicts = plan_sweep(sweep_so_far(sweep, Store()), Store())
    assert not any(verdict.due for of_layer in verdicts.values() for verdict in of_layer)
    experiment = Experiment(sweep, Store())
    board = rank(experiment)
    assert len(experiment.table) == sizes[-1]
    assert set(board["status"]) == {"ok", "2 diverged"}
    assert all(board["stopped"].str.startswith("stopped after"))
    text = sweep_report.write(experiment).path.read_text()
    assert "stopped after" in text and "interim analyses (3)" in text


def test_p_values_are_corrected_for_the_interim_analyses(toy):
    from assets.statistics.best_against_rest import best_against_rest

    experiment = Experiment(toy[0], Store())
    against = best_against_rest(experiment, rank(experiment))
    comparisons = against[np.isfinite(against["p"])]
    assert experiment.analyses == 3 and (comparisons["p_holm"] >= np.minimum(1, 3 * comparisons["p"]) - 1e-12).all()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("{min: 2, max: 4}", "{min: 4, max: 2}", "min is 4, max is 2; expected min <= max"),
        ("{min: 2, max: 4}", "{min: 1}", "seeds.min: given 1; expected greater than or equal to 2"),
        ("{min: 2, max: 4}", "{until: noon}", "seeds.until: given 'noon'; expected 'rank_decided'"),
        ("vary:", "vary:\n  model.seed: [0, 1]", "vary.model.seed: given with `seeds`"),
    ],
)
def test_what_does_not_fit_is_one_line(toy, tmp_path, old, new, line):
    (tmp_path / "wrong.yaml").write_text(dedent(TEXT).replace(old, new))
    with pytest.raises(SweepError) as refused:
        load_sweep(tmp_path / "wrong.yaml")
    assert line in str(refused.value)
