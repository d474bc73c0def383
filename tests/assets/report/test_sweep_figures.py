"""Figures over a sweep: what was drawn is what the tables say."""

import itertools

import numpy as np
import pandas as pd
import pytest

from assets.report import axis_figures, sweep_figures
from assets.report.sweep_figures import loss_parts, pareto_front, trade_off

WIDTHS, HEADS, RATES, LENGTHS = (8, 16, 32), ("abs", "signed"), (0.1, 0.2), (4, 10, 18)
AXES = ("model.width", "model.head", "model.rate", "model.length")


def board(axes=4):
    """Return a leaderboard of every combination of the first axes; the score tells its place among the values."""
    names, values = AXES[:axes], (WIDTHS, HEADS, RATES, LENGTHS)[:axes]
    rows = [dict(zip(names, found, strict=True)) for found in itertools.product(*values)]
    table = pd.DataFrame(rows)
    table["score"] = [1.0 + number for number in range(len(table))]
    table["score_low"], table["score_high"] = 0.9 * table["score"], 1.1 * table["score"]
    table["keys"], table["rank"], table["unit"] = [f"k{n}" for n in range(len(table))], "1", "%"
    return table


def points(axes):
    """Return the marks (x, y, colour) in a panel; a line of one point is a mark."""
    return [(*line.get_xydata()[0], line.get_color()) for line in axes.lines if len(line.get_xydata()) == 1]


@pytest.mark.parametrize(("axes", "shape"), [(2, (1, 1)), (3, (1, 2)), (4, (3, 2))])
def test_facets_show_every_setting_once_where_its_axes_say(axes, shape):
    table = board(axes)
    figure = axis_figures.facets(table, AXES[:axes], "error", "depth 2")
    panels = np.array(figure.axes).reshape(shape)
    assert sum(len(points(panel)) for panel in panels.flat) == len(table)
    for record in table.to_dict("records"):
        i = LENGTHS.index(record["model.length"]) if axes > 3 else 0
        j = RATES.index(record["model.rate"]) if axes > 2 else 0
        _, y, color = next(mark for mark in points(panels[i, j]) if mark[0] == record["score"])
        assert round(y) == WIDTHS.index(record["model.width"])
        assert color == f"C{HEADS.index(record['model.head'])}"


def test_facets_name_panels_colours_and_what_is_fixed():
    figure = axis_figures.facets(board(), AXES, "error", "depth 2, activation tanh")
    assert figure.axes[0].get_title() == "rate 0.1, length 4" and figure.axes[-1].get_title() == "rate 0.2, length 18"
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["8", "16", "32"]
    legend = figure.legends[0]
    assert legend.get_title().get_text() == "head" and [t.get_text() for t in legend.get_texts()] == list(HEADS)
    assert "depth 2, activation tanh" in figure.get_suptitle()


def test_facets_leave_settings_without_a_score_out():
    table = board(3)
    table.loc[0, "score"] = np.nan
    figure = axis_figures.facets(table, AXES[:3], "error", "")
    assert sum(len(points(panel)) for panel in figure.axes) == len(table) - 1


def test_settings_are_lines_through_their_axes_and_the_best_is_black():
    table = board(3)
    axes = axis_figures.parallel_settings(table, AXES[:3], "error").axes[0]
    lines = [line for line in axes.lines if line.get_marker() == "."]
    assert len(lines) == len(table) == 12
    black = [line for line in lines if line.get_color() == "k"]
    assert len(black) == 1 and list(black[0].get_ydata()) == [0, 0, 0, 0], (
        "the first of every axis has the lowest score"
    )
    assert [text.get_text() for text in axes.get_xticklabels()] == ["error", "width", "head", "rate"]
    assert {text.get_text() for text in axes.texts} >= {"8", "32", "abs", "signed", "0.1", "0.2"}


def arrows(figure):
    return [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None) is not None]


def heat(scores):
    rows = [{"orbits": n, "length": m, "score": s} for (n, m), s in scores.items()]
    return axis_figures.heat_map(pd.DataFrame(rows), "orbits", "length", "error", "%")


def test_a_heat_map_marks_where_it_is_not_monotonic():
    falling = {(n, m): 10.0 / n + m for n in (1, 4, 10) for m in (4, 10, 18)}
    figure = heat(falling)
    assert not arrows(figure) and figure.axes[0].get_title() == "monotonic along every numeric axis"
    figure = heat(falling | {(4, 10): 40.0})
    assert figure.axes[0].get_title() == "not monotonic where an arrow stands"
    assert len(arrows(figure)) == 2, "up along the orbits, down again along the lengths"


