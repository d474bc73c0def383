"""Write coverage and width of 90 % intervals of refined models by stratum: exact series, other solvers, noise.

python results/preference_dynamics/coverage.py [SERIES OF EACH TEST SET] [SEEDS]

Trains the model of `sweeps/preference_dynamics/coverage.yaml` anew, so that it needs no store: 3 minutes for a seed,
and 1 for 1000 series of a test set, on one CPU. Writes `coverage.csv` and prints it as two tables.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from assets.sweeps.yaml_loader import read_document
from trainers import STUDIES
from trainers.study import Job

STUDY = STUDIES["preference_dynamics"]
HERE = Path(__file__).parent
SWEEP = HERE.parents[1] / "sweeps/preference_dynamics/coverage.yaml"


def coverage_tables(series: int, seed: int) -> Iterator[pd.DataFrame]:
    """Yield the table `coverage` of the first `series` series of each test set of the sweep."""
    sweep = read_document(SWEEP).data
    config = STUDY.model(**sweep["base"]["model"], seed=seed)
    segments = STUDY.segment(config.segmentation(), STUDY.simulate(STUDY.presets[sweep["base"]["dataset"]]))
    trained = next(STUDY.train([Job("coverage", config, segments)]))
    for name in sweep["tests"]:
        test = STUDY.simulate(STUDY.presets[name].model_copy(update={"trajectories": series}))
        yield STUDY.evaluate(config, trained, test).tables["coverage"].assign(seed=seed, test=name)


def markdown(table: pd.DataFrame, column: str, form: str) -> Iterator[str]:
    """Yield a table of strata by test sets: means over seeds; (n) where a stratum has fewer than 100 series."""
    means = table.groupby(["stratum", "test"], sort=False)[[column, "n"]].mean()
    tests = list(dict.fromkeys(table["test"]))
    yield "| | " + " | ".join(tests) + " |"
    yield "|---|" + "---|" * len(tests)
    for stratum in dict.fromkeys(table["stratum"]):
        rows = [means.loc[(stratum, test)] if (stratum, test) in means.index else None for test in tests]
        cells = [
            "" if row is None else f"{row[column]:{form}}" + (f" ({row['n']:.0f})" if row["n"] < 100 else "")
            for row in rows
        ]
        yield f"| {stratum} | " + " | ".join(cells) + " |"


def main(series: int = 1500, seeds: int = 3) -> None:
    """Write the table and print it."""
    table = pd.concat([table for seed in range(seeds) for table in coverage_tables(series, seed)], ignore_index=True)
    table.to_csv(HERE / "coverage.csv", index=False, float_format="%.4g")
    for title, column, form in (("Coverage [%]", "observed", ".1f"), ("Median width", "median_width", ".1e")):
        print(title, "", *markdown(table, column, form), "", sep="\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
