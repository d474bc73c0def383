"""The charge balance of an unbuffered solution, which determines its pH.

    H + N aN(H) + B = Kw/H + C m(H) + P z(H)

with total ammonia N, total inorganic carbon C and total phosphate P [mol/L], aN the share of ammonium, m and z the mean
negative charges of carbonate and phosphate, and B the strong ions that make the pH of the start. The difference of the
two sides falls strictly with pH, so there is one root.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray

WATER, AMMONIUM = 1e-14, 5.62e-10
CARBONATE = (4.45e-7, 4.69e-11)
PHOSPHATE = (7.11e-3, 6.32e-8, 4.22e-13)
"""Dissociation constants [mol/L], independent of temperature as in the source."""

LN10 = float(np.log(10.0))


class Charges(NamedTuple):
    """What the charge balance is made of at one pH, and derivatives by pH; all of one shape."""

    ammonium: Array
    """aN, share of ammonium in total ammonia [1]."""
    carbonate: Array
    """m, mean negative charge of carbon [1]."""
    water: Array
    """q = Kw/H - H + P z [mol/L]."""
    ammonium_slope: Array
    carbonate_slope: Array
    water_slope: Array


def charges(pH: Array, phosphate: float = 0.0) -> Charges:
    """Return the charges at a pH of any shape; phosphate [mol/L]."""
    H = np.exp(-LN10 * pH)
    ammonium = H / (H + AMMONIUM)
    one, two = H * CARBONATE[0], CARBONATE[0] * CARBONATE[1]
    total = H * H + one + two
    single, double = one / total, two / total
    mean = single + 2 * double
    hydroxide = WATER / H
    water, water_slope = hydroxide - H, LN10 * (hydroxide + H)
    if phosphate:
        mean_phosphate, variance = _phosphate(H)
        water, water_slope = water + phosphate * mean_phosphate, water_slope + LN10 * phosphate * variance
    # the mean charge of a species rises with pH by ln 10 times the variance of its charge
    return Charges(
        ammonium,
        mean,
        water,
        -LN10 * ammonium * (1 - ammonium),
        LN10 * (single + 4 * double - mean**2),
        water_slope,
    )


def _phosphate(H: Array) -> tuple[Array, Array]:
    """Return mean and variance of the negative charge of phosphate."""
    first, second, third = PHOSPHATE
    weights = np.stack([H**3, first * H**2, first * second * H, first * second * third + 0 * H])
    charge = np.arange(4.0).reshape(4, *[1] * H.ndim)
    share = weights / weights.sum(axis=0)
    mean = (charge * share).sum(axis=0)
    return mean, (charge**2 * share).sum(axis=0) - mean**2


def solve_ph(ammonia: Array, carbon: Array, strong: Array, guess: Array, phosphate: float = 0.0) -> Array:
    """Return the pH of the charge balance for N, C and B [mol/L] of one shape, by Newton within a bracket.

    `strong` is B = q(initial pH), see `Charges`. A step that leaves the bracket, at first [0, 14], is replaced by a
    bisection, so that every root is found from any guess. Accuracy: 1e-12.

    Raises:
        ValueError: an input is not finite, or the root is not within [0, 14].
    """
    low, high = np.zeros(guess.shape), np.full(guess.shape, 14.0)
    pH, moved = np.array(guess, float), np.ones(guess.shape, bool)
    # comparisons with NaN are false: bisection would end at an end of the bracket as if a root were there
    finite = np.broadcast_to(np.isfinite(ammonia) & np.isfinite(carbon) & np.isfinite(strong), guess.shape)
    if not finite.all():
        raise ValueError(_unbalanced(finite, ammonia, carbon, strong))
    for _ in range(MOST_ITERATIONS):
        part = charges(pH, phosphate)
        value = ammonia * part.ammonium + strong - part.water - carbon * part.carbonate
        slope = ammonia * part.ammonium_slope - part.water_slope - carbon * part.carbonate_slope
        rising = value > 0
        low, high = np.where(rising, pH, low), np.where(rising, high, pH)
        new = pH - value / slope
        new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
        # a root that is reached stays as it is, so that its last bits do not depend on its company
        new = np.where(moved, new, pH)
        moved = moved & (np.abs(new - pH) > PRECISION)
        pH = new
        if not moved.any():
            break
    balanced = ~moved & (pH > PRECISION) & (pH < 14 - PRECISION)
    if not balanced.all():
        raise ValueError(_unbalanced(balanced, ammonia, carbon, strong))
    return pH


def _unbalanced(balanced: Array, *parts: Array) -> str:
    """Return the line that names the first of N, C and B that no pH balances."""
    worst = int(np.argmin(balanced))
    N, C, B = (np.broadcast_to(part, balanced.shape).flat[worst] for part in parts)
    return (
        f"no pH in [0, 14] balances ammonia {N:g}, carbon {C:g} and strong ions {B:g} mol/L; give finite concentrations"
    )


PRECISION, MOST_ITERATIONS = 1e-12, 100
"""Newton ends when it moves by less [pH]; bisection alone would need 44 iterations."""
