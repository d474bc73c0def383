"""Print the sensitivity sweeps as tables of training orbits against segment length, one per training and test family.

Cells: geometric mean over seeds of the error of the field at true states [%], and how many seeds end above 100 % at the
model's own state. Below: in how many pairs of neighbours the error falls with more orbits, and with shorter segments.
"""

from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent
ORBITS, LENGTH = "dataset.orbits", "model.phases[0].segment_length"

for training in ("baseline", "fixednu0", "circular"):
    rows = pd.read_csv(FOLDER / f"sensitivity_{training}.csv")
    for test, group in rows.groupby("test", sort=False):
        logarithm = np.log(group["acceleration_error_field"])
        cells = np.exp(logarithm.groupby([group[ORBITS], group[LENGTH]]).mean()).unstack()
        away = (group["acceleration_error_own_state"] > 100).groupby([group[ORBITS], group[LENGTH]]).sum().unstack()
        print(f"\ntrained on {training}, tested on {test}")
        text = cells.map("{:.3g}".format)
        print(text.where(away == 0, text + " (" + away.astype(str) + ")").to_string())
        steps = np.diff(np.log(cells.to_numpy()), axis=0), np.diff(np.log(cells.to_numpy()), axis=1)
        print(f"falls with more orbits in {(steps[0] < 0).sum()} of {steps[0].size} pairs, "
              f"grows with segment length in {(steps[1] > 0).sum()} of {steps[1].size}")  # fmt: skip
