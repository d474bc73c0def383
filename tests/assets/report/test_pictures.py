"""Pictures of figures: for screen and print, of several models, and of those that cannot be drawn."""

import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from assets.report import pictures
from assets.report.pictures import compared_pictures, drawn, study_pictures


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


def broken(history):
    """Draw what cannot be drawn."""
    raise ValueError("no such column\nat all")


def pair(history, segments):
    """Draw two tables of every model."""
    return line([len(history), len(segments)])


@pytest.fixture
def figures(monkeypatch):
    found = {"FIGURES": (line, nothing, broken), "COMPARED": (pair, nothing)}
    monkeypatch.setattr(pictures, "_functions", lambda study, name: found[name])


def test_a_figure_is_a_png_and_a_pdf_with_its_label_in_the_file():
    picture = drawn(line, {"history": [1, 2]}, "key abc; test set t")
    image = Image.open(io.BytesIO(picture.png))
    assert image.info["Title"] == "key abc; test set t" and not picture.wide
    assert picture.pdf().startswith(b"%PDF") and b"key abc; test set t" in picture.pdf()
    assert picture.pdf() == picture.pdf()
    assert drawn(wide_line, {"history": [1, 2]}, "").wide


def test_a_figure_with_nothing_to_show_is_left_out_and_a_broken_one_says_why(figures):
    shown = list(study_pictures(None, {"history": [1, 2]}, "label"))
    assert [picture.name for picture in shown] == ["line", "broken"]
    assert shown[1].error == "this figure could not be drawn: ValueError: no such column"
    with pytest.raises(ValueError, match="broken was not drawn"):
        shown[1].pdf()


def test_models_without_a_table_are_left_out_of_a_figure_of_several(figures, monkeypatch):
    seen = {}
    monkeypatch.setattr(pictures, "drawn", lambda function, arguments, label: seen.update(arguments) or drawn(
        line, {"history": [1, 2]}, label))  # fmt: skip
    tables = {"a": {"history": [1], "segments": [2]}, "b": {"history": [3]}}
    assert len(list(compared_pictures(None, tables, "label"))) == 2
    assert seen["segments"] == {"a": [2]} and seen["history"] == {"a": [1], "b": [3]}, (
        "the second one needs no segments"
    )
