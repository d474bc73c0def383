"""The tables of a comparison: settings that differ, verdicts, convergence, metrics by model, origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assets.identity.text import cell, quantity, value_text
from assets.report.comparison.comparison import Comparison
from assets.report.comparison.models import ComparedModel
from assets.report.comparison.paired_tests import Metric, SettingsVerdict, Verdict, effect_text
from assets.report.model_tables import input_of
from assets.report.tables.rows import speed_table
from assets.report.tables.table import Table, table_of
from assets.statistics.convergence import convergence

NONE = "-"


def tables_of_comparison(comparison: Comparison) -> dict[str, Any]:
    """Return every table of a comparison under the names that the template uses."""
    models = comparison.models
    histories = {model.letter: history for model in models if (history := model.history()) is not None}
    return {
        "settings": settings_table(comparison),
        "verdicts": verdict_table(comparison.verdicts, comparison.metric),
        "seeds": seeds_table(comparison.settings_verdicts),
        "convergence": speed_table(convergence(histories), "Of the training loss"),
        "metrics": [metric_table(models, name, group) for name, group in comparison.metrics.items()],
        "origin": origin_table(models),
    }


def settings_table(comparison: Comparison) -> Table:
    """Tabulate the settings that differ; '-' where a model has no such setting, for example fewer phases."""
    letters = [model.letter for model in comparison.models]
    rows = [
        [path, *[value_text(values[letter]) if letter in values else NONE for letter in letters]]
        for path, values in comparison.settings
    ]
    return table_of("Settings that differ", ("setting", *letters), rows, "Defaults resolved.")


def verdict_table(verdicts: Sequence[Verdict], metric: str) -> Table:
    """Return the verdict on every test set."""
    rows = [
        [one.test, f"{one.text}: {one.reason}" if one.reason else one.text,
         effect_text(one.comparison, one.first, one.other),
         f"{one.comparison['better_b']} of {quantity(one.comparison['pairs'], 'trajectory', 'trajectories')}"
         if one.comparison["pairs"] else NONE,
         cell(one.comparison["p"]), cell(one.comparison["p_holm"])]
        for one in verdicts
    ]  # fmt: skip
    others = " and ".join(dict.fromkeys(one.other for one in verdicts)) or "the other"
    header = ("test set", "verdict", "effect", f"{others} is better on", "p", "p corrected")
    note = (
        f"Of {metric} on the same test trajectories: the effect is that on a typical trajectory, its 95 % interval and "
        "the paired t-test are over trajectories, p corrected for the number of verdicts (Holm). This compares the "
        "trained models; whether a setting is better takes seeds."
    )
    return table_of("Verdict", header, rows, note)


def seeds_table(verdicts: Sequence[SettingsVerdict]) -> Table:
    """Return the verdicts of the sweeps that hold both models, over their seeds."""
    rows = [
        [one.sweep, one.text, effect_text(one.comparison, one.first, one.other) if one.comparison else NONE,
         one.comparison.get("pairs", NONE), cell(one.comparison.get("p"))]
        for one in verdicts
    ]  # fmt: skip
    header = ("sweep", "verdict", "effect", "seeds", "p")
    note = "Of the settings of these models, paired by seed, over the test sets of the sweep."
    return table_of("Their settings over seeds", header, rows, note)


def metric_table(models: Sequence[ComparedModel], name: str, metrics: Sequence[Metric]) -> Table:
    """Return every metric on a test set: a column for each model, then the differences from the first one."""

    def text(values: Mapping[str, Any], letter: str) -> str:
        return values[letter].text if letter in values else NONE

    letters = [model.letter for model in models]
    first, *others = letters
    rows = [
        [one.name, one.unit, *[text(one.values, letter) for letter in letters],
         *[text(one.differences, letter) for letter in others]]
        for one in metrics
    ]  # fmt: skip
    of_test = (one for model in models for one in model.evaluations.values() if one["config"]["test"] == name)
    address = next((input_of(one, "dataset") for one in of_test), name)
    keys = "; ".join(f"{model.letter} {model.key}" for model in models)
    note = f"95 % intervals over trajectories; differences on those of both. Test set {address}; {keys}."
    header = ("metric", "unit", *letters, *[f"{other} - {first}" for other in others])
    return table_of(f"Test set {name}", header, rows, note)


def origin_table(models: Sequence[ComparedModel]) -> Table:
    """Return where each model and its numbers come from."""
    columns = [_origin(model) for model in models]
    rows = [[what, *[column[what] for column in columns]] for what in columns[0]]
    return table_of("Origin", ("what", *[model.letter for model in models]), rows)


def _origin(model: ComparedModel) -> dict[str, str]:
    manifest = model.manifest
    evaluation = next((one["parts"]["code"] for one in model.evaluations.values()), "")
    codes = {"training": manifest["parts"]["code"], "evaluation": evaluation}
    seconds = manifest["timings"].get("train")
    return {
        "key": model.key,
        "status": manifest["status"],
        "trained": f"{manifest['created'][:19].replace('T', ' ')} UTC",
        "training time": "" if seconds is None else f"{seconds:.1f} s",
        "code": ", ".join(f"{stage} {code[:8]}" for stage, code in codes.items() if code),
        "commit": f"{(manifest['commit'] or 'none')[:12]}{' with uncommitted changes' if manifest['dirty'] else ''}",
        "device": value_text(manifest["device"]),
    }
