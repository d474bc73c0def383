"""Models of several sweeps as one: their settings that differ are its axes, their shared test sets its tests."""

from dataclasses import replace

import pytest

from assets.statistics.experiment import Experiment
from assets.statistics.leaderboard import rank
from assets.sweeps.selection.models import chosen_models

pytest_plugins = ["tests.assets.toy_sweep"]


def keys(sweep, *places):
    return [sweep.rows[place].configuration.key for place in places]


def other(sweep, tests):
    """Return a sweep of another name with fewer test sets."""
    places = [list(sweep.tests).index(test) for test in tests]
    rows = tuple(replace(row, evaluations=tuple(row.evaluations[k] for k in places)) for row in sweep.rows[2:])
    return replace(sweep, name="toy/other", tests={test: sweep.tests[test] for test in tests}, rows=rows)


def test_chosen_models_of_two_sweeps_stand_in_one_table(toy_experiment):
    whole = toy_experiment.sweep
    first = replace(whole, rows=whole.rows[:2])
    sweep = chosen_models(keys(whole, 0, 2), [first, other(whole, ["few", "train"])])
    assert list(sweep.tests) == ["train", "few"] and len(sweep.rows) == 2
    differing = {axis for axis, value in whole.rows[0].axes.items() if whole.rows[2].axes[axis] != value}
    assert {axis for axis in sweep.axes if axis in whole.axes} == differing - {"recipe"}
    board = rank(Experiment(sweep, toy_experiment.store))
    expected = rank(toy_experiment)
    for row in sweep.rows:
        hash = row.configuration.item.hash
        assert hash in " ".join(board["keys"]) and hash in " ".join(expected["keys"])


def test_what_cannot_stand_together_is_refused_in_one_line(toy_experiment):
    whole = toy_experiment.sweep
    (first,) = keys(whole, 0)
    for names, sweeps, message in (
        ([first, first], [whole], "twice"),
        (["nothing"], [whole], "no sweep under sweeps/ holds"),
        ([""], [whole], "no sweep under sweeps/ holds"),
        (
            [first, *keys(whole, 3)],
            [replace(whole, rows=whole.rows[:1], tests={}), other(whole, ["few"])],
            "share no test",
        ),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            chosen_models(names, sweeps)
        assert "\n" not in str(caught.value)
