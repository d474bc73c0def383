"""Logs of one's own: channels, controls and parameters in m, s, rad and kg."""

from __future__ import annotations

from trainers.common.own_data.declarations import check_fact, in_units
from trainers.study import Trajectories
from trainers.vehicle.cars import CLASSES
from trainers.vehicle.dynamics.registry import DYNAMICS, dynamics_named
from trainers.vehicle.dynamics.states import LONGITUDINAL, STEERING
from trainers.vehicle.windows.channels import UNITS, log_of


def accept(own: Trajectories) -> Trajectories:
    """Return logs in the units of the study, with the channels and controls that `windows.channels` asks for.

    Logs with true first states (`initial_x`, ...) are simulated ones, whose motion is computed again: `meta` says by
    which dynamics, and of which class of cars.

    Raises:
        ValueError: one line: a channel or control is missing or unknown, a unit does not convert, or `meta` names an
            unknown class or dynamics.
    """
    check_fact(own, "problem", ["vehicle"])
    simulated = any(name.startswith("initial_") for name in own.parameters)
    check_fact(own, "vehicle_class", list(CLASSES), needed=simulated)
    check_fact(own, "dynamics", DYNAMICS, needed=simulated)
    car = dynamics_named("singletrack")
    parameters = {one.name: one.unit for layout in (car.layout, car.combinations) for one in layout.parameters}
    made = in_units(own, "s", UNITS, STEERING | LONGITUDINAL, parameters)
    log_of(made)
    return made
