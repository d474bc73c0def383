"""Statistics of one's own microstructures: whatever channels, without units and without control inputs."""

from __future__ import annotations

from trainers.common.own_data.declarations import check_fact, in_units, refuse_inputs
from trainers.phase_field.simulate import SYMBOLS
from trainers.study import Trajectories


def accept(own: Trajectories) -> Trajectories:
    """Return runs whose statistics and parameters are dimensionless; their times may be in any unit, such as steps.

    Raises:
        ValueError: one line: a unit, control inputs, or another problem in `meta`.
    """
    check_fact(own, "problem", ["phase_field"])
    refuse_inputs(own)
    return in_units(own, own.time_unit, dict.fromkeys(own.names, "1"), parameters=SYMBOLS)
