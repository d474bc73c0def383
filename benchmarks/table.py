"""The benchmarks as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TITLES = {
    "training": "(a) training, one worker",
    "training-all-cpus": "(a) training, one worker per CPU",
    "sweep": "(b) sixteen configurations from cold",
    "diary": "(c) the diary's sweep, projected",
    "planning": "(d) orchestration",
    "simulation": "(e) simulation",
    "matrix": "(f) fraction of the matrix-product rate",
    "preference": "(g) preference dynamics: simulation",
    "phase_field": "(h) phase field: simulation and training step",
    "urease": "(i) urease: simulation and training step",
    "vehicle": "(j) vehicle: rollouts and gradients",
}
HIDDEN = ("rows", "cells", "machine")


def markdown(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one section per benchmark."""
    lines = ["# Benchmarks", "", "Made by `make bench`; ratios are of two things measured in one run.", ""]
    for name, title in TITLES.items():
        if name in results:
            lines += [f"## {title}", "", f"`python -m benchmarks {name}` on {results[name]['machine']}", ""]
            lines += [*_section(results[name]), ""]
    return "\n".join(lines)


def _section(result: Mapping[str, Any]) -> Iterator[str]:
    for name, ratio in result.get("ratios", {}).items():
        yield (
            f"- {name}: **{ratio['ratio']:.1f} x** (95 % interval {ratio['low']:.1f} to {ratio['high']:.1f}, "
            f"n = {ratio['n']}; {ratio['ours']:.4g} against {ratio['peer']:.4g})"
        )
    for name, value in result.items():
        if name == "sizes":
            yield from _rows(value)
        elif name != "ratios" and name not in HIDDEN:
            yield f"- {name.replace('_', ' ')}: {_text(value)}"
    if "cells" in result:
        yield from _rows(result["cells"])


def _rows(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "| " + " | ".join(name.replace("_", " ") for name in rows[0]) + " |"
    yield "|" + "---|" * len(rows[0])
    for row in rows:
        yield "| " + " | ".join(_text(value) for value in row.values()) + " |"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
