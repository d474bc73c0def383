"""Ticks of logarithmic axes: enough of them to read a value, few enough not to overlap."""

from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from assets.report.log_ticks import clear_log_ticks, log_ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.5, 2000, [1, 10, 100, 1000]),
        (0.9, 12, [1, 2, 5, 10]),
        (1.5, 4.5, [2, 3, 4]),
        (0.3, 0.9, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        (1e-12, 1e12, [10.0**e for e in range(-12, 13, 3)]),
        (0, 1, []),
    ],
)
def test_ticks_between_two_numbers(low, high, ticks):
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_a_narrow_range_has_equal_steps():
    ticks = log_ticks(3.0, 3.4)
    assert len(ticks) >= 3 and 3.0 <= ticks[0] < ticks[-1] <= 3.4


@pytest.mark.parametrize("high", [3.5, 8.0, 30.0, 3e3, 3e9])
def test_labels_of_a_figure_neither_overlap_nor_lack(high):
    figure = Figure(figsize=(3, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([3.0, high], [1, 2])
    axes.set_xscale("log")
    clear_log_ticks(figure)
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels(which="both") if label.get_text()]
    low, top = axes.get_xlim()
    assert sum(low <= tick <= top for tick in axes.get_xticks()) >= 3
    inside = sorted((box.x0, box.x1) for box in boxes if box.width > 0)
    assert all(left[1] <= right[0] + 1 for left, right in pairwise(inside))


def test_ticks_that_were_chosen_stay():
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_xlim(1, 100)
    axes.set_xticks([4, 6, 10])
    clear_log_ticks(figure)
    assert list(axes.get_xticks()) == [4, 6, 10]
