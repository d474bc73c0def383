"""Simulate series of systems drawn from the prior, exactly or by a general solver, and observe them with noise."""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.config import DatasetConfig
from trainers.preference_dynamics.system.equations import Array, ranges, series_names, unknown_names, unpack
from trainers.preference_dynamics.system.general_solver import solve_generally
from trainers.preference_dynamics.system.solution import BLOCK, solve
from trainers.preference_dynamics.system.stability import accepted
from trainers.study import Trajectories

DRAWS = 1024
"""Systems per block of draws; fixed, so that a smaller set is the beginning of a larger one."""

MOST_EMPTY_BLOCKS = 200
"""Blocks in a row without an accepted draw, at most; then the prior is taken to hold no stable system."""


def simulate(config: DatasetConfig, part: int | None = None) -> Trajectories:
    """Simulate N series, all or one part: t (N, T), y (N, T, 2n) with channels u_0, ..., a_0, ...

    Draws that `stability.accepted` refuses, and those whose desire or effort exceeds 1e5 at any time, are drawn again
    and counted. `parameters` holds every unknown and, as nuisance, the std of the noise of desires and of efforts.

    Raises:
        ValueError: no draw is accepted, or the general solver gives up on a series.
    """
    t = np.linspace(0.0, config.duration, config.points)
    span = config.part_of(config.trajectories, part, BLOCK)
    unknowns, series, refusals = _draw(config, t) if part is None else _draw_part(config, t, span)
    if config.rtol is not None:
        series = solve_generally(unknowns, t, config.actions, np.full(len(unknowns), config.rtol))
    observed, spread = _observe(config, series, first=span.start)
    names = unknown_names(config.actions)
    channels = series_names(config.actions)
    return Trajectories(
        t=np.tile(t, (len(series), 1)),
        y=observed,
        names=channels,
        units=("1",) * len(channels),
        time_unit="1",
        parameters={**dict(zip(names, unknowns.T.copy(), strict=True)), "noise_u": spread[0], "noise_a": spread[1]},
        parameter_units=dict.fromkeys((*names, "noise_u", "noise_a"), "1"),
        roles={"noise_u": "nuisance", "noise_a": "nuisance"},
        meta={"problem": "preference_dynamics", "actions": config.actions, "stability": config.stability, **refusals},
    )


def _draw(config: DatasetConfig, t: Array) -> tuple[Array, Array, dict[str, int]]:
    """Return unknowns (N, Q) and clean series (N, T, 2n) of the first accepted draws, and the numbers of refusals."""
    stable = _Stable(config)
    accepted_parts: list[tuple[Array, Array]] = []
    diverged = count = 0
    while count < config.trajectories:
        draws = stable.take(config.trajectories - count)
        series = solve(draws, t, config.actions)
        finite = np.isfinite(series).all(axis=(1, 2))
        accepted_parts.append((draws[finite], series[finite]))
        count, diverged = count + int(finite.sum()), diverged + int((~finite).sum())
    unknowns, clean = (np.concatenate(parts) for parts in zip(*accepted_parts, strict=True))
    return unknowns, clean, {"refused_unstable": stable.refusals, "refused_diverged": diverged}


def _draw_part(config: DatasetConfig, t: Array, span: slice) -> tuple[Array, Array, dict[str, int]]:
    """Return what `_draw` returns, for a range of a set of which no series diverges (`DatasetConfig.parts`)."""
    stable = _Stable(config)
    unknowns = stable.take(config.trajectories)[span]
    series = solve(unknowns, t, config.actions)
    finite = np.isfinite(series).all(axis=(1, 2))
    if not finite.all():
        raise ValueError("a series diverged in a set that is simulated in parts; expected none; ask for a smaller set")
    # copied as in `_draw`: another order in memory would change the rounding of the standard deviations
    return unknowns, np.concatenate([series[finite]]), {"refused_unstable": stable.refusals, "refused_diverged": 0}


class _Stable:
    """The stream of draws that the stability rule accepts."""

    def __init__(self, config: DatasetConfig) -> None:
        self.config, self.random = config, np.random.default_rng([config.seed, 0])
        self.unused: list[Array] = []
        self.refusals = 0

    def take(self, count: int) -> Array:
        """Return the next `count` draws (count, Q)."""
        empty_blocks = 0
        while sum(map(len, self.unused)) < count:
            draws = draw_prior(self.config, self.random, DRAWS)
            stable = accepted(unpack(draws, self.config.actions), self.config.stability)
            self.unused.append(draws[stable])
            self.refusals += int((~stable).sum())
            empty_blocks = 0 if stable.any() else empty_blocks + 1
            if empty_blocks > MOST_EMPTY_BLOCKS:
                raise ValueError(f"no draw of {empty_blocks * DRAWS} was accepted; expected some; try stability: none")
        draws = np.concatenate(self.unused)
        self.unused = [draws[count:]]
        return draws[:count]


def draw_prior(config: DatasetConfig, random: np.random.Generator, count: int) -> Array:
    """Draw unknowns (count, Q) from the prior, stable or not."""
    low, high = ranges(config.actions)
    if config.prior == "normal":
        draws = np.clip(random.normal((low + high) / 2, (high - low) / 4, (count, len(low))), low, high)
    else:
        draws = random.uniform(low, high, (count, len(low)))
    if config.mu == "zero" or (config.mu == "published" and config.actions == 1):
        draws[:, config.actions : 2 * config.actions] = 0.0
    return draws


def _observe(config: DatasetConfig, clean: Array, first: int) -> tuple[Array, tuple[Array, Array]]:
    """Return series with noise (N, T, 2n), and the std of the noise of desires and efforts (N,).

    `first` is the number of the first series in its set. The noise of those before it is drawn and discarded, so that a
    part has the noise of the whole set.
    """
    random = np.random.default_rng([config.seed, 1])
    for _ in range(first):
        _noise(config, random, clean[0])
    rows = [_noise(config, random, series) for series in clean]
    level = np.array([row[0] for row in rows])
    blocks = np.split(clean, 2, axis=2)
    spread = [level * block.std(axis=(1, 2)) for block in blocks]
    std = np.repeat(np.stack(spread, axis=1), config.actions, axis=1)[:, None]
    return clean + std * np.stack([row[1] for row in rows]), (spread[0], spread[1])


def _noise(config: DatasetConfig, random: np.random.Generator, series: Array) -> tuple[float, Array]:
    """Draw the level and the standard normal noise (T, 2n) of one series: series k has the same noise in any set."""
    return float(random.uniform(*config.noise)), random.standard_normal(series.shape)
