"""Best against the rest: the setting that ranks first, compared with every other one on the same seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import compact
from assets.identity.text import cell, with_interval
from assets.statistics.experiment import Experiment, Setting
from assets.statistics.paired_comparison import SIGNIFICANT, compare_samples, holm, is_decided

if TYPE_CHECKING:
    import pandas as pd

    from assets.sweeps.sweep import Row

COLUMNS = (
    "setting", "pairs", "better", "scale", "effect", "low", "high", "p", "p_holm", "p_permutation", "significant"
)  # fmt: skip


def best_against_rest(experiment: Experiment, board: pd.DataFrame) -> pd.DataFrame:
    """Compare the setting that ranks first with every other one that has a rank; columns: COLUMNS.

    effect is other over best (scale `ratio`) or other minus best (`difference`) of the scores, paired by seed, with a
    95 % interval; better counts the pairs in which the other one is better; p_holm is corrected for the number of other
    settings; significant: see `is_decided`.
    """
    import pandas as pd

    settings = ranked_settings(experiment, board) if experiment.tests else []
    records = [{"setting": other.text, **compare_by_seed(experiment, settings[0], other)} for other in settings[1:]]
    table = pd.DataFrame(records, columns=[name for name in COLUMNS if name not in ("p_holm", "significant")])
    table["p_holm"] = holm(table["p"].to_numpy(float), experiment.analyses)
    table["significant"] = [is_decided(row) for row in table.to_dict("records")]
    return table[list(COLUMNS)]


def ranked_settings(experiment: Experiment, board: pd.DataFrame) -> list[Setting]:
    """Return the settings that have a rank, best first."""
    by_keys = {setting.keys: setting for setting in experiment.settings}
    return [by_keys[keys] for keys in board[board["rank"] != ""].drop_duplicates("keys")["keys"]] if len(board) else []


def compare_by_seed(experiment: Experiment, best: Setting, other: Setting) -> dict[str, Any]:
    """Compare a setting with another one (b) on the seeds that both have: the fields of `compare_samples`.

    `better_b` is called `better`.
    """
    by_seed, by_seed_of_other = (
        {seeds_of(row, setting): row for row in experiment.usable(setting)} for setting in (best, other)
    )
    shared = [seeds for seeds in by_seed if seeds in by_seed_of_other]
    comparison = compare_samples(
        experiment.samples([by_seed[seeds] for seeds in shared]) if shared else [],
        experiment.samples([by_seed_of_other[seeds] for seeds in shared]) if shared else [],
    )
    better = comparison.pop("better_b")
    return {**comparison, "better": better}


def median_row(experiment: Experiment, setting: Setting) -> Row:
    """Return the row of a setting whose score is the median of its seeds, the lower one of two."""
    rows = sorted(experiment.usable(setting), key=experiment.score)
    return rows[(len(rows) - 1) // 2]


def seeds_of(row: Row, setting: Setting) -> str:
    """Return the values of the seed axes of a row, as text."""
    return compact({axis: value for axis, value in row.axes.items() if axis not in setting.axes})


def answer(experiment: Experiment, board: pd.DataFrame, comparisons: pd.DataFrame) -> str:
    """Return the answer of a sweep in a sentence or two: the best setting, its interval, and how sure that is."""
    ranked = board[board["rank"] != ""] if len(board) else board
    if not len(ranked):
        if not experiment.tests:
            return "No answer: the sweep has no test set beside the training set."
        return "No answer yet: no setting is ok with all its seeds on every test set."
    first = ranked.iloc[0]
    best = ranked_settings(experiment, board)[0]
    unit = f" {first['unit']}" if first["unit"] else ""
    score = with_interval(float(first["score"]), first["score_low"], first["score_high"])
    text = f"{best.text} ranks first with {experiment.metric} {score}{unit}. {_certainty(comparisons)}"
    tests = board[(board["keys"] == first["keys"]) & board["test"].isin(experiment.tests)]
    caveats = dict.fromkeys(caveat for text in tests["caveats"] for caveat in text.split("; ") if caveat)
    return f"{text} Caveats: {'; '.join(caveats)}." if caveats else text


def _certainty(comparisons: pd.DataFrame) -> str:
    """Say which others the best setting is better than, by what test, and which comparisons are inconclusive."""
    if not len(comparisons):
        return "There is nothing to compare it with."
    decided, undecided = (comparisons[comparisons["significant"] == value] for value in (True, False))
    test = f"paired t-test of logarithms over seeds and trajectories, p < {SIGNIFICANT} after correction"
    if (comparisons["scale"] == "difference").any():
        test = test.replace("of logarithms ", "")
    if not len(undecided):
        others = "the other one" if len(comparisons) == 1 else f"all {len(comparisons)} others"
        return f"It is better than {others} ({test})."
    smallest = float(undecided["p_holm"].min())
    p = f"; smallest corrected p {cell(smallest)}" if math.isfinite(smallest) else ""
    better = f"It is better than {', '.join(decided['setting'])}. " if len(decided) else ""
    rest = ", ".join(undecided["setting"]) if len(decided) or len(undecided) < 4 else "every other setting"
    return f"{better}Against {rest} the comparison is inconclusive ({test}{p})."
