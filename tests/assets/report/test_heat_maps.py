"""Heat maps over two axes: what is drawn is what the scores say, per test set, with the segment ratio."""

import pandas as pd

from assets.report import heat_maps
from assets.report.heat_maps import RATIO, mapped_pairs, segment_ratios


def arrows(figure):
    return [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None) is not None]


def heat(scores):
    rows = [{"orbits": n, "length": m, "score": s} for (n, m), s in scores.items()]
    return heat_maps.heat_map(pd.DataFrame(rows), "orbits", "length", "error", "%")


def test_a_heat_map_marks_where_it_is_not_monotonic():
    falling = {(n, m): 10.0 / n + m for n in (1, 4, 10) for m in (4, 10, 18)}
    figure = heat(falling)
    assert not arrows(figure) and figure.axes[0].get_title() == "monotonic along every numeric axis"
    figure = heat(falling | {(4, 10): 40.0})
    assert figure.axes[0].get_title() == "not monotonic where an arrow stands"
    assert len(arrows(figure)) == 2, "up along the orbits, down again along the lengths"


def test_a_heat_map_averages_seeds_and_leaves_cells_empty():
    rows = [{"a": "x", "b": "u", "score": 1.0}, {"a": "x", "b": "u", "score": 3.0}, {"a": "y", "b": "v", "score": 5.0}]
    figure = heat_maps.heat_map(pd.DataFrame(rows), "a", "b", "error", "")
    assert [text.get_text() for text in figure.axes[0].texts] == ["2", "5"]


def grid(points=(100,)):
    return pd.DataFrame([
        {"orbits": n, "length": m, "points": p, RATIO: m / p, "score": 1.0}
        for n in (1, 10) for m in (5, 20) for p in points
    ])  # fmt: skip


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_the_ratio_stands_below_the_length_that_decides_on_it():
    scores = grid()
    ratios = segment_ratios(scores, ["orbits", "length"])
    assert ratios == {"length": {5: 0.05, 20: 0.2}}
    axes = heat_maps.heat_map(scores, "orbits", "length", "error", "%", "far", ratios).axes[0]
    assert labels(axes.xaxis) == ["5\nratio 0.05", "20\nratio 0.2"] and labels(axes.yaxis) == ["1", "10"]
    assert axes.get_title().startswith("test set far\n")
    assert mapped_pairs(scores, ["orbits", "length"]) == [("orbits", "length")]


def test_where_two_axes_decide_on_the_ratio_it_is_an_axis_of_its_own():
    scores = grid(points=(50, 100))
    axes = ["length", "orbits", "points"]
    assert segment_ratios(scores, axes) == {}
    assert mapped_pairs(scores, axes)[-1] == ("orbits", RATIO)
    figure = heat_maps.heat_map(scores, "orbits", RATIO, "error", "%")
    assert labels(figure.axes[0].xaxis) == ["0.1", "0.05", "0.4", "0.2"]
    assert mapped_pairs(scores.drop(columns=RATIO), axes) == [
        ("length", "orbits"),
        ("length", "points"),
        ("orbits", "points"),
    ]
