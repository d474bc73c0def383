"""The tables of a comparison, every cell as text: settings that differ, origin, verdicts, metrics side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assets.identity.text import cell, counted, shown
from assets.report.compared_models import Side
from assets.report.model_tables import input_of
from assets.report.paired_tests import Metric, Verdict, effect_text
from assets.report.settings_verdict import SettingsVerdict
from assets.report.tables import Shown, shown_table, speed_table
from assets.statistics.convergence import convergence
from assets.sweeps.diff import difference

if TYPE_CHECKING:
    from assets.report.comparison import Comparison

NONE = "-"


def settings_that_differ(sides: Sequence[Side]) -> list[tuple[str, dict[str, Any]]]:
    """Return the settings that differ between the sides, defaults resolved, by their letters."""
    return difference({side.letter: side.settings for side in sides})


def settings_table(sides: Sequence[Side]) -> Shown:
    """Return the settings that differ; what a side lacks, as for want of a phase, is a dash."""
    rows = [
        [path, *[shown(values[side.letter]) if side.letter in values else NONE for side in sides]]
        for path, values in settings_that_differ(sides)
    ]
    return shown_table("Settings that differ", ("setting", *_letters(sides)), rows, "Defaults resolved.")


def origin_table(sides: Sequence[Side]) -> Shown:
    """Return what each side is and where its numbers come from."""
    columns = [_origin(side) for side in sides]
    rows = [[what, *[column[what] for column in columns]] for what in columns[0]]
    return shown_table("Origin", ("what", *_letters(sides)), rows)


def _origin(side: Side) -> dict[str, str]:
    manifest = side.manifest
    codes = {"training": manifest["parts"]["code"], "evaluation": _evaluation_code(side)}
    seconds = manifest.get("timings", {}).get("train")
    return {
        "key": side.key,
        "status": manifest["status"],
        "trained": f"{manifest['created'][:19].replace('T', ' ')} UTC",
        "training time": "" if seconds is None else f"{seconds:.1f} s",
        "code": ", ".join(f"{stage} {code[:8]}" for stage, code in codes.items() if code),
        "commit": f"{(manifest['commit'] or 'none')[:12]}{' with uncommitted changes' if manifest['dirty'] else ''}",
        "device": shown(manifest.get("device", "")),
    }


def _evaluation_code(side: Side) -> str:
    return next((one["parts"]["code"] for one in side.evaluations.values()), "")


def verdict_table(verdicts: Sequence[Verdict], metric: str) -> Shown:
    """Return the verdict of every test set."""
    rows = [
        [one.test, f"{one.text}: {one.reason}" if one.reason else one.text, effect_text(one.told, one.first, one.other),
         f"{one.told['better_b']} of {counted(one.told['pairs'], 'trajectory', 'trajectories')}" if one.told["pairs"]
         else NONE, cell(one.told["p"]), cell(one.told["p_holm"])]
        for one in verdicts
    ]  # fmt: skip
    others = " and ".join(dict.fromkeys(one.other for one in verdicts)) or "the other"
    header = ("test set", "verdict", "effect", f"{others} is better on", "p", "p corrected")
    note = (
        f"Of {metric} on the same test trajectories: the effect is that on a typical trajectory, its 95 % interval and "
        "the permutation test are over trajectories, p corrected for the number of verdicts (Holm). This tells these "
        "trained models apart; whether a setting is better takes seeds."
    )
    return shown_table("Verdict", header, rows, note)


def seeds_table(found: Sequence[SettingsVerdict]) -> Shown:
    """Return what the seeds of the sweeps say that hold both models."""
    rows = [
        [one.sweep, one.text, effect_text(one.told, one.first, one.other) if one.told else NONE,
         one.told.get("pairs", NONE), cell(one.told.get("p"))]
        for one in found
    ]  # fmt: skip
    header = ("sweep", "verdict", "effect", "seeds", "p")
    note = "Of the settings of these models, paired by seed, over the test sets of the sweep."
    return shown_table("Their settings over seeds", header, rows, note)


def convergence_table(sides: Sequence[Side]) -> Shown:
    """Return how fast the training of each side came down."""
    histories = {side.letter: history for side in sides if (history := side.history()) is not None}
    return speed_table(convergence(histories), "Of the training loss")


def metric_table(sides: Sequence[Side], name: str, metrics: Sequence[Metric]) -> Shown:
    """Return every metric of a test set side by side."""
    letters = _letters(sides)
    first, others = letters[0], letters[1:]
    rows = [
        [one.name, one.unit, *[_text(one.values, letter) for letter in letters],
         *[_text(one.differences, letter) for letter in others]]
        for one in metrics
    ]  # fmt: skip
    of_test = (one for side in sides for one in side.evaluations.values() if one["config"]["test"] == name)
    address = next((input_of(one, "dataset") for one in of_test), name)
    keys = "; ".join(f"{side.letter} {side.key}" for side in sides)
    note = f"95 % bootstrap intervals over trajectories; differences on those of both. Test set {address}; {keys}."
    return shown_table(
        f"Test set {name}", ("metric", "unit", *letters, *[f"{other} - {first}" for other in others]), rows, note
    )


def _text(values: Mapping[str, Any], letter: str) -> str:
    return values[letter].text if letter in values else NONE


def _letters(sides: Sequence[Side]) -> list[str]:
    return [side.letter for side in sides]


def tables_of(comparison: Comparison) -> dict[str, Any]:
    """Return every table of a comparison, by the names that the template uses."""
    return {
        "settings": settings_table(comparison.sides),
        "verdicts": verdict_table(comparison.verdicts, comparison.metric),
        "seeds": seeds_table(comparison.settings_verdicts),
        "convergence": convergence_table(comparison.sides),
        "measured": [metric_table(comparison.sides, name, found) for name, found in comparison.metrics.items()],
        "origin": origin_table(comparison.sides),
    }
