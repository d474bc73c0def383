"""Simulations behind docs/statistics.md: how often intervals cover, and how often comparisons err and decide.

`.venv/bin/python -m tests.assets.statistics.coverage` prints the tables of docs/statistics.md (five minutes).
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from assets.statistics.intervals import Sample, estimate
from assets.statistics.paired_comparison import SIGNIFICANT, compare_samples, is_decided

SEED = 0
TRIALS = 2000

Array = np.ndarray
Random = np.random.Generator


def _t3(random: Random, size: tuple[int, ...]) -> Array:
    """Return draws of Student's t with three degrees of freedom, scaled to a variance of 1."""
    return random.standard_t(3, size) / np.sqrt(3)


@dataclass(frozen=True)
class Seeds:
    """Scores of training runs over all trajectories."""

    name: str
    draw: Callable[[Random, int], Array]
    """(R,) scores."""
    centre: float
    """What the interval is to cover: exp(E log), or E where scores are not positive."""
    positive: bool = True


def _normal_centre(spread: float) -> float:
    """Return exp(E log(1 + spread z)) of a normal z by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return float(np.exp(np.log(1 + spread * nodes) @ weights / weights.sum())) if spread < 0.1 else np.nan


SEEDS = (
    Seeds("normal, 5 %", lambda random, runs: 1 + 0.05 * random.normal(size=runs), _normal_centre(0.05)),
    Seeds("log-normal, 0.5", lambda random, runs: np.exp(0.5 * random.normal(size=runs)), 1.0),
    Seeds("log-normal, 1", lambda random, runs: np.exp(random.normal(size=runs)), 1.0),
    Seeds("heavy tails of the logarithm, 0.5", lambda random, runs: np.exp(0.5 * _t3(random, (runs,))), 1.0),
    Seeds("normal around 0", lambda random, runs: random.normal(size=runs), 0.0, positive=False),
    Seeds("heavy tails around 0", lambda random, runs: _t3(random, (runs,)), 0.0, positive=False),
)


@dataclass(frozen=True)
class Trajectories:
    """Errors of trajectories, log-normal with mean 1: a part that all runs share, and a part of each run."""

    name: str
    count: int
    shared: float
    own: float

    def draw(self, random: Random, runs: int) -> Array:
        """Return factors (R, N); to scores around 0 their logarithms are added."""
        logarithm = self.shared * random.normal(size=(1, self.count)) + self.own * random.normal(
            size=(runs, self.count)
        )
        return np.exp(logarithm - (self.shared**2 + self.own**2) / 2) if self.count > 1 else np.ones((runs, 1))


ONE = Trajectories("one", 1, 0.0, 0.0)
SMALL = Trajectories("20, spread 0.1", 20, 0.1, 0.1)
MIDDLE = Trajectories("20, spread 0.4", 20, 0.3, 0.3)
LARGE = Trajectories("100, spread 1", 100, 1.0, 0.3)
FEW = Trajectories("10, spread 1", 10, 1.0, 0.3)
SETS = (ONE, SMALL, MIDDLE, LARGE)


def covered(seeds: Seeds, trajectories: Trajectories, runs: int, trials: int = TRIALS, seed: int = SEED) -> float:
    """Return the share of the trials in which the 95 % interval holds the truth."""
    random, hits = np.random.default_rng([seed, runs]), 0
    for _ in range(trials):
        factors, own = trajectories.draw(random, runs), seeds.draw(random, runs)[:, None]
        spread = trajectories.shared**2 + trajectories.own**2
        values = own * factors if seeds.positive else own + np.log(factors) + (spread / 2 if factors.size > runs else 0)
        mean = estimate([Sample(values, np.ones_like(values), signed=not seeds.positive)])
        hits += mean.low <= seeds.centre <= mean.high
    return hits / trials


@dataclass(frozen=True)
class Decisions:
    """Shares of comparisons of two settings that decide for b, and for a, and that the permutation test decides."""

    for_b: float
    for_a: float
    by_permutation: float


def decided(
    factor: float,
    noise: Callable[[Random, int], Array],
    pairs: int,
    trajectories: Trajectories = SMALL,
    comparisons: int = 1,
    trials: int = TRIALS,
    seed: int = SEED,
) -> Decisions:
    """Compare b, whose scores are `factor` times those of a but for noise (R,) of each side's logarithm.

    p is multiplied by the number of comparisons, as for the smallest of them (Holm).
    """
    random, counts = np.random.default_rng([seed, pairs]), np.zeros(3, int)
    for _ in range(trials):
        shared = trajectories.draw(random, 1)
        own = Trajectories("", trajectories.count, 0.0, trajectories.own)
        sides = [
            scale * np.exp(noise(random, pairs))[:, None] * shared * own.draw(random, pairs) for scale in (1.0, factor)
        ]
        row = compare_samples(*([Sample(values, np.ones_like(values))] for values in sides))
        row["p_holm"] = min(1.0, comparisons * row["p"])
        counts += [
            is_decided(row) and row["effect"] < 1,
            is_decided(row) and row["effect"] > 1,
            comparisons * row["p_permutation"] < SIGNIFICANT,
        ]
    return Decisions(*(counts / trials).tolist())


NOISES = {
    "normal": lambda random, runs: 0.2 * random.normal(size=runs),
    "heavy tails": lambda random, runs: 0.2 * _t3(random, (runs,)),
    "skewed": lambda random, runs: 0.2 * (random.exponential(size=runs) - 1),
}
"""Of the logarithm of each score; standard deviation 0.2."""

PAIRS = (2, 3, 5, 10)


def lines(trials: int = TRIALS) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield from ("| seeds | trajectories | 2 | 3 | 5 | 10 |", "|---|---|---|---|---|---|")
    for seeds in SEEDS:
        for trajectories in (*SETS, FEW):
            shares = [covered(seeds, trajectories, runs, trials) for runs in PAIRS]
            cells = [f"{100 * share:.1f}" for share in shares]
            yield "| " + " | ".join([seeds.name, trajectories.name, *cells]) + " |"
    yield from ("", "| noise | comparisons | factor | 2 | 3 | 5 | 10 |", "|---|---|---|---|---|---|---|")
    for name, noise in NOISES.items():
        for comparisons, factor in ((1, 1.0), (3, 1.0), (1, 2.0), (3, 2.0), (3, 4.0), (3, 9.0)):
            cells = []
            for pairs in PAIRS:
                made = decided(1 / factor, noise, pairs, comparisons=comparisons, trials=trials)
                share = made.for_b + made.for_a if factor == 1 else made.for_b
                cells.append(f"{100 * share:.1f} ({100 * made.by_permutation:.1f})")
            yield "| " + " | ".join([name, str(comparisons), f"{factor:g}", *cells]) + " |"


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS):
        print(line, flush=True)
