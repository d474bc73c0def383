"""Curves of one's own: pH over seconds, known conditions in the units of the kinetics."""

from __future__ import annotations

from typing import get_args

from trainers.common.own_data.declarations import check_fact, in_units, refuse_inputs
from trainers.study import Trajectories
from trainers.urease.kinetics.families import UNITS, FamilyName
from trainers.urease.kinetics.rate_law import TemperatureLaw


def accept(own: Trajectories) -> Trajectories:
    """Return curves with times in s, a pH, and parameters in the units of `families.UNITS`.

    A test set, whose unknowns are given, says in `meta` by which law and phosphate its true forecasts are solved.

    Raises:
        ValueError: one line: no channel pH, a unit that does not convert, control inputs, or an unknown problem, family
            or law in `meta`.
    """
    check_fact(own, "problem", ["urease"])
    check_fact(own, "family", get_args(FamilyName))
    tested = bool({"activity_scale", "fraction", "E0", "k_d"} & set(own.parameters))
    check_fact(own, "law", get_args(TemperatureLaw), needed=tested)
    if tested and "phosphate" not in own.meta:
        raise ValueError("meta has no phosphate [mol/L], with which true forecasts are solved; 0 if there is none")
    refuse_inputs(own)
    if "pH" not in own.names:
        raise ValueError(f"the curves have channels {', '.join(own.names)}; expected one named pH")
    return in_units(own, "s", dict.fromkeys(own.names, "1"), parameters=UNITS)
