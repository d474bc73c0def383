"""The first crossing of a threshold by the polynomial of a step."""

from __future__ import annotations

import numpy as np

from trainers.preference_dynamics.system.equations import Array
from trainers.preference_dynamics.system.taylor import POWERS, TERMS, Flow, thresholds

PLACES = np.linspace(0.0, 1.0, 9)
"""Positions at which the polynomial is evaluated, as fractions of the step."""

TOLERANCE = 1e-12
"""Depth of a crossing, relative to 1 + the size of the threshold."""

VALUES = PLACES[:, None] ** POWERS
"""Powers of these positions: `VALUES @ terms` are the values of the polynomial there."""
SLOPES = np.concatenate([np.zeros((len(PLACES), 1)), POWERS[1:] * VALUES[:, :-1]], axis=1)


def first_crossing(terms: Array, flow: Flow) -> tuple[Array, Array]:
    """Return the fraction of the step (N,) up to the first crossing, and whether each channel (2n, N) crosses there."""
    _, channels, count = terms.shape
    end, crossed = np.ones(count), np.zeros((channels, count), bool)
    side = np.where(flow.above, 1.0, -1.0)
    threshold = thresholds(flow.system)
    depth = TOLERANCE * (1 + np.abs(threshold))
    flat = terms.reshape(TERMS + 1, -1)
    height = (VALUES @ flat).reshape(-1, channels, count)
    slope = (SLOPES @ flat).reshape(-1, channels, count)
    height = side * (height - threshold) + depth
    slope *= side
    low, high = _brackets(height, slope, terms, side, threshold, depth)
    channel, which = np.nonzero(np.isfinite(high))
    if not which.size:
        return end, crossed
    polynomial = side[channel, which] * terms[:, channel, which]
    polynomial[0] += (depth - side * threshold)[channel, which]
    root = np.full((channels, count), np.inf)
    root[channel, which] = _newton(polynomial, low[channel, which], high[channel, which])
    first = root.min(axis=0)
    return np.minimum(first, 1.0), (root == first) & np.isfinite(root)


def _brackets(
    height: Array, slope: Array, terms: Array, side: Array, threshold: Array, depth: Array
) -> tuple[Array, Array]:
    """Return the fractions of the step (2n, N) that bracket the first crossing of each channel; infinite without one.

    height and slope (9, 2n, N) are positive on the present side of the threshold. Between two positions on that side a
    channel may dip below it: where the slope changes its sign, the polynomial is also evaluated at the minimum of the
    cubic through both ends.
    """
    below = height[1:] < 0
    low = np.full(side.shape, np.inf)
    high = low.copy()
    channel, which = np.nonzero(below.any(axis=0))
    place = below[:, channel, which].argmax(axis=0)
    low[channel, which], high[channel, which] = PLACES[place], PLACES[place + 1]
    place, channel, which = np.nonzero((slope[:-1] < 0) & (slope[1:] > 0) & ~below & (height[:-1] > 0))
    if which.size:
        turning = _turning_point(height, slope, place, channel, which)
        value = (terms[:, channel, which] * turning ** POWERS[:, None]).sum(axis=0)
        dips = side[channel, which] * (value - threshold[channel, which]) + depth[channel, which] < 0
        dips &= turning < high[channel, which]
        later_first = np.flatnonzero(dips)[::-1]  # the earliest dip is written last and stays
        where = channel[later_first], which[later_first]
        low[where], high[where] = PLACES[place[later_first]], turning[later_first]
    return low, high


def _turning_point(height: Array, slope: Array, place: Array, channel: Array, which: Array) -> Array:
    """Return the minimum of the cubic with these heights and slopes at both ends of an interval, as a fraction."""
    width = PLACES[1] - PLACES[0]
    rise = (height[place + 1, channel, which] - height[place, channel, which]) / width
    before, after = slope[place, channel, which], slope[place + 1, channel, which]
    z = before + after - 3 * rise
    w = np.sqrt(z**2 - before * after)
    fraction = 1 - (after + w - z) / (after - before + 2 * w)
    return PLACES[place] + width * np.clip(fraction, 0.0, 1.0)


def _newton(polynomial: Array, low: Array, high: Array) -> Array:
    """Return the root (M,) of polynomials (TERMS + 1, M), positive at `low` and negative at `high`.

    By Newton's method; a step that leaves the bracket is replaced by bisection.
    """
    x = (low + high) / 2
    for _ in range(60):
        powers = x ** POWERS[:, None]
        value = (polynomial * powers).sum(axis=0)
        slope = (POWERS[1:, None] * polynomial[1:] * powers[:-1]).sum(axis=0)
        low, high = np.where(value >= 0, x, low), np.where(value >= 0, high, x)
        with np.errstate(all="ignore"):
            new = x - value / slope
        new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
        done = np.abs(new - x).max() < 1e-15
        x = new
        if done:
            break
    return x
