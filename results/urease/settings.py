"""Write `settings.csv`: the source's settings against its former ones, from two stored sweeps.

python results/urease/settings.py > results/urease/settings.csv

crps [% of the range] and nll (per unknown, the prior has 0), means over seeds; `crps_less_former`: the paired
difference to the former settings at the same prefix, with a 95 % interval over seeds and curves. Below 0 is better.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

import assets
from assets.statistics.intervals import Sample, estimate

STUDY, TEST, FORMER = "urease", "v3_test", "former"
SWEEPS = ("settings", "settings_by_prefix")


def scores(rows: pd.DataFrame) -> np.ndarray:
    """Return the crps of every seed and curve (R, N), in the order of the seeds."""
    keys = rows.sort_values("model.seed")["key"]
    tables = [assets.load(STUDY, key).evaluations[TEST].tables["per_trajectory"] for key in keys]
    return np.stack([table["crps"].to_numpy() for table in tables])


def lines(rows: pd.DataFrame, prefix: float) -> Iterator[str]:
    """Yield a line for every setting at one prefix."""
    former = scores(rows[rows["settings"] == FORMER])
    for setting, part in rows.groupby("settings", sort=False):
        own = scores(part)
        difference = own - former
        mean = estimate([Sample(difference, np.ones_like(difference), signed=True)])
        change = f"{mean.value:.3f},{mean.low:.3f},{mean.high:.3f}" if setting != FORMER else ",,"
        nll = part[f"nll_{prefix:g}s"].mean()
        yield f"{prefix:g},{setting},{len(own)},{own.mean():.3f},{nll:.3f},{change}"


if __name__ == "__main__":
    print("prefix_s,setting,seeds,crps,nll,crps_less_former,low,high")
    for name in SWEEPS:
        table = assets.table(f"{STUDY}/{name}")
        table = table[(table["status"] == "ok") & (table["test"] == TEST)]
        if "prefix" not in table:
            print("\n".join(lines(table, 30.0)))
            continue
        for label, rows in table.groupby("prefix", sort=False):
            print("\n".join(lines(rows, float(str(label).removesuffix("s")))))
