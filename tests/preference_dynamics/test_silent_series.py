"""Series in which nothing moves: their unknowns are the mean of what agrees with them, not an edge of it."""

import numpy as np

from trainers.preference_dynamics.refinement.bounds import Box
from trainers.preference_dynamics.refinement.least_squares import refine
from trainers.preference_dynamics.refinement.silent_series import with_silent_series
from trainers.preference_dynamics.system.equations import ranges
from trainers.preference_dynamics.system.solution import solve

T = np.arange(50.0)
LOW, HIGH = ranges(1)
LOW[1] = HIGH[1] = 0.0
BOX = Box(LOW, HIGH, (HIGH - LOW) / 12**0.5)
FIRST = np.array([[0.08, 0.0, 1.6, 1.5, -3.0, -0.8], [1.0, 0.0, 0.8, 1.5, 2.0, 0.5]])
SPREAD = np.tile([0.06, 0.1, 0.8, 0.8, 1.2, 0.4], (2, 1))
SERIES = np.stack([np.zeros((50, 2)), solve(FIRST[1:], T, 1)[0]])


def outcome(first=FIRST, part=slice(None)):
    refined = refine(SERIES[part], T, first[part, None], first[part], SPREAD[part], BOX, steps=20)
    return refined, with_silent_series(refined, SERIES[part], T, first[part], SPREAD[part], BOX, seed=0)


def test_a_silent_series_takes_mean_and_spread_of_what_agrees_with_it():
    squares, result = outcome()
    assert not solve(result.unknowns[:1], T, 1).any(), "the mean agrees with the series itself"
    g, _, pi, _, v0, m0 = result.unknowns[0]
    assert 0 < g < 0.05 and 1 < pi < 2 and v0 < -2 and m0 < -0.3 and not result.identified[0, [0, 2, 3, 4, 5]].any()
    assert (result.spread[0, [2, 3, 4]] > 0.4).all() and result.spread[0, 1] == result.unknowns[0, 1] == 0
    assert abs(squares.unknowns[0, 4]) < 0.2, "least squares end at the edge of what agrees"


def test_other_series_stay_and_no_series_depends_on_those_beside_it():
    squares, result = outcome()
    np.testing.assert_array_equal(result.unknowns[1], squares.unknowns[1])
    np.testing.assert_array_equal(outcome(part=slice(0, 1))[1].unknowns[0], result.unknowns[0])


def test_a_first_estimate_that_hardly_agrees_stands():
    far = FIRST.copy()
    far[0] = [1.0, 0.0, 1.0, 1.0, 3.0, 1.0]
    np.testing.assert_array_equal(outcome(far)[1].unknowns[0], far[0])
