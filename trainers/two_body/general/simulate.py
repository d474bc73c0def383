"""Simulate a system from its equations, at tight tolerance; control inputs are held between samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainers.study import Trajectories
from trainers.two_body.general.equations import Equations

if TYPE_CHECKING:
    from trainers.two_body.config import DatasetConfig

TOLERANCE = 1e-10
"""Relative and absolute tolerance of a step [1, units of the state]."""

MOST_EVALUATIONS = 2_000_000
"""Evaluations of the right-hand side per trajectory before it counts as impossible to integrate."""

SMALLEST_SCALE = 0.01
"""Smallest denominator of the relative change of an invariant, which may be zero."""


def simulate_system(config: DatasetConfig, system: Equations, part: int | None = None) -> Trajectories:
    """Simulate N trajectories of T = `config.points` even times, t (N, T), y (N, T, C): all or one part.

    Initial states are uniform in their ranges; a trajectory depends on (seed, its number) alone. The input at a time is
    the signal there, and holds until the next time. Dormand-Prince 8(5,3), each trajectory by itself; `meta` holds the
    equations, so that an evaluation knows the law.

    Raises:
        ValueError: a trajectory diverges or needs too many steps; one line.
    """
    duration = config.duration or system.duration
    times = duration * np.arange(config.points) / config.points
    numbers = range(config.orbits)[config.part_of(config.orbits, part)]
    starts, y, inputs = zip(*[_trajectory(system, times, config.seed, number) for number in numbers], strict=True)
    states = np.stack(y)
    return Trajectories(
        t=np.tile(times, (len(numbers), 1)),
        y=states,
        names=system.states,
        units=tuple(system.units.get(name, "1") for name in system.states),
        time_unit=system.time_unit,
        inputs=np.stack(inputs) if system.inputs else None,
        input_names=tuple(system.inputs),
        input_units=tuple(system.units.get(name, "1") for name in system.inputs),
        parameters={
            f"{name}_start": np.array(values)
            for name, values in zip(system.states, zip(*starts, strict=True), strict=True)
        },
        parameter_units={f"{name}_start": system.units.get(name, "1") for name in system.states},
        meta={
            "problem": config.problem if config.equations is None else "equations",
            "equations": system.model_dump_json(exclude_defaults=True),
            "lyapunov_exponent": system.lyapunov_exponent,
        },
        drift=_drift(system, states),
        drift_tolerance=1e-6,
    )


def _trajectory(
    system: Equations, times: np.ndarray, seed: int, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the drawn initial state (C,), the states (T, C) and the inputs (T, U) of one trajectory."""
    random = np.random.default_rng([seed, number])
    start = np.array([random.uniform(*system.start[name]) for name in system.states])
    applied = np.empty((len(times), len(system.inputs)))
    for column, signal in enumerate(system.inputs.values()):
        amplitude, period = random.uniform(*signal.amplitude), random.uniform(*signal.period)
        applied[:, column] = amplitude * np.sin(2 * np.pi * (times / period + random.uniform()))
    state = (
        _integrate(system, start, applied[0], np.array([0.0, system.settle]), number)[-1] if system.settle else start
    )
    if not system.inputs:
        return start, _integrate(system, state, applied[0], times, number), applied
    states = [state]
    for first, last, held in zip(times[:-1], times[1:], applied[:-1], strict=True):
        states.append(_integrate(system, states[-1], held, np.array([first, last]), number)[-1])
    return start, np.array(states), applied


def _integrate(system: Equations, start: np.ndarray, held: np.ndarray, times: np.ndarray, number: int) -> np.ndarray:
    """Integrate from a state through times (T,) under a constant input: (T, C)."""
    from scipy.integrate import solve_ivp

    evaluations = 0

    def derivative(_: float, state: np.ndarray) -> np.ndarray:
        nonlocal evaluations
        evaluations += 1
        if evaluations > MOST_EVALUATIONS:
            raise ValueError(_hopeless(number))
        try:
            return system.derivative(state, held, np)
        except ArithmeticError:  # numbers alone are Python's, which raises where an array would give inf
            raise ValueError(_hopeless(number)) from None

    with np.errstate(all="ignore"):  # a diverging trajectory overflows before it is refused below
        solved = solve_ivp(
            derivative, times[[0, -1]], start, method="DOP853", t_eval=times, rtol=TOLERANCE, atol=TOLERANCE
        )
    if not solved.success or not np.isfinite(solved.y).all():
        raise ValueError(_hopeless(number))
    return solved.y.T


def _hopeless(number: int) -> str:
    return (
        f"trajectory {number} cannot be integrated at tolerance {TOLERANCE}: it diverges or is too stiff; "
        "correct the equations, or narrow `start`"
    )


def _drift(system: Equations, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return the largest relative change (N,) of each invariant along each trajectory of y (N, T, C)."""
    drift = {}
    for name, value in system.conserved(np.moveaxis(y, -1, 0), np).items():
        scale = np.maximum(np.abs(value[:, 0]), SMALLEST_SCALE)
        drift[name] = np.abs(value - value[:, :1]).max(axis=1) / scale
    return drift
