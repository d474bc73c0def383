"""Pictures that need no trained model: fields of a run, and PFHub's benchmark 1a beside the public curves.

    python results/phase_field/figures.py public_curves.csv

The file has columns source, n, dt, time, free_energy; without it, the benchmark stands alone. Writes fields.png,
pfhub_1a.png and pfhub_1a.csv beside this file.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from trainers.phase_field.config import PRESETS
from trainers.phase_field.microstructure.two_point import autocorrelation, radial_profile
from trainers.phase_field.simulate import snapshots
from trainers.phase_field.system import pfhub

HERE = Path(__file__).parent
TIMES = (0, 2, 5, 10, 30)
GATES = {0: (319.175, 0.125), 1: (318.85, 0.02), 5: (316.39, 0.05), 10: (297.96, 0.1), 20: (213.2, 0.3),
         50: (167.4, 0.3), 100: (137.0, 1.5)}  # fmt: skip


def fields() -> Figure:
    """Draw two runs of the test set at five times, with their radial profiles."""
    config = PRESETS["test"]
    times = config.times()
    chosen = [int(np.abs(times - time).argmin()) for time in TIMES]
    runs = np.array([0, 2])
    pictures = [c for number, c in enumerate(snapshots(config, runs)) if number in chosen]
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = figure.subplots(2, len(TIMES) + 1)
    for row in range(2):
        for column, (time, c) in enumerate(zip(TIMES, pictures, strict=True)):
            axes = panels[row, column]
            axes.imshow(c[row], cmap="RdBu", vmin=0, vmax=1)
            axes.set_axis_off()
            axes.set_title(f"t = {time}", fontsize="small")
            profile = radial_profile(autocorrelation(c[row : row + 1]))[0]
            panels[row, -1].plot(profile, lw=1, label=f"t = {time}")
        panels[row, -1].set(xlabel="radius [cells]", xlim=(0, 40), ylim=(-0.4, 1))
    panels[0, -1].legend(fontsize="xx-small")
    return figure


def benchmark() -> pd.DataFrame:
    """Run PFHub's benchmark 1a up to t = 100 on 128 x 128 cells, second order in time."""
    stages = [(0.02, 50, 20), (0.05, 20, 80)]
    rows = [(time, energy, c.mean()) for time, energy, c in pfhub.run(128, stages)]
    return pd.DataFrame(rows, columns=["time", "free_energy", "mean"])


def energies(ours: pd.DataFrame, public: pd.DataFrame) -> Figure:
    """Draw the free energy over time: ours, the gates, and public uploads."""
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(ours["time"][1:], ours["free_energy"][1:], "k-", lw=1.2, label="ours, 128 x 128")
    for name, marker in (("PRISMS-PF", "s"), ("FiPy", "^")):
        part = public[(public["source"] == name) & (public["time"] <= 100) & (public["time"] > 0)]
        axes.plot(part["time"], part["free_energy"], marker, mfc="none", label=f"{name}, public upload")
    times, gates = zip(*list(GATES.items())[1:], strict=True)
    axes.errorbar(times, [g[0] for g in gates], [g[1] for g in gates], fmt="r.", capsize=3, label="gates")
    axes.set(xlabel="time", ylabel="free energy", xscale="log")
    axes.legend(fontsize="small")
    return figure


if __name__ == "__main__":
    given = pd.read_csv(sys.argv[1]) if len(sys.argv) > 1 else pd.DataFrame(columns=["source", "time", "free_energy"])
    fields().savefig(HERE / "fields.png", dpi=110)
    made = benchmark()
    made.round(6).to_csv(HERE / "pfhub_1a.csv", index=False)
    energies(made, given).savefig(HERE / "pfhub_1a.png", dpi=110)
    by_time = made.assign(time=made["time"].round(6)).set_index("time")["free_energy"]
    for moment, (centre, tolerance) in GATES.items():
        print(f"t = {moment}: F = {by_time[moment]:.4f}; expected {centre} +- {tolerance}")
    print("largest rise", np.diff(made["free_energy"]).max(), "drift of the mean", np.ptp(made["mean"]))
