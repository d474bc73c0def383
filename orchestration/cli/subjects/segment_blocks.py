"""What the phases of a sweep train on, in blocks of lines: a table of twenty columns is unreadable on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from shutil import get_terminal_size
from textwrap import fill
from typing import Any

from assets.identity.text import cell, quantity

IN_TITLE = ("segments", "dataset", "configurations", "phase", "state", "usable", "fitted")
"""What the title of a block says, or a block of its own."""

NO_BREAK = "\u00a0"
"""Keeps a name and its value on one line."""

WIDEST, INDENT = 120, "    "


def print_cuts(cuts: Sequence[Mapping[str, Any]], whole: bool) -> None:
    """Print what the phases have to train on: all of it if requested, else only phases without a training segment."""
    stored = [cut for cut in cuts if cut["state"] == "fresh"]
    missing = len({cut["segments"] for cut in cuts} - {cut["segments"] for cut in stored})
    listed = [cut for cut in stored if whole or not cut["usable"]]
    if listed:
        print("\n".join(blocks(listed)))
    if missing:
        print(f"{missing} segmentations are not cut yet; --segments cuts them and shows what they leave to train on")


def blocks(cuts: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Yield what all phases have in common, a block per segmentation and phase, and what each segmentation fitted."""
    names = [name for name in dict.fromkeys(name for cut in cuts for name in cut) if name not in IN_TITLE]
    shared = [name for name in names if len(cuts) > 1 and len({str(cut.get(name)) for cut in cuts}) == 1]
    yield "segments by phase"
    if shared:
        yield _block("the same in all of them", {name: cuts[0][name] for name in shared})
    for cut in cuts:
        mark = "" if cut["usable"] else ": skipped:zero_segments"
        title = f"{cut['segments']}, phase {cut['phase']}, of dataset {cut['dataset']}, for "
        own = {name: cut[name] for name in names if name in cut and name not in shared}
        yield _block(f"{title}{quantity(cut['configurations'], 'configuration')}{mark}", own)
    for segments, fitted in {cut["segments"]: cut["fitted"] for cut in cuts if cut.get("fitted")}.items():
        yield _block(f"fitted on the training data of {segments}, in the units that the model works in", fitted)


def _block(title: str, values: Mapping[str, Any]) -> str:
    """Return names with their values, as many to a line as fit, below a title."""
    pairs = [f"{name.replace('_', ' ')} {_text(value)}".replace(" ", NO_BREAK) for name, value in values.items()]
    width = min(WIDEST, get_terminal_size((80, 24)).columns)

    def lines(text: str, first: str, later: str) -> str:
        return fill(text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)

    return f"{lines(title, '', '  ')}\n{lines('; '.join(pairs), INDENT, INDENT)}".replace(NO_BREAK, " ")


def _text(value: Any) -> str:
    return ", ".join(map(cell, value)) if isinstance(value, list) else cell(value)
