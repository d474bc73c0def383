"""Draw the figures of this folder from the store: `python results/preference_dynamics/figures.py`."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import assets
from trainers.preference_dynamics.figures import example_series, true_against_predicted

STUDY, HERE = "preference_dynamics", Path(__file__).parent
TARGETS = ("g_0", "Pi_0,0", "Gamma_0,0", "v0_0", "m0_0")
NAMES = ("g", "Pi", "Gamma", "v0", "m0")
SETTINGS = {"published_best": "published network, trained anew", "network": "our network", "refined": "ours, refined"}
LADDER = {"n1_test": 0, "n1_test_noise1": 1, "n1_test_noise5": 5, "n1_test_noise10": 10}
PUBLISHED = {"g": 0.2185, "Pi": 0.2, "Gamma": 0.2141, "v0": 0.4965, "m0": 0.326}
"""RMSE as printed by the source, its best network."""


def rmse_by_target(n1: pd.DataFrame) -> Figure:
    """Draw the RMSE of each unknown: as printed, and of three settings with the range of their seeds."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    place, width = np.arange(len(NAMES)), 0.2
    axes.bar(
        place - 1.5 * width, [PUBLISHED[name] for name in NAMES], width, color="0.7", label="published, as printed"
    )
    for k, (setting, label) in enumerate(SETTINGS.items()):
        values = n1.loc[n1["recipe"] == setting, [f"rmse_{target}" for target in TARGETS]].to_numpy(float)
        middle = values.mean(axis=0)
        ends = np.abs([values.min(axis=0) - middle, values.max(axis=0) - middle])
        axes.bar(place + (k - 0.5) * width, middle, width, yerr=ends, capsize=2, color=f"C{k}", label=label)
    axes.set(yscale="log", ylabel="RMSE, test set")
    axes.set_xticks(place, NAMES)
    axes.legend(fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.22))
    return figure


def noise_ladder(noise: pd.DataFrame) -> Figure:
    """Draw RMSE, median error and coverage against the noise."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    labels = {
        "unknowns_rmse": "RMSE",
        "unknowns_median": "median absolute error",
        "coverage_90": "coverage of 90 % [%]",
    }
    for axes, (metric, label) in zip(figure.subplots(1, 3), labels.items(), strict=True):
        for k, (setting, part) in enumerate(noise.groupby("recipe", sort=False)):
            mean = part.groupby("test", sort=False)[metric].mean()
            axes.plot([LADDER[test] for test in mean.index], mean, "o-", color=f"C{k}", label=setting)
        if metric == "coverage_90":
            axes.axhspan(88, 92, color="0.9")
        else:
            axes.set_yscale("log")
        axes.set(xlabel="noise [% of the std]", ylabel=label)
    axes.legend(fontsize="small")
    return figure


def main() -> None:
    """Draw all."""
    n1 = assets.table(f"{STUDY}/n1")
    key = n1.loc[(n1["recipe"] == "refined") & (n1["model.seed"] == 0), "key"].iloc[0]
    tables = assets.load(STUDY, key).evaluations["n1_test"].tables
    pictures = {
        "rmse_by_target": rmse_by_target(n1),
        "true_against_predicted": true_against_predicted(tables["predictions"]),
        "example_series": example_series(tables["series"]),
        "noise_ladder": noise_ladder(assets.table(f"{STUDY}/noise")),
    }
    for name, figure in pictures.items():
        figure.savefig(HERE / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
