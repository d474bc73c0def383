"""The best settings of a leaderboard as a sweep file: to evaluate trained models on further test sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assets.identity.paths import parse_path
from assets.identity.text import value_text
from assets.statistics.experiment import is_seed, settings_of
from assets.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

    from assets.statistics.experiment import Setting


def best_as_sweep(rows: pd.DataFrame, sweep: Sweep) -> str:
    """Return the text of a sweep file of the settings in rows of a leaderboard, with their seeds, best first.

    Its configurations are those of the sweep, so nothing is trained again. Add test sets to `tests` and run it.
    """
    by_keys = {setting.keys: setting for setting in settings_of(sweep)}
    settings = [by_keys[keys] for keys in dict.fromkeys(rows["keys"])]
    seeds = {
        axis: list(dict.fromkeys(row.axes[axis] for setting in settings for row in setting.rows))
        for axis in sweep.axes
        if is_seed(axis)
    }
    tests = [name if item is None else {name: dict(item.config)} for name, item in sweep.tests.items()]
    variants = {
        f"{place}_{_name(setting)}": _variant(setting, seeds) for place, setting in enumerate(settings, start=1)
    }
    content = {
        "study": sweep.study,
        "description": f"The best of {sweep.name}.",
        "tests": tests,
        "vary": {"setting": variants, **seeds},
    }
    head = (
        f"# The best settings of {sweep.name}. Add test sets: the models are evaluated on them, nothing is trained.\n"
    )
    return head + json.dumps(content, indent=1) + "\n"


def _name(setting: Setting) -> str:
    """Return a name for a setting that is valid in YAML and in file names."""
    text = "_".join(value_text(value) for value in setting.axes.values())
    return "".join(sign if sign.isalnum() else "_" for sign in text)[:60] or "one"


def _variant(setting: Setting, seeds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dataset and model of a setting without its seeds, which are axes of their own."""
    model = setting.rows[0].configuration.item
    tree: dict[str, Any] = {"dataset": dict(model.dataset.config), "model": dict(model.config)}
    for axis in seeds:
        part, *inside = parse_path(axis)
        if len(inside) == 1:
            tree[str(part)].pop(inside[0], None)
    return tree
