"""Print tables of a stored sweep as Markdown: rollouts and combinations of every setting, with 95 % intervals.

python results/vehicle/by_setting.py cars [TEST SET ...]

Intervals are over seeds and runs (rollouts), or over seeds and estimates (combinations; root mean squares in %).
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

import assets
from assets.statistics.intervals import Sample, estimate

STUDY = "vehicle"
COMBINATIONS = ("mu_C_Sf", "mu_C_Sr", "m_over_I", "lf", "lr", "h")


def with_interval(values: np.ndarray, weights: np.ndarray, root: bool = False) -> str:
    """Return the weighted mean of values (seeds, N), or its root, and its interval."""
    mean = estimate([Sample(values, weights)])
    if not np.isfinite(mean.value):
        return ""
    value, low, high = np.array([mean.value, mean.low, mean.high]) ** (0.5 if root else 1.0)
    return f"{value:.3g} ({low:.2g}, {high:.2g})"


def lines(name: str, test: str) -> Iterator[str]:
    """Yield the lines of the tables of one test set."""
    table = assets.table(f"{STUDY}/{name}")
    table = table[(table["status"] == "ok") & (table["test"] == test)]
    yield (
        "| | seeds | FDE 2 s [m] | ADE 2 s [m] | FDE 1 s [m] | NaN | coverage of 90 % | "
        + " | ".join(COMBINATIONS)
        + " |"
    )
    yield "|---|---|---|---|---|---|---|" + "---|" * len(COMBINATIONS)
    for setting, rows in table.groupby("recipe", sort=False):
        made = [assets.load(STUDY, key).evaluations[test] for key in rows["key"]]
        runs = [one.tables["per_trajectory"] for one in made]
        weight = np.stack([run["n"].to_numpy(float) for run in runs])
        rolled = [
            with_interval(np.stack([run[metric].to_numpy() for run in runs]), weight)
            for metric in ("fde_2s", "ade_2s", "fde_1s")
        ]
        errors = [one.tables.get("cars", pd.DataFrame()) for one in made]
        found = [_combination(errors, combination) for combination in COMBINATIONS]
        metrics = rows[["nan_rate", "coverage_90"]].mean()
        covered = f"{metrics['coverage_90']:.0f} %" if np.isfinite(metrics["coverage_90"]) else ""
        cells = [str(setting), str(len(made)), *rolled, f"{metrics['nan_rate']:.2g} %", covered, *found]
        yield "| " + " | ".join(cells) + " |"


def _combination(tables: list[pd.DataFrame], name: str) -> str:
    if not all(len(table) for table in tables):
        return ""
    rows = [table[table["combination"] == name] for table in tables]
    squares = np.stack([(100 * np.log(row["estimate"] / row["true"])).to_numpy() ** 2 for row in rows])
    return with_interval(squares, np.ones_like(squares), root=True)


if __name__ == "__main__":
    for number, chosen in enumerate(sys.argv[2:] or ["rc_test"]):
        print(("\n" if number else "") + f"{chosen}\n")
        print("\n".join(lines(sys.argv[1], chosen)))
