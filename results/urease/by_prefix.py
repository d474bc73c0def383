"""Print tables of a stored sweep, prefix by prefix: errors of each unknown with 95 % intervals, coverage, contraction.

python results/urease/by_prefix.py v3 v3_test
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

import assets
from assets.statistics.intervals import Sample, interval

STUDY = "urease"
COLUMNS = {"Coverage of 90 % intervals [%]": "coverage_90", "Contraction by Fisher": "contraction_by_fisher"}


def tables_of(rows: pd.DataFrame, test: str, name: str) -> list[pd.DataFrame]:
    """Return a table of every seed of a setting."""
    return [assets.load(STUDY, key).evaluations[test].tables[name] for key in rows["key"]]


def mae(tables: list[pd.DataFrame], unknown: str, prefix: float) -> str:
    """Return the mean absolute error with its interval over seeds and curves."""
    parts = [part[(part["unknown"] == unknown) & (part["prefix_s"] == prefix)] for part in tables]
    errors = np.array([(part["estimate"] - part["true"]).abs() for part in parts])
    low, high = interval([Sample(errors, np.ones_like(errors))])
    return f"{errors.mean():.3g} ({low:.2g}, {high:.2g})"


def lines(name: str, test: str) -> Iterator[str]:
    """Yield the lines of all tables."""
    table = assets.table(f"{STUDY}/{name}")
    table = table[(table["status"] == "ok") & (table["test"] == test)]
    by_setting = dict(list(table.groupby("recipe", sort=False)))
    prefixes = sorted(set(tables_of(next(iter(by_setting.values())), test, "unknowns")[0]["prefix_s"]))
    unknowns = list(dict.fromkeys(tables_of(next(iter(by_setting.values())), test, "unknowns")[0]["unknown"]))
    header = "| | seeds | " + " | ".join(f"{prefix:g} s" for prefix in prefixes) + " |"
    for unknown in unknowns:
        yield from ("", f"Mean absolute error of {unknown}:", "", header, "|---|---|" + "---|" * len(prefixes))
        for setting, rows in by_setting.items():
            tables = tables_of(rows, test, "predictions")
            yield f"| {setting} | {len(tables)} | " + " | ".join(mae(tables, unknown, p) for p in prefixes) + " |"
    for what, column in COLUMNS.items():
        for unknown in unknowns:
            yield from ("", f"{what}, {unknown}:", "", header, "|---|---|" + "---|" * len(prefixes))
            for setting, rows in by_setting.items():
                values = numbers(rows, test, column, unknown, prefixes)
                yield f"| {setting} | {len(rows)} | " + " | ".join(values) + " |"


def numbers(rows: pd.DataFrame, test: str, column: str, unknown: str, prefixes: list[float]) -> Iterator[str]:
    """Yield the mean of a column over seeds, and its range, at every prefix."""
    tables = tables_of(rows, test, "unknowns")
    for prefix in prefixes:
        values = [float(t[(t["unknown"] == unknown) & (t["prefix_s"] == prefix)][column].iloc[0]) for t in tables]
        ends = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
        yield f"{np.mean(values):.3g}{ends}"


if __name__ == "__main__":
    print("\n".join(lines(*sys.argv[1:3])))
