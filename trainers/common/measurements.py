"""Data of one's own for a trained model: what they declare is compared with the training data, nothing is assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from trainers.common.names import nearest
from trainers.study import Trajectories


def conform(measured: Trajectories, training: Trajectories, observed: Sequence[str] = ()) -> Trajectories:
    """Return measured trajectories with channels, inputs and known parameters in the order of the training data.

    observed: the channels of the state that are needed, all of them where none is named; others of the training data
    may be there as well.

    Raises:
        ValueError: one line: a channel, input or known parameter is missing or not one of the training data, or has
            another unit; a parameter is given that the model estimates; the times have another unit.
    """
    if measured.time_unit != training.time_unit:
        raise ValueError(_other_unit("the time", measured.time_unit, training.time_unit, "time_unit"))
    names = _matching(
        "channel",
        dict(zip(measured.names, measured.units, strict=True)),
        dict(zip(training.names, training.units, strict=True)),
        observed or training.names,
    )
    inputs = _matching(
        "control input",
        dict(zip(measured.input_names, measured.input_units, strict=True)),
        dict(zip(training.input_names, training.input_units, strict=True)),
        training.input_names,
    )
    known_parameters = training.parameters_as("known")
    for name in measured.parameters:
        if name in training.parameters and name not in known_parameters:
            raise ValueError(
                f"parameter {name!r} is given, but the model estimates it or averages over it; leave it out"
            )
    parameters = _matching(
        "known parameter",
        {name: measured.parameter_units.get(name, "") for name in measured.parameters},
        {name: training.parameter_units.get(name, "") for name in known_parameters},
        tuple(known_parameters),
    )
    return replace(
        measured,
        y=measured.y[..., [measured.names.index(name) for name in names]],
        names=names,
        units=tuple(measured.units[measured.names.index(name)] for name in names),
        inputs=None
        if measured.inputs is None
        else measured.inputs[..., [measured.input_names.index(name) for name in inputs]],
        input_names=inputs,
        input_units=tuple(measured.input_units[measured.input_names.index(name)] for name in inputs),
        parameters={name: measured.parameters[name] for name in parameters},
        parameter_units={name: measured.parameter_units[name] for name in parameters if name in known_parameters},
        roles=dict.fromkeys(parameters, "known"),
    )


def caveats(measured: Trajectories, training: Trajectories) -> list[str]:
    """Say of each trajectory which known parameters lie outside of their range in the training data; '' for none."""
    texts: list[list[str]] = [[] for _ in measured.t]
    for name, values in measured.parameters_as("known").items():
        low, high = float(np.min(training.parameters[name])), float(np.max(training.parameters[name]))
        for index in np.flatnonzero((values < low) | (values > high)):
            texts[index].append(f"{name} {values[index]:g} is outside of the training data ({low:g} to {high:g})")
    return ["; ".join(parts) for parts in texts]


def _matching(what: str, own: Mapping[str, str], expected: Mapping[str, str], needed: Sequence[str]) -> tuple[str, ...]:
    """Return the names of `own` in the order of the expected ones; both map a name to its unit."""
    for name in own:
        if name not in expected:
            near = f"; nearest: {', '.join(nearest(name, expected))}" if expected else ": it was trained without any"
            raise ValueError(f"{what} {name!r} is none of the model's{near}")
        if own[name] != expected[name]:
            raise ValueError(_other_unit(f"{what} {name!r}", own[name], expected[name], "units"))
    if missing := [name for name in needed if name not in own]:
        listed = ", ".join(f"{name} [{expected[name]}]" for name in missing)
        raise ValueError(f"the data have no {what} {listed}; the model needs {', '.join(needed)}")
    return tuple(name for name in expected if name in own)


def _other_unit(what: str, own: str, expected: str, field: str) -> str:
    return f"{what} is in {own!r}; the model was trained on {expected!r}: convert the values, or correct `{field}`"
