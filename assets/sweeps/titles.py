"""Titles of artifacts for people who watch a sweep run: setting, seed and test set."""

from __future__ import annotations

from assets.identity.canonical import compact
from assets.identity.labels import distinct
from assets.identity.text import value_text
from assets.sweeps.keys import is_seed
from assets.sweeps.sweep import Row, Sweep


def titles(sweep: Sweep) -> dict[str, str]:
    """Return the title of every artifact of a sweep, by its key.

    A model is `signed, seed 0`, its evaluation `signed, seed 0 on complex_planar_10_test`; data and segments have the
    name of the test set, or their label.
    """
    texts = _texts(sweep)
    by_key = {item.key: item.label for layer in ("dataset", "segments") for item in sweep.items()[layer]}
    by_key |= {item.key: name for name, item in sweep.tests.items() if item is not None}
    for row in sweep.rows:
        title = _title(row, texts)
        by_key[row.configuration.key] = title
        by_key |= {item.key: f"{title} on {name}" for name, item in zip(sweep.tests, row.evaluations, strict=True)}
    return by_key


def _title(row: Row, texts: dict[str, dict[str, str]]) -> str:
    settings = [texts[axis][compact(value)] for axis, value in row.axes.items() if not is_seed(axis)]
    seeds = [f"seed {value}" for axis, value in row.axes.items() if is_seed(axis)]
    return ", ".join([*settings, *seeds]) or row.configuration.item.label


def _texts(sweep: Sweep) -> dict[str, dict[str, str]]:
    """Return the text of every value of every axis: text shortened, anything else after the name of its axis."""
    texts = {}
    for axis in sweep.axes:
        values = list({compact(row.axes[axis]): row.axes[axis] for row in sweep.rows}.values())
        if all(isinstance(value, str) for value in values):
            texts[axis] = dict(zip(map(compact, values), distinct(values), strict=True))
        else:
            name = axis.rsplit(".", 1)[-1].replace("_", " ")
            texts[axis] = {compact(value): f"{name} {value_text(value)}" for value in values}
    return texts
