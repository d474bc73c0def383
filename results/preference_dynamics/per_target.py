"""Print a table of a stored sweep: RMSE of every unknown and setting, with 95 % intervals over seeds and series.

python results/preference_dynamics/per_target.py n1 [TEST SET]
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

import assets
from assets.statistics.intervals import Sample, estimate

STUDY = "preference_dynamics"


def errors(rows: pd.DataFrame, test: str) -> dict[str, np.ndarray]:
    """Return the errors (seeds, series) of every unknown that is not constant."""
    tables = [assets.load(STUDY, key).evaluations[test].tables["predictions"] for key in rows["key"]]
    return {
        target: np.array([(table["predicted"] - table["true"])[table["target"] == target] for table in tables])
        for target in tables[0]["target"].unique()
    }


def interval_text(values: np.ndarray) -> str:
    """Return the root mean square of errors (seeds, series), and its interval."""
    squares = values**2
    mean = estimate([Sample(squares, np.ones_like(squares))])
    return f"{mean.value**0.5:.3g} ({mean.low**0.5:.2g}, {mean.high**0.5:.2g})"


def lines(name: str, test: str) -> Iterator[str]:
    """Yield the lines of the table."""
    table = assets.table(f"{STUDY}/{name}")
    table = table[(table["status"] == "ok") & (table["test"] == (test or table["test"].iloc[0]))]
    by_setting = {
        setting: errors(rows, str(rows["test"].iloc[0]))
        for setting, rows in table.groupby("recipe", sort=False)
        if rows["unknowns_rmse"].notna().all()
    }
    targets = list(next(iter(by_setting.values())))
    yield "| | seeds | " + " | ".join(targets) + " |"
    yield "|---|---|" + "---|" * len(targets)
    for setting, values in by_setting.items():
        yield (
            f"| {setting} | {len(values[targets[0]])} | " + " | ".join(interval_text(values[t]) for t in targets) + " |"
        )


if __name__ == "__main__":
    print("\n".join(lines(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")))
