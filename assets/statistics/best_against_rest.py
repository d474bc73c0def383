"""The best setting of a sweep against every other one, on the same seeds: the answer, and whether it is one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import compact
from assets.identity.text import cell, counted, ranged
from assets.statistics.effects import SIGNIFICANT, compare_samples, holm, pairs_needed
from assets.statistics.experiment import Experiment, Setting

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row

COLUMNS = ("setting", "pairs", "better", "scale", "effect", "low", "high", "p", "p_holm", "told")


def rivals(experiment: Experiment, board: pd.DataFrame) -> pd.DataFrame:
    """Compare the setting that ranks first with every other one that has a rank; see COLUMNS.

    effect is rival over best (scale `ratio`) or rival minus best (`difference`) of the scores, paired by seed, with a
    95 % bootstrap interval; `told` is whether the difference is one after correction for the number of rivals (Holm).
    """
    import pandas as pd

    ranked = ranked_settings(experiment, board)
    found = [
        {"setting": rival.text, **compared_by_seed(experiment, ranked[0], rival)}
        for rival in ranked[1:]
        if experiment.tests
    ]
    table = pd.DataFrame(found, columns=[name for name in COLUMNS if name not in ("p_holm", "told")])
    table["p_holm"] = holm(table["p"].to_numpy(float), experiment.looks)
    table["told"] = table["p_holm"] < SIGNIFICANT
    return table[list(COLUMNS)]


def ranked_settings(experiment: Experiment, board: pd.DataFrame) -> list[Setting]:
    """Return the settings that have a rank, best first."""
    by_keys = {setting.keys: setting for setting in experiment.settings}
    ranked = board[board["rank"] != ""].drop_duplicates("keys") if len(board) else board
    return [by_keys[keys] for keys in ranked["keys"]] if len(board) else []


def compared_by_seed(experiment: Experiment, best: Setting, rival: Setting) -> dict[str, Any]:
    """Compare a setting, `rival`, with another one on the seeds that both have; see `compare_samples`."""
    mine = {seeds_of(row, best): row for row in experiment.usable(best)}
    theirs = {seeds_of(row, rival): row for row in experiment.usable(rival)}
    shared = [seeds for seeds in mine if seeds in theirs]
    told = (
        compare_samples(
            experiment.samples([mine[seeds] for seeds in shared]),
            experiment.samples([theirs[seeds] for seeds in shared]),
        )
        if shared
        else compare_samples([], [])
    )
    return told | {"better": told.pop("better_b")}


def seeds_of(row: Row, setting: Setting) -> str:
    """Return the seeds of a row: its axes that are none of its setting."""
    return compact({axis: value for axis, value in row.axes.items() if axis not in setting.axes})


def answer(experiment: Experiment, board: pd.DataFrame, against: pd.DataFrame) -> str:
    """Say in a sentence or two what the sweep answers, with the interval, and what it cannot tell."""
    ranked = board[board["rank"] != ""] if len(board) else board
    if not len(ranked):
        return "No answer yet: no setting is whole on every test set."
    first = ranked.iloc[0]
    best = ranked_settings(experiment, board)[0]
    unit = f" {first['unit']}" if first["unit"] else ""
    reached = ranged(float(first["score"]), first["score_low"], first["score_high"])
    text = f"{best.text} ranks first with {experiment.metric} {reached}{unit}"
    return f"{text}. {_certainty(against, int(first['seeds']), experiment.looks)}"


def _certainty(against: pd.DataFrame, seeds: int, looks: int) -> str:
    if not len(against):
        return "There is nothing to compare it with."
    open_ = against[~against["told"]]
    if not len(open_):
        return f"It is better than all {len(against)} others (paired by seed, p < {SIGNIFICANT} after correction)."
    needed = pairs_needed(len(against) * looks)
    have = f"{counted(seeds, 'seed')} cannot decide {counted(len(against), 'comparison')}, at least {needed} can"
    why = f"; {have}" if seeds < needed else ""
    smallest = float(open_["p_holm"].min())
    p = f" (smallest corrected p {cell(smallest)})" if math.isfinite(smallest) else ""
    told = "any other setting" if len(open_) == len(against) else f"{len(open_)} of the {len(against)} others"
    return f"It cannot be told from {told}{p}{why}."
