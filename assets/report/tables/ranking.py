"""Tables that rank: the leaderboard over all test sets and on each, the best against the rest, neighbours in rank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from assets.identity.text import value_text, with_interval
from assets.report.tables.table import Table, table_of
from assets.statistics.best_against_rest import median_row, ranked_settings, seeds_of
from assets.statistics.experiment import Experiment, short
from assets.statistics.paired_comparison import INCONCLUSIVE, SCALES, TEST

if TYPE_CHECKING:
    import pandas as pd


def overall_table(experiment: Experiment, board: pd.DataFrame) -> Table:
    """Return the leaderboard over all test sets that rank: one row per setting with its score and all its caveats."""
    axes = [axis for axis in experiment.sweep.axes if axis in board]
    stopped = ["stopped"] if "stopped" in board else []
    column = ["ranks_by"] if "ranks_by" in board else []
    header = ["rank", *map(short, axes), "status", "seeds", *stopped, *[experiment.column for _ in column],
              f"score [{_unit(board)}]", "caveats", "keys"]  # fmt: skip
    of_tests = board[board["test"].isin(experiment.tests)].groupby("keys", sort=False)["caveats"].agg(_distinct)
    rows = [
        [row["rank"], *[value_text(row[axis]) for axis in axes], row["status"], row["seeds"],
         *[row[name] for name in (*stopped, *column)],
         with_interval(row["score"], row["score_low"], row["score_high"]), of_tests.get(row["keys"], ""), row["keys"]]
        for row in board.drop_duplicates("keys").to_dict("records")
    ]  # fmt: skip
    note = f"Score: {experiment.metric}, its mean over the test sets and geometric mean over the seeds."
    return table_of("All test sets", header, rows, note, ["keys"])


def _distinct(caveats: Sequence[str]) -> str:
    """Join the caveats on several test sets, each once."""
    return "; ".join(dict.fromkeys(caveat for text in caveats for caveat in text.split("; ") if caveat))


def _unit(board: pd.DataFrame) -> str:
    return next(filter(None, board["unit"]), "1")


def leaderboards(experiment: Experiment, board: pd.DataFrame) -> Iterator[Table]:
    """Yield the leaderboard of each test set, those that rank first."""
    axes = [axis for axis in experiment.sweep.axes if axis in board]
    stopped = ["stopped"] if "stopped" in board else []
    others = [name for name in ("train", "gap") if name in board]
    others += [name for name in experiment.study.headline[1:] if name != experiment.metric]
    for test in sorted(experiment.sweep.tests, key=lambda test: test not in experiment.tests):
        table = board[board["test"] == test]
        header = ["rank", *map(short, axes), "status", "seeds", *stopped, f"mean [{_unit(table)}]", "caveats",
                  "median", "iqr", "worst", "failed", *[name.replace("_", " ") for name in others], "keys"]  # fmt: skip
        rows = [
            [row["rank"], *[value_text(row[axis]) for axis in axes], row["status"], row["seeds"],
             *[row[name] for name in stopped], with_interval(row["mean"], row["low"], row["high"]), row["caveats"],
             row["median"], row["iqr"], row["worst"], row["failed"], *[row[name] for name in others], row["keys"]]
            for row in table.to_dict("records")
        ]  # fmt: skip
        data, training, code = (
            ", ".join(sorted(set(filter(None, table[name])))) for name in ("test_dataset", "dataset", "code")
        )
        note = f"{experiment.metric}; test set {test}: {data}; trained on {training}; code {code}"
        details = [name for name in ("iqr", "failed", "keys") if name != experiment.column]
        yield table_of(f"Test set {test}", header, rows, note, details)


def rest_table(comparisons: pd.DataFrame) -> Table:
    """Return the comparisons of the best setting (a) with the rest (b)."""
    rows = [
        [row["setting"], f"{row['pairs'] - row['better']} of {row['pairs']}", SCALES[row["scale"]],
         with_interval(row["effect"], row["low"], row["high"]), row["p"], row["p_holm"],
         row["p_permutation"], "b is worse" if row["significant"] else INCONCLUSIVE]
        for row in comparisons.to_dict("records")
    ]  # fmt: skip
    header = ("b", "the best, a, is better in", "scale", "effect", "p", "p corrected",
              "p permutation", "verdict")  # fmt: skip
    return table_of("The best against the rest", header, rows, f"Paired by seed. {TEST}")


@dataclass(frozen=True)
class Neighbours:
    """Two settings that are neighbours in rank, each by one trained model, so that the two can be compared."""

    rank: int
    """Of the first."""
    first: str
    other: str
    """`<study>/<hash>` of the model of the median seed of the first setting, and of the same seed of the other one."""
    settings: tuple[str, str]


def neighbours(experiment: Experiment, board: pd.DataFrame) -> Iterator[Neighbours]:
    """Yield the neighbours in rank, best first."""
    for rank, (first, other) in enumerate(pairwise(ranked_settings(experiment, board)), start=1):
        row = median_row(experiment, first)
        same_seed = (one for one in experiment.usable(other) if seeds_of(one, other) == seeds_of(row, first))
        beside = next(same_seed, None) or median_row(experiment, other)
        models = [f"{experiment.sweep.study}/{one.configuration.item.hash}" for one in (row, beside)]
        yield Neighbours(rank, models[0], models[1], (first.text, other.text))


def neighbour_table(pairs: Sequence[Neighbours]) -> Table:
    """Return the neighbours in rank with the command that compares them."""
    rows = [[f"{pair.rank} and {pair.rank + 1}", *pair.settings, f"orrery compare {pair.first} {pair.other}"]
            for pair in pairs]  # fmt: skip
    header = ("rank", "a", "b", "to compare them")
    return table_of("Neighbours in rank", header, rows, "The median seed of a and the same seed of b.")
