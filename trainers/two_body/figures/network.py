"""Figures of the network along orbits: its features and outputs, of the reference orbits and of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.two_body.figures.motion import limits_of, orbit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS = 4


def features_per_orbit(rollouts: pd.DataFrame) -> Figure | None:
    """Draw features and outputs of the network along every reference orbit (rows), at the model's own states.

    Features in the network's units, outputs after the final activation. Models without a network have no figure.
    """
    from matplotlib.figure import Figure

    feature_names = [name for name in rollouts if str(name).startswith("feature ")]
    output_names = [name for name in rollouts if str(name).startswith("output ")]
    if not feature_names:
        return None
    groups = list(rollouts.groupby("orbit", sort=False))
    figure = Figure(figsize=(9, 1.9 * len(groups) + 0.6), layout="constrained")
    grid = figure.subplots(len(groups), 2, squeeze=False)
    for (features, outputs), (orbit, motion) in zip(grid, groups, strict=True):
        for axes, names in ((features, feature_names), (outputs, output_names)):
            for name in names:
                axes.plot(motion["t"], motion[name], lw=1, label=str(name).split(" ", 1)[1])
        features.set_ylabel(orbit_name(orbit))
    for axes, title in zip(grid[0], ("features", "network outputs"), strict=True):
        axes.set_title(title, fontsize="medium")
    for axes in grid[-1]:
        axes.set_xlabel("t [TU]")
        axes.legend(fontsize="x-small", ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.35))
    return figure


def features_of_all_orbits(features: pd.DataFrame) -> Figure:
    """Draw every feature and output of the network along all orbits: at true states (grey), at the model's own (red).

    Against time in units of the length of the trajectory. Features in the network's units, outputs after the final
    activation; what leaves the range at true states by more than half of it leaves the panel. On the test set `train`
    these are the training orbits.
    """
    from matplotlib.figure import Figure

    names = [str(name) for name in features if str(name).startswith(("feature ", "output ")) and not
             str(name).endswith("_true")]  # fmt: skip
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(11, 2.0 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True).ravel()
    orbits = [orbit for _, orbit in features.groupby("orbit")]
    for axes, name in zip(panels, names, strict=False):
        for suffix, style in (("_true", {"color": "0.4", "lw": 1.6}), ("", {"color": "C3", "lw": 0.6})):
            for orbit in orbits:
                share = (orbit["t"] - orbit["t"].iloc[0]) / max(orbit["t"].iloc[-1] - orbit["t"].iloc[0], 1e-300)
                axes.plot(share, orbit[f"{name}{suffix}"], alpha=0.5, **style)
        axes.set_title(name, fontsize="small")
        axes.set_ylim(*limits_of(features[f"{name}_true"]))
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(names) - COLUMNS) : len(names)]:
        axes.set_xlabel("share of the trajectory's time", fontsize="small")
        axes.tick_params(labelbottom=True)
    return figure
