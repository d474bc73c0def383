"""Speed of a training on curves that are known by heart."""

import math

import numpy as np
import pandas as pd
import pytest

from assets.statistics.convergence import area, convergence, levels, steps_to


def history(losses):
    return pd.DataFrame({"step": np.arange(1, len(losses) + 1), "loss": losses})


FALLING = history(100.0 * 10.0 ** (-np.arange(301) / 100))
"""From 100 to 0.1, a decade every 100 steps."""


def test_steps_to_a_level_are_the_first_at_or_below_it():
    assert steps_to(FALLING, 10.0000001) == 101
    assert steps_to(FALLING, 1e-3) != steps_to(FALLING, 1e-3), "NaN: it is never reached"
    assert steps_to(history([3.0, 1.0, 2.0, 0.5]), 1.0) == 2


def test_the_area_of_a_straight_fall_is_its_middle():
    assert area(FALLING) == pytest.approx(0.5)
    assert area(history([100.0] * 7)) == pytest.approx(2)
    assert math.isnan(area(history([np.nan, 0.0])))


def test_levels_are_the_powers_of_ten_that_are_passed():
    assert levels([history([50.0, 0.3])]) == [10, 1]
    assert levels([history([50.0, 0.3]), history([2.0, 0.05])]) == [10, 1, 0.1]
    assert levels([history([np.nan])]) == [] and len(levels([history([1e9, 1e-9])])) == 6


def test_a_faster_training_has_fewer_steps_and_less_area():
    fast = history(100.0 * 10.0 ** (-np.arange(301) / 50))
    table = convergence({"slow": FALLING, "fast": fast}).set_index("name")
    assert table.loc["fast", "area"] < table.loc["slow", "area"]
    assert table.loc["fast", "steps to 1"] < table.loc["slow", "steps to 1"]
    assert list(table.columns[:3]) == ["last", "lowest", "area"]
