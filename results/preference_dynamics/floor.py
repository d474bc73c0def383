"""Print how well two actions can be known at best: `python results/preference_dynamics/floor.py`.

While the desire v stays above its threshold mu, the series says of mu only that it lies below v. An oracle knows every
other unknown, whether v reaches mu at any time (also between two points of the series), mu itself where it does, the
prior, and the rule by which draws are accepted. Where v does not reach mu, its estimate is the mean of the posterior:
uniform between the prior's lower end and the smallest v, or 0, and without what the rule refuses. No estimate has a
smaller expected squared error, so that the std of that posterior is the floor; on the test set the oracle itself
reaches about that.

Until now a channel counted as unreached if fewer than three points rest at its smallest value, and the posterior as
uniform; both shares of channels that this gets wrong are printed.
"""

import numpy as np

from trainers import STUDIES
from trainers.preference_dynamics.refinement.thresholds import posterior_of_thresholds, smallest_desire
from trainers.preference_dynamics.system.equations import ranges, unknown_names

ACTIONS = 2
RESTING = 3
"""Points at the lowest value from which on u was taken to rest there."""
DRAWS = 1000
"""Draws of the posterior per series."""


def main() -> None:
    """Print shares of thresholds that are out of reach, the floor and the oracle's error, of mu and all unknowns."""
    study = STUDIES["preference_dynamics"]
    config = study.presets["n2_test"]
    test = study.simulate(config)
    names = unknown_names(ACTIONS)
    unknowns = np.stack([test.parameters[name] for name in names], axis=1)
    mu = unknowns[:, ACTIONS : 2 * ACTIONS]
    lowest = smallest_desire(unknowns, test.t[0], ACTIONS)
    unreached = lowest > mu
    points = test.y[:, :, :ACTIONS]
    formerly = (points - points.min(axis=1)[:, None] < 1e-9).sum(axis=1) < RESTING
    print(f"mu is out of reach in {100 * unreached.mean():.1f} % of the channels; by resting points: ", end="")
    print(
        f"{100 * (~unreached & formerly).mean():.1f} % too many, {100 * (unreached & ~formerly).mean():.1f} % too few"
    )
    low, high = (np.tile(edge[ACTIONS : 2 * ACTIONS], (len(mu), 1)) for edge in ranges(ACTIONS))
    high = np.minimum(high, lowest)
    for rule in ("none", config.stability):
        mean, _, std = posterior_of_thresholds(unknowns, unreached, low, high, rule, 0, DRAWS)
        squares = {"floor": std**2, "oracle": (mean - mu) ** 2}
        for name, square in squares.items():
            every = (square.sum() / unknowns.size) ** 0.5
            print(f"rule {rule}: {name}: rmse of mu {square.mean() ** 0.5:.3f}, of all {len(names)} {every:.3f}")


if __name__ == "__main__":
    main()
