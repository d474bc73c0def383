"""Simulate runs of cars whose parameters are hidden: drawn from a class of cars, driven, and observed with noise."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trainers.study import Trajectories
from trainers.vehicle.cars import CLASSES, PUBLISHED
from trainers.vehicle.config import DatasetConfig
from trainers.vehicle.dynamics.excitation import GRAVITY, controls
from trainers.vehicle.dynamics.registry import COMBINED, Dynamics, dynamics_named
from trainers.vehicle.dynamics.rollout import rollout
from trainers.vehicle.dynamics.states import CONTROLS, LONGITUDINAL, SENSORS, STATE_UNITS, STATES, STEERING

Array = np.ndarray

SHAPE = (0.5, 2.0)
"""Range of I/(m lf lr): beyond it no car is built [1]."""

MOST_DRAWS = 10_000
"""Draws after which a car is taken not to exist."""

HARD = 3.0
"""Braking and acceleration under which a car must not swing round by itself [m/s^2]."""

INITIAL = tuple(f"initial_{name}" for name in STATES)
"""Parameters that hold the true first state of a run."""

BLOCK = 256
"""Runs that are integrated together, so that a program is compiled once whatever the size of the set."""


class Car(NamedTuple):
    """A car: parameters of the single-track model by name, and of its Pacejka tyres."""

    singletrack: dict[str, float]
    tyres: dict[str, float]


def simulate(config: DatasetConfig, part: int | None = None) -> Trajectories:
    """Simulate runs, ordered by car: t (N, T), y (N, T, 7), inputs (N, T, 2), N = cars x runs.

    The last input of a run is that of the point before. `parameters` has the car's number, its parameters and
    combinations, and as nuisance the speed of the run, the noise, and the true first state.
    """
    dynamics = dynamics_named(config.dynamics, config.vehicle_class)
    t = config.time_step / 100 * np.arange(config.points)
    cars = range(config.cars)[config.part_of(config.cars, part)]
    runs = [run for number in cars for run in _runs(config, dynamics, number, t)]
    parameters = {name: np.array([run[0][name] for run in runs]) for name in runs[0][0]}
    commands = np.stack([run[1] for run in runs])
    start = np.stack([parameters[name] for name in INITIAL], axis=1)
    clean = resimulate(config.dynamics, config.vehicle_class, parameters, start, commands, config.time_step / 100)
    noise = np.stack([run[2] for run in runs])
    return Trajectories(
        t=np.tile(t, (len(runs), 1)),
        y=clean + config.noise * np.array(SENSORS) * noise,
        names=STATES,
        units=STATE_UNITS,
        time_unit="s",
        inputs=np.concatenate([commands, commands[:, -1:]], axis=1),
        input_names=CONTROLS,
        input_units=(STEERING[CONTROLS[0]], LONGITUDINAL[CONTROLS[1]]),
        parameters=parameters,
        parameter_units={name: unit for name, unit in _units(dynamics).items() if name in parameters},
        roles=dict.fromkeys(("car", "target_speed", "noise", *INITIAL), "nuisance"),
        meta={"problem": "vehicle", "dynamics": config.dynamics, "vehicle_class": config.vehicle_class},
    )


def resimulate(
    dynamics: str, vehicle_class: str, parameters: dict[str, Array], start: Array, commands: Array, step: float
) -> Array:
    """Return the true motion (N, K + 1, 7) from states (N, 7) under controls (N, K, 2), ten sub-steps per point."""
    car = dynamics_named(dynamics, vehicle_class)
    named = {name: np.asarray(parameters[name], float) for name in car.layout.names}
    with jax.enable_x64(True):
        parts = []
        for first in range(0, len(start), BLOCK):
            rows = np.minimum(np.arange(first, first + BLOCK), len(start) - 1)
            integrate = _program(dynamics, vehicle_class, step)
            states = integrate(
                jnp.asarray(start[rows].T),
                jnp.asarray(np.transpose(commands[rows], (1, 2, 0))),
                {name: jnp.asarray(values[rows]) for name, values in named.items()},
            )
            parts.append(np.transpose(np.asarray(states), (2, 0, 1))[: len(start) - first])
    return np.concatenate(parts)


SUBSTEPS = 10
"""Steps of the integrator per point of the data."""


@lru_cache(maxsize=16)
def _program(dynamics: str, vehicle_class: str, step: float) -> Any:
    car = dynamics_named(dynamics, vehicle_class)
    return jax.jit(lambda state, commands, p: rollout(car, state, commands, p, step, SUBSTEPS))


def _runs(
    config: DatasetConfig, dynamics: Dynamics, number: int, t: Array
) -> list[tuple[dict[str, float], Array, Array]]:
    """Return parameters by name, controls (T - 1, 2) and standard noise (T, 7) of each run."""
    random = np.random.default_rng([config.seed, number])
    car = _car(config, random)
    named = {**car.singletrack, **car.tyres}
    combinations = _combinations(car) if config.dynamics == "pacejka" else dynamics.combine(named)
    fixed = {
        "car": float(number),
        **named,
        **dict(zip(COMBINED, map(float, combinations[: len(COMBINED)]), strict=True)),
    }
    turning = np.array([named["lf"] + named["lr"], named["mu"]])
    runs = []
    for run in range(config.runs):
        speed = config.speeds[run % len(config.speeds)]
        commands, steering, pace = controls(random, config.excitation, t, speed, turning, dynamics.limits)
        start = dict.fromkeys(INITIAL, 0.0) | {
            "initial_x": random.uniform(-5, 5),
            "initial_y": random.uniform(-5, 5),
            "initial_steering_angle": float(steering[0]),
            "initial_speed": float(pace[0]),
            "initial_yaw": random.uniform(-np.pi, np.pi),
        }
        noise = random.standard_normal((len(t), len(STATES)))
        runs.append(({**fixed, "target_speed": speed, "noise": config.noise, **start}, commands, noise))
    return runs


def _car(config: DatasetConfig, random: np.random.Generator) -> Car:
    """Draw a car that can be built and that does not swing round by itself at the speeds it is driven."""
    box = CLASSES[config.vehicle_class].ranges
    for _ in range(MOST_DRAWS):
        drawn = {name: float(random.uniform(*bounds)) for name, bounds in box.items()}
        if config.friction:
            drawn["mu"] = float(random.choice(config.friction))
        per = drawn.pop("m_over_I")
        named = {**drawn, "I": drawn["m"] / per}
        if config.car != "prior":
            named = {**PUBLISHED[config.car], **({"mu": named["mu"]} if config.friction else {})}
        tyres = _tyres(named, random) if config.dynamics == "pacejka" else {}
        if config.car != "prior" or (
            _buildable(named) and all(stable(named, 1.3 * max(config.speeds), a) for a in (-HARD, 0.0, HARD))
        ):
            return Car(named, tyres)
    raise ValueError(
        f"none of {MOST_DRAWS} cars of class {config.vehicle_class} is stable at {max(config.speeds)} m/s; "
        "expected one; lower the speeds"
    )


def _buildable(p: dict[str, float]) -> bool:
    return SHAPE[0] <= p["I"] / (p["m"] * p["lf"] * p["lr"]) <= SHAPE[1]


def stable(p: dict[str, float], v: float, a: float = 0.0) -> bool:
    """Return whether yaw rate and slip angle settle at speed v [m/s] and acceleration a [m/s^2], wheels straight.

    Of `[[-d, s], [c, -e]]`, see `singletrack.linear_tyres`: the trace is negative, so it is for `d e > s c`.
    """
    wheelbase = p["lf"] + p["lr"]
    front, rear = p["C_Sf"] * (GRAVITY * p["lr"] - a * p["h"]), p["C_Sr"] * (GRAVITY * p["lf"] + a * p["h"])
    turn, slide = p["mu"] * p["m"] / (p["I"] * wheelbase), p["mu"] / (v * wheelbase)
    damping, decay = turn * (p["lf"] ** 2 * front + p["lr"] ** 2 * rear) / v, slide * (front + rear)
    stiffness, coupling = turn * (p["lr"] * rear - p["lf"] * front), slide * (rear * p["lr"] - front * p["lf"]) / v - 1
    return damping * decay > stiffness * coupling


def _tyres(named: dict[str, float], random: np.random.Generator) -> dict[str, float]:
    """Draw Pacejka tyres with the cornering stiffness of the car at small slip: B C D = mu C_S, D = mu."""
    drawn: dict[str, float] = {"m_over_I": named["m"] / named["I"]}
    for axle in ("f", "r"):
        shape = random.uniform(1.1, 1.6)
        values = {"B": named[f"C_S{axle}"] / shape, "C": shape, "D": named["mu"], "E": random.uniform(-1.0, 0.3)}
        drawn |= {f"{name}_{axle}": float(value) for name, value in values.items()} | {
            f"Sh_{axle}": 0.0,
            f"Sv_{axle}": 0.0,
        }
    return drawn


def _combinations(car: Car) -> Array:
    """Return the combinations of a Pacejka car: those of linear tyres with its cornering stiffness."""
    return dynamics_named("singletrack").combine(car.singletrack)


def _units(dynamics: Dynamics) -> dict[str, str]:
    plain = {"mu": "1", "C_Sf": "1/rad", "C_Sr": "1/rad", "lf": "m", "lr": "m", "h": "m", "m": "kg", "I": "kg m^2"}
    units = plain | {"mu_C_Sf": "1/rad", "mu_C_Sr": "1/rad", "m_over_I": "1/m^2"}
    units |= {parameter.name: parameter.unit for parameter in dynamics.layout.parameters}
    initial = dict(zip(INITIAL, STATE_UNITS, strict=True))
    return units | initial | {"car": "1", "target_speed": "m/s", "noise": "1"}
