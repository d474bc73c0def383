"""Orbits of one's own: in the units of their problem, channels in order, and moving as the problem says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

import numpy as np

from trainers.common.own_data.declarations import check_fact, in_order, in_units, refuse_inputs
from trainers.common.own_data.units import convert
from trainers.study import Trajectories
from trainers.two_body.general.systems import SYSTEMS
from trainers.two_body.orbits.elements import PARAMETER_UNITS
from trainers.two_body.problems import PROBLEMS, load_problem
from trainers.two_body.simulate import NAMES, UNITS

ANY = "data"
"""The problem of data of any state, for models that assume no equation of motion."""

SAME_CONSTANT = 1e-5
"""Largest relative difference of a constant from that of the problem [1]; the Earth's mu is often rounded to 398600."""

SAME_MOTION = (0.5, 2.0)
"""Range of the measured acceleration in parts of the problem's, median over all points [1]."""

SAME_STATE = 0.1
"""Largest relative distance of a first state from the one that the elements give [1]."""


def accept(own: Trajectories) -> Trajectories:
    """Return orbits in the units of their problem [DU, TU, rad], channels in the order x, y, z, vx, vy, vz.

    `meta.problem` names the equation of motion. Lengths, velocities, times and orbital elements are converted, and the
    problem's constants and units, where `meta` gives them in the units of the data, are compared: data about another
    body are refused. Of the motion, the acceleration `dv/dt` between the neighbours of each point is compared with the
    problem's, and the first state with that of the elements, so that wrong units are noticed where they are declared
    as the right ones. Data of other states, for `model.kind: general_ode` and the like, stay as they are; so do those
    whose `meta.problem` is `data`.

    Raises:
        ValueError: one line.
    """
    if own.meta.get("problem") not in PROBLEMS and not _is_orbit_without_problem(own):
        check_fact(own, "problem", (*PROBLEMS, *SYSTEMS, ANY))
        return own
    check_fact(own, "problem", (*PROBLEMS, ANY), needed=True)
    problem = load_problem(str(own.meta["problem"]))
    refuse_inputs(own)
    _check_constants(own, problem)
    channels = dict(zip(NAMES, UNITS, strict=True))
    made = in_units(own, "TU", channels, parameters=PARAMETER_UNITS, definitions=definitions_of(problem))
    made = in_order(made, NAMES)
    _check_motion(made, problem)
    _check_elements(made, problem)
    return replace(made, meta={**own.meta, **problem.CONSTANTS, **problem.UNITS})


def _is_orbit_without_problem(own: Trajectories) -> bool:
    """Whether the channels are those of orbits and nothing says of which."""
    return "problem" not in own.meta and "equations" not in own.meta and set(own.names) == set(NAMES)


def definitions_of(problem: ModuleType) -> Mapping[str, str]:
    """Return what the units of a problem are in km and s."""
    return {"DU": f"{problem.UNITS['length_unit_km']!r} km", "TU": f"{problem.UNITS['time_unit_s']!r} s"}


def _check_constants(own: Trajectories, problem: ModuleType) -> None:
    """Compare the constants in `meta`, in the units of the data, with those of the problem."""
    definitions = definitions_of(problem)
    units = dict(zip(own.names, own.units, strict=True))
    for name, expected in {**problem.CONSTANTS, **problem.UNITS}.items():
        if name not in own.meta:
            continue
        length, time = getattr(problem, "DIMENSIONS", {}).get(name, (0, 0))
        factor = 1.0
        if length:
            factor *= float(convert(np.ones(1), units.get("x", "DU"), "DU", "channel 'x'", definitions)[0]) ** length
        if time:
            factor *= float(convert(np.ones(1), own.time_unit, "TU", "the time", definitions)[0]) ** time
        value = own.meta[name]
        if isinstance(value, str | bool) or not abs(float(value) * factor / expected - 1) <= SAME_CONSTANT:
            shown = repr(value) if isinstance(value, str | bool) else f"{value:.10g}"
            raise ValueError(
                f"meta.{name} is {shown} in the units of the data; expected {expected / factor:.10g}, that of problem "
                f"{own.meta['problem']}: scale the data to it, or leave it out if it is not theirs"
            )


def _check_motion(made: Trajectories, problem: ModuleType) -> None:
    """Compare the acceleration between the neighbours of each point with that of the problem."""
    if made.t.shape[1] < 3 or not len(made.t):
        return
    y = np.moveaxis(made.y, -1, 0)
    true = problem.acceleration(y[:3, :, 1:-1], y[3:, :, 1:-1])
    measured = (y[3:, :, 2:] - y[3:, :, :-2]) / (made.t[:, 2:] - made.t[:, :-2])
    with np.errstate(all="ignore"):
        ratio = (measured * true).sum(0) / (true * true).sum(0)
    ratio = ratio[np.isfinite(ratio)]
    if ratio.size and not SAME_MOTION[0] <= (median := float(np.median(ratio))) <= SAME_MOTION[1]:
        raise ValueError(
            f"the data accelerate {median:.3g} times as much as problem {made.meta['problem']} says, in the median; "
            "expected about 1: check the units, the central body and the order of the columns"
        )


def _check_elements(made: Trajectories, problem: ModuleType) -> None:
    """Compare the first states with those of the elements, where all of them are given."""
    if not hasattr(problem, "solution") or not set(PARAMETER_UNITS) <= set(made.parameters) or not len(made.t):
        return
    elements = {name: np.asarray(made.parameters[name], float) for name in PARAMETER_UNITS}
    first = problem.solution(elements, np.zeros((len(made.t), 1)))[:, 0]
    far = np.linalg.norm(first - made.y[:, 0], axis=1) / np.linalg.norm(made.y[:, 0], axis=1)
    if (beyond := np.flatnonzero(~(far <= SAME_STATE))).size:
        worst = int(beyond[0])
        raise ValueError(
            f"the elements of trajectory {worst} give a first state {100 * far[worst]:.3g} % away from the data; "
            f"expected at most {100 * SAME_STATE:g} %: check their units, and that they are those of the first row"
        )
