"""Print how well mu can be known at best in the test set of two actions: `python results/preference_dynamics/floor.py`.

Where the desire v never comes down to mu, u = v says only that mu lies below the lowest u. The prior is uniform, so
that mu is then uniform between the prior's lower end and that u, or 0, and no estimate has a smaller expected squared
error than a twelfth of the square of that width. Where u rests at mu, it is known.
"""

import numpy as np

from trainers import STUDIES
from trainers.preference_dynamics.system.equations import PRIORS, unknown_names

RESTING = 3
"""Points at the lowest value from which on u counts as resting there."""


def main() -> None:
    """Print the share of series in which mu is unseen, and the smallest possible rmse of mu and of all unknowns."""
    study = STUDIES["preference_dynamics"]
    test = study.simulate(study.presets["n2_test"])
    u = test.y[:, :, : test.y.shape[2] // 2]
    lowest = u.min(axis=1)
    unseen = (u - lowest[:, None] < 1e-9).sum(axis=1) < RESTING
    low, high = PRIORS["mu"]
    square = np.where(unseen, (np.minimum(lowest, high) - low) ** 2 / 12, 0.0).mean()
    mus = lowest.shape[1]
    unknowns = len(unknown_names(mus))
    print(f"unseen in {100 * unseen.mean():.1f} %; rmse of mu >= {square**0.5:.3f}", end="; ")
    print(f"of all {unknowns} unknowns >= {(square * mus / unknowns) ** 0.5:.3f}")


if __name__ == "__main__":
    main()
