"""Print tables of a stored sweep, prefix by prefix: errors of each unknown with 95 % intervals, coverage, contraction.

python results/urease/by_prefix.py v3 v3_test
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

import assets
from assets.statistics.intervals import Sample, estimate

STUDY, AXES = "urease", ("recipe", "prefixes")
COLUMNS = {"Coverage of 90 % intervals [%]": "coverage_90", "Contraction by Fisher": "contraction_by_fisher"}

METRICS = {
    "Coverage of 90 % intervals, all unknowns [%]": "coverage_90",
    "crps, all unknowns [% of the range]": "crps",
    "nll per unknown": "nll",
    "C2ST against the exact posterior": "c2st_exact",
}


def tables_of(rows: pd.DataFrame, test: str, name: str) -> list[pd.DataFrame]:
    """Return a table of every seed of a setting."""
    return [assets.load(STUDY, key).evaluations[test].tables[name] for key in rows["key"]]


def mae(tables: list[pd.DataFrame], unknown: str, prefix: float) -> str:
    """Return the mean absolute error with its interval over seeds and curves."""
    parts = [part[(part["unknown"] == unknown) & (part["prefix_s"] == prefix)] for part in tables]
    if not len(parts[0]):
        return ""
    errors = np.array([(part["estimate"] - part["true"]).abs() for part in parts])
    mean = estimate([Sample(errors, np.ones_like(errors))])
    return f"{mean.value:.3g} ({mean.low:.2g}, {mean.high:.2g})"


def lines(name: str, test: str) -> Iterator[str]:
    """Yield the lines of all tables."""
    table = assets.table(f"{STUDY}/{name}")
    table = table[(table["status"] == "ok") & (table["test"] == test)]
    axis = next(column for column in AXES if column in table)
    by_setting = dict(list(table.groupby(axis, sort=False)))
    first = pd.concat(tables_of(rows.head(1), test, "unknowns")[0] for rows in by_setting.values())
    prefixes, unknowns = sorted(set(first["prefix_s"])), list(dict.fromkeys(first["unknown"]))
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
    for what, metric in METRICS.items():
        columns = [f"{metric}_{prefix:g}s" for prefix in prefixes]
        if any(column in table and table[column].notna().any() for column in columns):
            yield from ("", f"{what}:", "", header, "|---|---|" + "---|" * len(prefixes))
            for setting, rows in by_setting.items():
                values = [spread(rows[column].tolist() if column in rows else []) for column in columns]
                yield f"| {setting} | {len(rows)} | " + " | ".join(values) + " |"


def spread(values: list[float]) -> str:
    """Return the mean of a metric over seeds, and its range."""
    present = [value for value in values if np.isfinite(value)]
    if not present:
        return ""
    ends = f" ({min(present):.3g} to {max(present):.3g})" if len(present) > 1 else ""
    return f"{np.mean(present):.3g}{ends}"


def numbers(rows: pd.DataFrame, test: str, column: str, unknown: str, prefixes: list[float]) -> Iterator[str]:
    """Yield the mean of a column over seeds, and its range, at every prefix."""
    tables = tables_of(rows, test, "unknowns")
    for prefix in prefixes:
        parts = [t[(t["unknown"] == unknown) & (t["prefix_s"] == prefix)][column] for t in tables]
        yield spread([float(part.iloc[0]) for part in parts if len(part)])


if __name__ == "__main__":
    print("\n".join(lines(*sys.argv[1:3])))
