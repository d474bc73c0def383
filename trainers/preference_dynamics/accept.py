"""Series of one's own: desires and efforts in order, without units and without control inputs."""

from __future__ import annotations

from trainers.common.own_data.declarations import check_fact, in_order, in_units, refuse_inputs
from trainers.preference_dynamics.system.equations import series_names, unknown_names
from trainers.study import Trajectories


def accept(own: Trajectories) -> Trajectories:
    """Return series with the channels u_0, ..., a_0, ... in this order; all quantities are dimensionless.

    Raises:
        ValueError: one line: other channels, a unit, control inputs, or facts in `meta` that do not agree with them.
    """
    actions = max(len(own.names) // 2, 1)
    check_fact(own, "problem", ["preference_dynamics"])
    check_fact(own, "actions", [actions])
    refuse_inputs(own)
    names, unknowns = series_names(actions), unknown_names(actions)
    made = in_units(own, "1", dict.fromkeys(names, "1"), parameters=dict.fromkeys(unknowns, "1"))
    return in_order(made, names)
