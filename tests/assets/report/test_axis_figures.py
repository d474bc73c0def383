"""Figures of the axes of a sweep: what is drawn is what the tables say."""

import numpy as np
import pandas as pd
import pytest

from assets.report import axis_figures
from tests.assets.report.test_sweep_figures import AXES, HEADS, LENGTHS, RATES, WIDTHS, board


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


def test_axes_of_one_value_are_not_important_and_others_come_by_their_share():
    values = pd.DataFrame(
        {
            "axis": ["a", "a", "b", "b", "c"],
            "runs": [3, 3, 3, 3, 6],
            "importance": [0.2, 0.2, 0.7, 0.7, np.nan],
        }
    )
    assert axis_figures.important_axes(values) == ["b", "a"]
