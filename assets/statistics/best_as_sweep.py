"""Settings that a table keeps, as a sweep file of their own: to evaluate them on further test sets, trained already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assets.identity.paths import parse_path
from assets.identity.text import shown
from assets.statistics.experiment import is_seed, settings_of
from assets.sweeps.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

    from assets.statistics.experiment import Setting


def kept_sweep(rows: pd.DataFrame, sweep: Sweep) -> str:
    """Return the text of a sweep file of the settings in rows of a leaderboard, with their seeds, best first.

    What it names is what the sweep names: nothing is trained again. Add test sets to `tests` and run it.
    """
    settings = {setting.keys: setting for setting in settings_of(sweep)}
    chosen = [settings[keys] for keys in dict.fromkeys(rows["keys"])]
    seeds = {axis: _values(chosen, axis) for axis in sweep.axes if is_seed(axis)}
    tests = [name if item is None else {name: dict(item.config)} for name, item in sweep.tests.items()]
    variants = {f"{place}_{_name(setting)}": _variant(setting, seeds) for place, setting in enumerate(chosen, start=1)}
    told = {"study": sweep.study, "description": f"The best of {sweep.name}.", "tests": tests}
    head = f"# The settings of {sweep.name} that a table kept. Add test sets: they are evaluated, nothing is trained.\n"
    return head + json.dumps(told | {"vary": {"setting": variants, **seeds}}, indent=1) + "\n"


def _name(setting: Setting) -> str:
    """Return a name that YAML and file names bear."""
    text = "_".join(shown(value) for value in setting.axes.values())
    return "".join(sign if sign.isalnum() else "_" for sign in text)[:60] or "one"


def _values(settings: list[Setting], axis: str) -> list[Any]:
    return list(dict.fromkeys(row.axes[axis] for setting in settings for row in setting.rows))


def _variant(setting: Setting, seeds: Mapping[str, Any]) -> dict[str, Any]:
    model = setting.rows[0].configuration.item
    tree: dict[str, Any] = {"dataset": dict(model.dataset.config), "model": dict(model.config)}
    for axis in seeds:
        part, *inside = parse_path(axis)
        if len(inside) == 1:
            tree[str(part)].pop(inside[0], None)
    return tree
