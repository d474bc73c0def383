"""Figures as pictures that say what they are of: a label on the picture and in its file, a caption beside it."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from assets.report.log_ticks import clear_log_ticks
from assets.stages.exception_status import one_line
from trainers.study import Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DPI = 90
WIDE = 780
"""Pixels from which a picture is not shown beside another one."""


@dataclass(frozen=True)
class Picture:
    """A figure that has been drawn, or the reason why it could not be."""

    name: str
    caption: str
    label: str
    """What it is of: axes, key, dataset, test set, code version."""
    png: bytes = b""
    error: str = ""
    figure: Figure | None = field(default=None, repr=False, compare=False)

    @property
    def wide(self) -> bool:
        """Whether it takes the full width of a page; the width of a PNG stands in the bytes 16 to 19 of it."""
        return int.from_bytes(self.png[16:20], "big") >= WIDE

    def pdf(self) -> bytes:
        """Render the figure for print, its label below it and in the file; the same figure gives the same bytes."""
        if self.figure is None:
            raise ValueError(f"the figure {self.name} was not drawn: {self.error or 'there is nothing to show'}")
        buffer = io.BytesIO()
        told = {"Title": self.label, "Creator": "Orrery", "CreationDate": None, "Producer": None}
        self.figure.savefig(buffer, format="pdf", bbox_inches="tight", pad_inches=0.08, metadata=told)
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


def _functions(study: Study, name: str) -> tuple[Callable[..., Figure | None], ...]:
    module = f"{study.package}.figures"
    return getattr(import_module(module), name, ()) if find_spec(module) else ()


def study_pictures(study: Study, tables: Mapping[str, pd.DataFrame], label: str) -> Iterator[Picture]:
    """Draw every figure of a study whose tables are there."""
    for function in study_figures(study):
        names = list(inspect.signature(function).parameters)
        if all(name in tables for name in names):
            yield from _there(drawn(function, {name: tables[name] for name in names}, label))


def _there(picture: Picture) -> Iterator[Picture]:
    """Yield a picture, unless its function had nothing to show."""
    if picture.png or picture.error:
        yield picture


def compared_pictures(study: Study, tables: Mapping[str, Mapping[str, pd.DataFrame]], label: str) -> Iterator[Picture]:
    """Draw every figure of a study that shows several models at once; `tables` are those of each model, by its name.

    Such a figure takes each table as a mapping from the names of the models to theirs; models that lack one are left
    out of it.
    """
    for function in compared_figures(study):
        names = list(inspect.signature(function).parameters)
        able = [model for model, own in tables.items() if all(name in own for name in names)]
        if able:
            arguments = {name: {model: tables[model][name] for model in able} for name in names}
            yield from _there(drawn(function, arguments, label))


def drawn(function: Callable[..., Figure | None], arguments: Mapping[str, Any], label: str) -> Picture:
    """Draw a figure; one that cannot be drawn is a picture that says so, and the others are drawn."""
    drawing = partial(Picture, function.__name__, caption(function), label)
    try:
        figure = function(**arguments)
        return drawing() if figure is None else drawing(png=png(figure, label), figure=figure)
    except Exception as error:
        return drawing(error=f"this figure could not be drawn: {one_line(error)}")


def caption(function: Callable[..., Any]) -> str:
    """Return the docstring of a figure function as a caption: `Draw the loss ...` becomes `The loss ...`."""
    text = " ".join((inspect.getdoc(function) or function.__name__).split())
    text = text.removeprefix("Draw ")
    return text[:1].upper() + text[1:]


def png(figure: Figure, label: str) -> bytes:
    """Render a figure with its label below it and in the metadata of the file."""
    clear_log_ticks(figure)
    figure.supxlabel(_wrapped(label, figure.get_figwidth()), fontsize=6, color="0.35", x=0.01, ha="left")
    buffer = io.BytesIO()
    told = {"Title": label, "Software": "Orrery"}
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.08, metadata=told)
    return buffer.getvalue()


def _wrapped(label: str, inches: float) -> str:
    """Break a label so that it fits under a figure, `$` and backslashes taken literally."""
    from textwrap import fill

    return fill(label.replace("\\", "/"), max(40, int(20 * inches)), break_on_hyphens=False).replace("$", r"\$")
