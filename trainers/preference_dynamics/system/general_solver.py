"""Solve the system as others do: by a general solver with a tolerance, which knows nothing of the thresholds.

Its steps go across the crossings of thresholds, where the right-hand side has a kink, and its values between two steps
are interpolated. So its errors are larger than the tolerance says, they last, and the initial values have none. Series
of one action, duration 200: the largest error of a series has a median of 4e-3 at rtol 1e-3, 5e-6 at 1e-6 and 4e-9 at
1e-9, and a hundred times that in the worst series.
"""

from __future__ import annotations

from operator import mul

import numpy as np

from trainers.preference_dynamics.system.equations import Array, observe, unpack

ABSOLUTE = 1e-3
"""Absolute tolerance as a part of the relative one: 1e-9 at 1e-6, as published [1]."""


def solve_generally(unknowns: Array, t: Array, actions: int, rtol: Array) -> Array:
    """Return the observed series (N, T, 2n) of unknowns (N, Q) at times t (T,), by RK45 with tolerances rtol (N,).

    Takes 6 ms a series of one action at rtol 1e-3, 7 ms at 1e-6 and 13 ms at 1e-9 on one CPU.

    Raises:
        ValueError: the solver gives up on a series.
    """
    return np.stack([_solve_one(row, t, actions, float(one)) for row, one in zip(unknowns, rtol, strict=True)])


def _solve_one(unknowns: Array, t: Array, actions: int, rtol: float) -> Array:
    """Return the series (T, 2n) of unknowns (Q,)."""
    from scipy.integrate import solve_ivp

    g, mu, pi, gamma, v0, m0 = (part[..., 0] for part in unpack(unknowns[None], actions))

    rows = list(zip(*(part.tolist() for part in (g, mu, pi, gamma)), strict=True))

    # plain numbers: on so few of them NumPy takes several times as long
    def rate(_: float, state: Array) -> list[float]:
        values = state.tolist()
        effort = [max(value, 0.0) for value in values[actions:]]
        desire = [row[0] - sum(map(mul, row[2], effort)) for row in rows]
        return desire + [max(v, row[1]) - sum(map(mul, row[3], effort)) for v, row in zip(values, rows, strict=False)]

    start = np.concatenate([v0, m0])
    solution = solve_ivp(rate, (t[0], t[-1]), start, "RK45", t_eval=t, rtol=rtol, atol=ABSOLUTE * rtol)
    if not solution.success:
        raise ValueError(
            f"the general solver gives up at time {solution.t[-1]:g} of {t[-1]:g}: {solution.message} Expected "
            f"a solution; take another rtol than {rtol:g}, or solver: exact"
        )
    return observe(solution.y, mu[:, None]).T
