"""Draw the figures of this folder from what is stored of the sweep `urease/v3`: `python results/urease/figures.py`."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import assets
from trainers.common.calibration import binomial_interval

STUDY, SWEEP, TEST, HERE = "urease", "urease/v3", "v3_fresh", Path(__file__).parent
NETWORKS = {"posterior": "around the normal approximation", "from_prior": "from the prior"}
CALIBRATED = {"posterior": "network, three seeds", "from_prior": "network from the prior", "laplace": "laplace"}
LEVELS = (50, 80, 90, 95)


def tables_of(rows: pd.DataFrame, setting: str, name: str) -> list[pd.DataFrame]:
    """Return a table of the evaluation of every seed of a setting."""
    keys = rows.loc[rows["recipe"] == setting, "key"]
    return [assets.load(STUDY, key).evaluations[TEST].tables[name] for key in keys]


def attention(rows: pd.DataFrame) -> Figure:
    """Draw the weight of each point against time, as a multiple of the even weight, for every prefix."""
    shown = {setting: label for setting, label in NETWORKS.items() if (rows["recipe"] == setting).any()}
    figure = Figure(figsize=(1 + 4 * len(shown), 3.4), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, (setting, label) in zip(panels, shown.items(), strict=True):
        table = pd.concat(tables_of(rows, setting, "attention"))
        for k, (prefix, part) in enumerate(table.groupby("prefix_s")):
            mean = part.groupby("t")["weight"].mean()
            axes.plot(np.maximum(mean.index, 0.5), mean * len(mean), ".-", color=f"C{k}", label=f"{prefix:g} s")
        axes.axhline(1, color="0.6", lw=0.8)
        axes.set(xscale="log", xlabel="time [s]", title=label)
    axes.legend(fontsize="small", title="prefix", title_fontsize="small")
    figure.axes[0].set_ylabel("weight / even weight")
    return figure


def calibration(rows: pd.DataFrame) -> Figure:
    """Draw observed less nominal coverage against the nominal one, at every prefix, both unknowns together."""
    shown = {setting: label for setting, label in CALIBRATED.items() if (rows["recipe"] == setting).any()}
    figure = Figure(figsize=(2 + 3 * len(shown), 3.4), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, (setting, label) in zip(panels, shown.items(), strict=True):
        table = pd.concat(tables_of(rows, setting, "unknowns"))
        count = int(table["n"].iloc[0])
        for k, (prefix, part) in enumerate(table.groupby("prefix_s")):
            observed = np.array([part[f"coverage_{level}"].mean() for level in LEVELS])
            axes.plot(LEVELS, observed - LEVELS, "o-", ms=3, color=f"C{k}", label=f"{prefix:g} s")
        nominal = np.array(LEVELS) / 100
        low, high = binomial_interval(nominal * count, np.full(len(LEVELS), count))
        axes.fill_between(LEVELS, 100 * (low - nominal), 100 * (high - nominal), color="0.9", zorder=0)
        axes.axhline(0, color="k", lw=0.8)
        axes.set(xlabel="nominal coverage [%]", title=label)
    labels = axes.get_legend_handles_labels()
    figure.legend(*labels, loc="outside right center", fontsize="small", title="prefix", title_fontsize="small")
    figure.axes[0].set_ylabel("observed - nominal [%]")
    return figure


if __name__ == "__main__":
    table = assets.table(SWEEP)
    stored = table[(table["status"] == "ok") & (table["test"] == TEST)]
    for draw in (attention, calibration):
        draw(stored).savefig(HERE / f"{draw.__name__}.png", dpi=110)
