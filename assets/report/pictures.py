"""Pictures of figures, each with a caption; a label on the picture and in its metadata says what it shows."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from textwrap import fill
from typing import TYPE_CHECKING, Any

from assets.stages.exception_status import one_line
from trainers.study import Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DPI = 90
WIDE = 780
"""Pixels from which a picture takes the full width of a page."""

PLAIN = (1e-4, 1e5)
"""Range of the numbers on logarithmic axes that are written without an exponent."""


@dataclass(frozen=True)
class Picture:
    """A figure as a picture, or the reason why it could not be drawn."""

    name: str
    caption: str
    label: str
    """What it shows: axes, key, dataset, test set, code version."""
    png: bytes = b""
    error: str = ""
    figure: Figure | None = field(default=None, repr=False, compare=False)

    @property
    def wide(self) -> bool:
        """Whether it takes the full width of a page."""
        # The width of a PNG is in its bytes 16 to 19.
        return int.from_bytes(self.png[16:20], "big") >= WIDE

    def pdf(self) -> bytes:
        """Render the figure for print, its label below it and in the file; the same figure gives the same bytes."""
        if self.figure is None:
            raise ValueError(f"the figure {self.name} is not drawn: {self.error or 'there is nothing to show'}")
        buffer = io.BytesIO()
        metadata = {"Title": self.label, "Creator": "Orrery", "CreationDate": None, "Producer": None}
        self.figure.savefig(buffer, format="pdf", bbox_inches="tight", pad_inches=0.08, metadata=metadata)
        return buffer.getvalue()

    @property
    def title(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ").capitalize()


def study_figures(study: Study) -> tuple[Callable[..., Figure | None], ...]:
    """Return the figure functions of a study in their order; none for a study without figures."""
    return _functions(study, "FIGURES")


def compared_figures(study: Study) -> tuple[Callable[..., Figure | None], ...]:
    """Return the figure functions of a study that show several models at once, in their order."""
    return _functions(study, "COMPARED")


def across_figures(study: Study) -> tuple[Callable[..., Figure | None], ...]:
    """Return the figure functions of a study that show one model on several test sets, in their order."""
    return _functions(study, "ACROSS_TESTS")


def _functions(study: Study, name: str) -> tuple[Callable[..., Figure | None], ...]:
    module = f"{study.package}.figures"
    return getattr(import_module(module), name, ()) if find_spec(module) else ()


def study_pictures(study: Study, tables: Mapping[str, pd.DataFrame], label: str) -> Iterator[Picture]:
    """Draw every figure of a study whose tables exist; one with nothing to show is left out."""
    for function in study_figures(study):
        names = list(inspect.signature(function).parameters)
        if all(name in tables for name in names):
            picture = picture_of(function, {name: tables[name] for name in names}, label)
            if picture.png or picture.error:
                yield picture


def compared_pictures(
    study: Study,
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    label: str,
    functions: Sequence[Callable[..., Figure | None]] | None = None,
) -> Iterator[Picture]:
    """Draw every figure of a study that shows several models at once; `tables` are those of each model, by its name.

    Such a figure takes each table as a mapping from the names of the models to theirs; models without one are left out,
    and so are figures with nothing to show. With the functions of `across_figures` the names are those of test sets.
    """
    for function in compared_figures(study) if functions is None else functions:
        names = list(inspect.signature(function).parameters)
        complete = [model for model, own in tables.items() if all(name in own for name in names)]
        if complete:
            arguments = {name: {model: tables[model][name] for model in complete} for name in names}
            picture = picture_of(function, arguments, label)
            if picture.png or picture.error:
                yield picture


def picture_of(function: Callable[..., Figure | None], arguments: Mapping[str, Any], label: str) -> Picture:
    """Draw a figure. If drawing fails the picture holds the error; if the function returns None it is empty."""
    name, text = function.__name__, caption(function)
    try:
        figure = function(**arguments)
        if figure is None:
            return Picture(name, text, label)
        return Picture(name, text, label, png(figure, label), figure=figure)
    except Exception as error:  # one broken figure must not cost the report
        return Picture(name, text, label, error=f"this figure could not be drawn: {one_line(error)}")


def caption(function: Callable[..., Any]) -> str:
    """Return the docstring of a figure function as a caption: `Draw the loss ...` becomes `The loss ...`."""
    text = " ".join((inspect.getdoc(function) or function.__name__).split()).removeprefix("Draw ")
    return text[:1].upper() + text[1:]


def png(figure: Figure, label: str) -> bytes:
    """Render a figure with its label below it and in the metadata of the file."""
    label_log_ticks(figure)
    # Matplotlib would read $ and backslashes in a key or setting as mathematics.
    text = fill(label.replace("\\", "/"), max(40, int(20 * figure.get_figwidth())), break_on_hyphens=False)
    figure.supxlabel(text.replace("$", r"\$"), fontsize=6, color="0.35", x=0.01, ha="left")
    buffer = io.BytesIO()
    metadata = {"Title": label, "Software": "Orrery"}
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.08, metadata=metadata)
    return buffer.getvalue()


def label_log_ticks(figure: Figure) -> None:
    """Write plain numbers at the ticks of every logarithmic axis, also between decades where there are few of them.

    Ticks that were set by hand stay as they are.
    """
    from matplotlib.ticker import LogFormatter, LogLocator

    class PlainNumbers(LogFormatter):
        """Labels at the ticks that LogFormatter would label, without an exponent where that is readable."""

        def __call__(self, value: float, position: int | None = None) -> str:
            text = super().__call__(value, position)
            return f"{value:g}" if text and PLAIN[0] <= value <= PLAIN[1] else text

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log" and isinstance(axis.get_major_locator(), LogLocator):
                axis.set_minor_locator(LogLocator(subs="auto"))
                axis.set_major_formatter(PlainNumbers())
                axis.set_minor_formatter(PlainNumbers(minor_thresholds=(2, 0.5)))
