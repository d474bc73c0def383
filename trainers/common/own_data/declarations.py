"""Data of one's own for a study: names, units and facts that they declare are compared, converted or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from trainers.common.names import nearest
from trainers.common.own_data.units import Definitions, convert
from trainers.study import Trajectories

Units = Mapping[str, str]
"""Unit by name."""


def in_units(
    own: Trajectories,
    time_unit: str,
    channels: Units,
    inputs: Units | None = None,
    parameters: Units | None = None,
    definitions: Definitions | None = None,
) -> Trajectories:
    """Return trajectories with times, channels, inputs and parameters in the units of a study.

    A name that the study does not have keeps its unit. Only what differs is computed anew.

    Raises:
        ValueError: one line: a unit does not convert.
    """
    inputs, parameters = inputs or {}, parameters or {}
    y = _columns("channel", own.y, own.names, own.units, channels, definitions)
    u = own.inputs
    if u is not None:
        u = _columns("control input", u, own.input_names, own.input_units, inputs, definitions)
    values = {
        name: convert(numbers, own.parameter_units[name], parameters[name], f"parameter {name!r}", definitions)
        if name in parameters and name in own.parameter_units
        else numbers
        for name, numbers in own.parameters.items()
    }
    return replace(
        own,
        t=convert(own.t, own.time_unit, time_unit, "the time", definitions),
        time_unit=time_unit,
        y=y,
        units=tuple(channels.get(name, unit) for name, unit in zip(own.names, own.units, strict=True)),
        inputs=u,
        input_units=tuple(inputs.get(name, unit) for name, unit in zip(own.input_names, own.input_units, strict=True)),
        parameters=values,
        parameter_units={name: parameters.get(name, unit) for name, unit in own.parameter_units.items()},
    )


def in_order(own: Trajectories, names: Sequence[str]) -> Trajectories:
    """Return trajectories with exactly these channels, in this order, whatever order the file has.

    Raises:
        ValueError: one line: a channel is missing, or is none of them.
    """
    for name in own.names:
        if name not in names:
            raise ValueError(f"channel {name!r} is unknown; nearest: {', '.join(nearest(name, names))}")
    if missing := [name for name in names if name not in own.names]:
        raise ValueError(f"the data lack {', '.join(missing)}; expected the channels {', '.join(names)}")
    order = [own.names.index(name) for name in names]
    return replace(own, y=own.y[..., order], names=tuple(names), units=tuple(own.units[k] for k in order))


def refuse_inputs(own: Trajectories) -> None:
    """Refuse control inputs, for a study whose equations have none.

    Raises:
        ValueError: there are some.
    """
    if own.input_names:
        raise ValueError(
            f"inputs are given, {', '.join(own.input_names)}, which this study has no use for: its equations have no "
            "control inputs; leave out `inputs`"
        )


def check_fact(own: Trajectories, name: str, expected: Sequence[object], needed: bool = False) -> None:
    """Compare a fact of `meta` with the values that it may have.

    Raises:
        ValueError: one line: it has another one, or is missing although it is needed.
    """
    if name not in own.meta:
        if needed:
            raise ValueError(f"meta has no {name}; expected one of {', '.join(map(str, expected))}")
        return
    value = own.meta[name]
    if value not in expected:
        texts = [str(one) for one in expected]
        choices = nearest(value, texts) if isinstance(value, str) else texts
        raise ValueError(f"meta.{name} is {value!r}; expected one of {', '.join(choices)}")


def _columns(
    what: str,
    values: np.ndarray,
    names: Sequence[str],
    units: Sequence[str],
    expected: Units,
    definitions: Definitions | None,
) -> np.ndarray:
    """Return values (N, T, K) with every column in its expected unit."""
    if all(expected.get(name, unit) == unit for name, unit in zip(names, units, strict=True)):
        return values
    columns = [
        convert(values[..., k], units[k], expected.get(name, units[k]), f"{what} {name!r}", definitions)
        for k, name in enumerate(names)
    ]
    return np.stack(columns, axis=-1)