def test_a_heat_map_averages_seeds_and_leaves_cells_empty():
    rows = [{"a": "x", "b": "u", "score": 1.0}, {"a": "x", "b": "u", "score": 3.0}, {"a": "y", "b": "v", "score": 5.0}]
    figure = axis_figures.heat_map(pd.DataFrame(rows), "a", "b", "error", "")
    assert [text.get_text() for text in figure.axes[0].texts] == ["2", "5"]


def test_the_ranking_has_open_marks_where_a_seed_failed():
    table = board(1)
    table.loc[1, "rank"] = ""
    axes = sweep_figures.ranking(table, AXES[:1], "error").axes[0]
    faces = [line.get_markerfacecolor() for line in axes.lines if len(line.get_xydata()) == 1]
    assert [face == "white" for face in faces] == [False, True, False]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["width 8", "width 16", "width 32"]
    assert axes.get_xlabel() == "error [%], mean over seeds and test sets"


def test_losses_have_one_colour_a_setting_and_mark_phases():
    history = pd.DataFrame({"step": range(6), "phase": [0, 0, 0, 1, 1, 1], "loss": [3, 2, 1, 3, 2, 1.0]})
    validated = history.assign(validation_loss=[np.nan, 2, np.nan, np.nan, 1, np.nan])
    axes = sweep_figures.losses({"a": [history, history], "b": [validated]}).axes[0]
    runs = [line for line in axes.lines if len(line.get_xdata()) == 6]
    assert [line.get_color() for line in runs] == ["C0", "C0", "C1"] and axes.get_yscale() == "log"
    dots = [line for line in axes.lines if line.get_marker() == "."]
    assert len(dots) == 1 and list(dots[0].get_xdata()) == [1, 4]
    assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"] == [3]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]


def test_a_matrix_has_settings_in_rank_and_test_sets_in_their_order():
    table = board(1).rename(columns={"score": "mean"}).assign(test="one")
    both = pd.concat([table, table.assign(test="ten", mean=10 * table["mean"])])
    axes = sweep_figures.test_matrix(both, AXES[:1], "error").axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["one", "ten"]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[1, 10], [2, 20], [3, 30]])


def test_axes_of_one_value_are_not_important_and_others_come_by_their_share():
    values = pd.DataFrame(
        {
            "axis": ["a", "a", "b", "b", "c"],
            "runs": [3, 3, 3, 3, 6],
            "importance": [0.2, 0.2, 0.7, 0.7, np.nan],
        }
    )
    assert axis_figures.important_axes(values) == ["b", "a"]
    assert axis_figures.axis_pairs(values) == [("b", "a")]


def ending(a, b, steps=100):
    """Return a history whose last steps have the parts a and b."""
    table = pd.DataFrame({"step": range(steps), "loss": 1.0, "a": a, "b": b, "gradient_norm": 1.0})
    table.loc[: steps // 2, ["a", "b"]] = 100.0
    return table.assign(validation_loss=np.nan, validation_a=np.nan, validation_b=np.nan)


def test_parts_of_the_loss_stand_against_each_other_with_the_front():
    runs = {"x": [ending(1, 4), ending(2, 2)], "y": [ending(4, 1), ending(3, 3)]}
    assert loss_parts(runs) == ["a", "b"]
    axes = trade_off(runs).axes[0]
    marks = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert marks["x"] == [[1, 4], [2, 2]] and marks["y"] == [[4, 1], [3, 3]]
    assert axes.lines[-1].get_xydata().tolist() == [[1, 4], [2, 2], [4, 1]], "3, 3 is beaten in both"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")


def test_there_is_no_trade_off_without_two_parts_that_all_runs_have():
    one = ending(1, 2).drop(columns=["b", "validation_b"])
    assert loss_parts({"x": [ending(1, 2)], "y": [one]}) == [] and loss_parts({}) == []
    assert pareto_front(np.array([[np.nan, 1.0], [2.0, 2.0], [2.0, 1.0]])).tolist() == [[2.0, 1.0]]
    assert pareto_front(np.zeros((0, 2))).shape == (0, 2)
