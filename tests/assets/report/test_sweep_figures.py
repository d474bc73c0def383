"""Figures over a sweep: what was drawn is what the tables say."""

import itertools

import numpy as np
import pandas as pd

from assets.report import sweep_figures
from assets.report.sweep_figures import loss_parts, pareto_front, trade_off

WIDTHS, HEADS, RATES, LENGTHS = (8, 16, 32), ("abs", "signed"), (0.1, 0.2), (4, 10, 18)
AXES = ("model.width", "model.head", "model.rate", "model.length")


def board(axes=4):
    """Return a leaderboard of every combination of the first axes; the score tells its place among the values."""
    names, values = AXES[:axes], (WIDTHS, HEADS, RATES, LENGTHS)[:axes]
    rows = [dict(zip(names, combination, strict=True)) for combination in itertools.product(*values)]
    table = pd.DataFrame(rows)
    table["score"] = [1.0 + number for number in range(len(table))]
    table["score_low"], table["score_high"] = 0.9 * table["score"], 1.1 * table["score"]
    table["keys"], table["rank"], table["unit"] = [f"k{n}" for n in range(len(table))], "1", "%"
    return table


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


def test_boxes_of_settings_begin_with_the_one_that_spreads_least():
    wide, narrow = np.linspace(1, 9, 20), np.linspace(4, 5, 20)
    figure = sweep_figures.spread({"a": {"wide": wide, "narrow": narrow}, "b": {"narrow": narrow}}, "error", "%")
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["narrow", "wide"]
    assert (first.get_title(), second.get_title()) == ("test set a", "test set b")
    medians = [float(line.get_xdata()[0]) for line in first.lines if line.get_color() == "C1"]
    assert medians == [np.median(narrow), np.median(wide)] and first.get_ylim()[0] > first.get_ylim()[1]
