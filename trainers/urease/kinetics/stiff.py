"""Integrate reactors that exchange gas: a linearly implicit method with steps of each reactor's own.

The state is (xi, pH), xi = S0 - S: the charge balance then gives the carbon,

    C = (2 xi aN + B - q)/m,        r = A(t) R(xi, pH),    A = ramp E0 exp(-k_d t)
    d xi/dt = r/2
    d pH/dt = (r/2 (m - 2 aN) + m k_g (C_eq - C)) / (2 xi aN' - q' - C m')

so that no root is searched for on the way, and the denominator is negative everywhere. The method is RODAS3 (Sandu et
al. 1997, Atmospheric Environment 31:3459): four stages, order 3, L-stable, with an error estimate of order 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainers.urease.kinetics.charge_balance import charges
from trainers.urease.kinetics.rate_law import bell, bell_constants, product_inhibition, rate_constant, saturation
from trainers.urease.kinetics.reactor import Reactors, ramp_factor

Array = np.ndarray

GAMMA = 0.5
STAGES = (((), ()), ((0.0,), (4.0,)), ((2.0, 0.0), (1.0, -1.0)), ((2.0, 0.0, 1.0), (1.0, -1.0, -8.0 / 3.0)))
"""Of each stage, weights of the stages before it in its state, and in its right-hand side over the step."""
TIMES = (0.0, 0.0, 1.0, 1.0)
TIME_SLOPES = (0.5, 1.5, 0.0, 0.0)

TOLERANCE = (1e-4, 1e-5)
"""Error of a step: relative to xi [1], and of pH."""

SMALLEST_EXTENT = 1e-9
"""An extent below this has no error of its own [mol/L]."""

FIRST_STEP, MOST_STEPS = 1e-3, 20_000
"""First step tried [s]; most steps of one reactor."""


@dataclass(frozen=True)
class Course:
    """Nodes of N integrations (N, K), the last one repeated where a reactor needed fewer."""

    t: Array
    extent: Array
    extent_slope: Array
    ph: Array
    ph_slope: Array
    failed: Array
    """(N,) whether the integration did not reach the end."""


def integrate(reactors: Reactors, end: float, tolerance: tuple[float, float] = TOLERANCE) -> Course:
    """Integrate all reactors from 0 to `end` [s]."""
    count = len(reactors)
    equations = _Equations(reactors)
    t, h = np.zeros(count), np.full(count, min(FIRST_STEP, end))
    y = np.stack([np.zeros(count), np.array(reactors.initial_ph, float)])
    slope = equations.slope(t, y)
    rows = [(t.copy(), y.copy(), slope.copy())]
    active, failed = np.arange(count), np.zeros(count, bool)
    for _ in range(MOST_STEPS):
        part = equations.take(active)
        new, error = part.step(t[active], y[:, active], slope[:, active], h[active])
        scale = np.stack(
            [tolerance[0] * np.maximum(np.abs(new[0]), SMALLEST_EXTENT), np.full(len(active), tolerance[1])]
        )
        with np.errstate(all="ignore"):
            size = np.max(np.abs(error) / scale, axis=0)
        size = np.where(np.isfinite(size), size, 1e6)
        good = size <= 1
        moved = active[good]
        t[moved] = np.where(end - t[moved] - h[moved] < 1e-9 * end, end, t[moved] + h[moved])
        y[:, moved] = new[:, good]
        slope[:, moved] = equations.take(moved).slope(t[moved], y[:, moved])
        h[active] *= np.clip(0.9 * np.maximum(size, 1e-8) ** (-1 / 3), 0.2, 4.0)
        rows.append((t.copy(), y.copy(), slope.copy()))
        lost = active[h[active] < 1e-12 * max(end, 1.0)]
        failed[lost] = True
        active = active[(t[active] < end) & ~failed[active]]
        if not active.size:
            break
        h[active] = np.minimum(h[active], end - t[active])
    failed[active] = True
    times, states, slopes = (np.stack(part, axis=-1) for part in zip(*rows, strict=True))
    return Course(times, states[0], slopes[0], states[1], slopes[1], failed)


class _Equations:
    """The right-hand side A(t) a(y) + b(y) of reactors, with its derivatives by difference quotients."""

    def __init__(self, reactors: Reactors) -> None:
        self.reactors, self.strong = reactors, reactors.strong
        self.constant = rate_constant(reactors.temperature)
        self.shape = bell_constants(reactors.temperature, reactors.law)

    def take(self, index: Array) -> _Equations:
        part = object.__new__(_Equations)
        part.reactors, part.strong = self.reactors.take(index), self.strong[index]
        part.constant = self.constant[index]
        part.shape = tuple(values[index] for values in self.shape)  # type: ignore[assignment]
        return part

    def acting(self, t: Array) -> Array:
        """Return A, the acting enzyme [g/L]."""
        r = self.reactors
        return np.asarray(ramp_factor(t, r.ramp) * r.enzyme * np.exp(-r.deactivation * t))

    def parts(self, y: Array) -> tuple[Array, Array]:
        """Return a and b (2, N)."""
        r, (extent, pH) = self.reactors, y
        part = charges(pH, r.phosphate)
        left = np.maximum(r.substrate - extent, 0.0)
        rate = self.constant * bell(pH, self.shape) * saturation(left) / product_inhibition(2 * extent, pH)
        carbon = (2 * extent * part.ammonium + self.strong - part.water) / part.carbonate
        below = 2 * extent * part.ammonium_slope - part.water_slope - carbon * part.carbonate_slope
        exchange = part.carbonate * r.gas_rate * (r.gas_level - carbon) / below
        by_rate = rate / 2 * (part.carbonate - 2 * part.ammonium) / below
        return np.stack([rate / 2, by_rate]), np.stack([np.zeros_like(exchange), exchange])

    def slope(self, t: Array, y: Array) -> Array:
        a, b = self.parts(y)
        return self.acting(t) * a + b

    def step(self, t: Array, y: Array, slope: Array, h: Array) -> tuple[Array, Array]:
        """Return the state after a step and its estimated error (2, N)."""
        a, b = self.parts(y)
        acting = self.acting(t)
        width = (1e-6 * np.maximum(y[0], 1e-6), np.full_like(t, 1e-6))
        J = np.empty((2, 2, len(t)))
        for k in (0, 1):
            moved = y.copy()
            moved[k] += width[k]
            high = self.parts(moved)
            J[:, k] = (acting * (high[0] - a) + high[1] - b) / width[k]
        tiny = 1e-6 * h
        by_time = (self.acting(t + tiny) - acting) / tiny * a
        diagonal = 1 / (GAMMA * h)
        m00, m01, m10, m11 = diagonal - J[0, 0], -J[0, 1], -J[1, 0], diagonal - J[1, 1]
        determinant = m00 * m11 - m01 * m10
        stages: list[Array] = []
        value = slope
        for (states, sums), time, time_slope in zip(STAGES, TIMES, TIME_SLOPES, strict=True):
            if len(states) >= 2:
                place = y + sum(w * k for w, k in zip(states, stages, strict=True) if w)
                value = self.slope(t + time * h, place)
            right = value + sum(w / h * k for w, k in zip(sums, stages, strict=True)) + time_slope * h * by_time
            stages.append(np.stack([m11 * right[0] - m01 * right[1], m00 * right[1] - m10 * right[0]]) / determinant)
        return y + 2 * stages[0] + stages[2] + stages[3], stages[3]
