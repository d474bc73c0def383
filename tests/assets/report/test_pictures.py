"""Pictures of figures: for screen and print, of several models, and of those that cannot be drawn."""

import io
from itertools import pairwise

import pytest
from matplotlib.figure import Figure
from PIL import Image

from assets.report import pictures
from assets.report.pictures import compared_pictures, label_log_ticks, picture_of, study_pictures


def line(history):
    """Draw a line."""
    figure = Figure(figsize=(4, 3), layout="constrained")
    figure.subplots().plot(history)
    return figure


def wide_line(history):
    """Draw a wide line."""
    figure = line(history)
    figure.set_size_inches(10, 2)
    return figure


def nothing(history):
    """Draw nothing."""


def failing(history):
    """Draw what cannot be drawn."""
    raise ValueError("no such column\nat all")


def pair(history, segments):
    """Draw two tables of every model."""
    return line([len(history), len(segments)])


@pytest.fixture
def figures(monkeypatch):
    functions = {"FIGURES": (line, nothing, failing), "COMPARED": (pair, nothing)}
    monkeypatch.setattr(pictures, "_functions", lambda study, name: functions[name])


def test_a_figure_is_a_png_and_a_pdf_with_its_label_in_the_file():
    picture = picture_of(line, {"history": [1, 2]}, "key abc; test set t")
    image = Image.open(io.BytesIO(picture.png))
    assert image.info["Title"] == "key abc; test set t" and not picture.wide
    assert picture.pdf().startswith(b"%PDF") and b"key abc; test set t" in picture.pdf()
    assert picture.pdf() == picture.pdf()
    assert picture_of(wide_line, {"history": [1, 2]}, "").wide


def test_a_figure_with_nothing_to_show_is_left_out_and_a_broken_one_says_why(figures):
    drawings = list(study_pictures(None, {"history": [1, 2]}, "label"))
    assert [picture.name for picture in drawings] == ["line", "failing"]
    assert drawings[1].error == "this figure could not be drawn: ValueError: no such column"
    with pytest.raises(ValueError, match="failing is not drawn"):
        drawings[1].pdf()


def test_models_without_a_table_are_left_out_of_a_figure_of_several(figures, monkeypatch):
    tables_drawn = {}

    def record_tables(function, arguments, label):
        tables_drawn.update(arguments)
        return picture_of(line, {"history": [1, 2]}, label)

    monkeypatch.setattr(pictures, "picture_of", record_tables)
    tables = {"a": {"history": [1], "segments": [2]}, "b": {"history": [3]}}
    assert len(list(compared_pictures(None, tables, "label"))) == 2
    assert tables_drawn["segments"] == {"a": [2]} and tables_drawn["history"] == {"a": [1], "b": [3]}, (
        "the second one needs no segments"
    )


def log_axis(low, high):
    """Return the axis of a small figure between two numbers, and its labels by the number that they stand at."""
    figure = Figure(figsize=(3, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([low, high], [1, 2])
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    label_log_ticks(figure)
    figure.draw_without_rendering()
    labels = [label for label in axes.get_xticklabels(which="both") if label.get_text()]
    return sorted((x, label) for label in labels if low <= (x := label.get_position()[0]) <= high)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.5, 2000, ["1", "10", "100", "1000"]),
        (1.5, 4.5, ["2", "3", "4"]),
        (0.3, 0.9, ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]),
    ],
)
def test_logarithmic_axes_have_plain_numbers(low, high, texts):
    assert [label.get_text() for _, label in log_axis(low, high)] == texts


@pytest.mark.parametrize("high", [3.5, 8.0, 30.0, 3e3, 3e9])
def test_labels_of_logarithmic_axes_are_enough_and_do_not_overlap(high):
    labels = [label for _, label in log_axis(3.0, high)]
    assert len(labels) >= 3
    boxes = [label.get_window_extent() for label in labels]
    assert all(one.x1 <= following.x0 + 1 for one, following in pairwise(boxes))


def test_ticks_that_were_set_by_hand_stay():
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_xlim(1, 100)
    axes.set_xticks([4, 6, 10])
    label_log_ticks(figure)
    assert list(axes.get_xticks()) == [4, 6, 10]
