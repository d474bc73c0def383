"""The Runge-Kutta method of Tsitouras: six stages, order five, with a continuous extension of order four.

The functions work on arrays of NumPy, which plans the steps, and of JAX, which takes them.

Source: Tsitouras, Computers & Mathematics with Applications 62 (2011) 770-775.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STAGES: tuple[tuple[float, ...], ...] = (
    (0.161,),
    (-0.008480655492356989, 0.335480655492357),
    (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
    (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
    (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
    (0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774),
)
"""Row k = 0, 1, ...: weights of slopes 1 ... k+1 in the state at which slope k+2 is taken; the last: the new state."""

EXTENSION = np.array(
    [
        [1.0, -2.763706197274826, 2.9132554618219126, -1.0530884977290216],
        [0.0, 0.13169999999999998, -0.2234, 0.1017],
        [0.0, 3.9302962368947516, -5.941033872131505, 2.490627285651253],
        [0.0, -12.411077166933676, 30.33818863028232, -16.548102889244902],
        [0.0, 37.50931341651104, -88.1789048947664, 47.37952196281928],
        [0.0, -27.896526289197286, 65.09189467479366, -34.87065786149661],
        [0.0, 1.5, -4.0, 2.5],
    ]
)
"""Coefficients (7, 4) of theta, theta^2, theta^3 and theta^4 in the weight of each slope."""


def step(field: Callable[[Any], Any], y: Any, first: Any, dt: Any) -> tuple[Any, list[Any]]:
    """Take one step from y with the slope `first = field(y)`; return the state after it and all seven slopes.

    Local error O(dt^6). The seventh slope is the field at the new state: the first one of the next step.
    """
    slopes = [first]
    for row in STAGES:
        new = y + dt * sum(weight * slope for weight, slope in zip(row, slopes, strict=True))
        slopes.append(field(new))
    return new, slopes


def weights(theta: Any) -> list[Any]:
    """Return the weights b_j of the seven slopes within a step: `y(t + theta dt) = y + dt sum_j b_j(theta) k_j`."""
    return [theta * (a + theta * (b + theta * (c + theta * d))) for a, b, c, d in EXTENSION.tolist()]


def between(y: Any, slopes: list[Any], dt: Any, theta: Any) -> Any:
    """Return the state at the fraction theta of a step; local error O(dt^5)."""
    return y + dt * sum(weight * slope for weight, slope in zip(weights(theta), slopes, strict=True))
