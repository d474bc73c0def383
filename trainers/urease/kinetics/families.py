"""The three prior versions of the source: what is inferred, what is known, what disturbs, and in which ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from trainers.study import Arrays, Role
from trainers.urease.kinetics.rate_law import TemperatureLaw
from trainers.urease.kinetics.reactor import Reactors

Array = np.ndarray

FamilyName = Literal["v1", "v2", "v3"]

UNITS = {
    "activity_scale": "1",
    "fraction": "1",
    "E0": "g/L",
    "k_d": "1/s",
    "tau_probe": "s",
    "pH_offset": "1",
    "pH_drift": "1/s",
    "gas_rate": "1/s",
    "gas_level": "mol/L",
    "ramp": "s",
    "substrate": "mmol/L",
    "powder": "g",
    "temperature": "C",
    "initial_pH": "1",
    "volume": "L",
}
"""Units of all parameters."""


class Range(NamedTuple):
    """A uniform prior, on an interval or over some values."""

    low: float
    high: float
    values: tuple[float, ...] = ()

    def draw(self, uniform: Array) -> Array:
        """Map uniform numbers in [0, 1) to the range."""
        if self.values:
            return np.array(self.values)[(uniform * len(self.values)).astype(int)]
        return np.asarray(self.low + (self.high - self.low) * uniform)


class Family(NamedTuple):
    """Ranges by name."""

    unknown: Mapping[str, Range]
    """The enzyme activity first, then k_d."""
    known: Mapping[str, Range]
    nuisance: Mapping[str, Range]

    def roles(self) -> dict[str, Role]:
        """Return the role of every parameter, in the order of the draws."""
        roles: dict[str, Role] = dict.fromkeys(self.unknown, "unknown")
        return roles | dict.fromkeys(self.known, "known") | dict.fromkeys(self.nuisance, "nuisance")

    def ranges(self) -> dict[str, Range]:
        """Return all ranges."""
        return {**self.unknown, **self.known, **self.nuisance}


FIRST = {
    "substrate": Range(1, 100),
    "powder": Range(0.01, 0.5),
    "temperature": Range(20, 40),
    "initial_pH": Range(6.5, 7.5),
    "fraction": Range(0.01, 0.5),
    "volume": Range(0.2, 0.2),
}

FAMILIES: dict[str, Family] = {
    "v1": Family(
        {
            "activity_scale": Range(0.1, 2),
            "k_d": Range(0, 5e-3),
            "tau_probe": Range(0, 30),
            "pH_offset": Range(-0.1, 0.1),
        },
        FIRST,
        {},
    ),
    "v2": Family(
        {"E0": Range(5e-4, 1.25), "k_d": Range(0, 5e-3)},
        {name: FIRST[name] for name in ("substrate", "temperature", "initial_pH")},
        {},
    ),
    "v3": Family(
        {"fraction": Range(0.01, 1), "k_d": Range(1e-5, 5e-3)},
        {
            "substrate": Range(10, 10),
            "powder": Range(0.0094, 0.011),
            "temperature": Range(25, 40, (25.0, 30.0, 35.0, 40.0)),
            "initial_pH": Range(6.5, 7.2),
            "volume": Range(0.2, 0.2),
        },
        {
            "pH_offset": Range(-0.05, 0.05),
            "pH_drift": Range(-5e-5, 5e-5),
            "tau_probe": Range(0, 5),
            "gas_rate": Range(0, 1e-5),
            "gas_level": Range(0, 5e-5),
            "ramp": Range(0, 20),
        },
    ),
}
"""By name. v1: wide conditions, an unknown probe; v2: noise only; v3: narrow conditions, six nuisances."""


def reactors_of(parameters: Arrays, law: TemperatureLaw = "fitted", phosphate: float = 0.0) -> Reactors:
    """Return the reactors of parameters (N,) by name, in the units of `UNITS`; absent disturbances are 0.

    E0 = activity_scale fraction powder/volume, unless it is a parameter itself.
    """
    one = np.ones(len(parameters["k_d"]))
    if "E0" in parameters:
        enzyme = parameters["E0"] * one
    else:
        enzyme = parameters["fraction"] * parameters["powder"] / parameters["volume"] * one
        enzyme = enzyme * parameters.get("activity_scale", one)
    return Reactors(
        substrate=1e-3 * parameters["substrate"] * one,
        temperature=parameters["temperature"] * one,
        initial_ph=parameters["initial_pH"] * one,
        enzyme=enzyme,
        deactivation=parameters["k_d"] * one,
        ramp=parameters.get("ramp", 0 * one) * one,
        gas_rate=parameters.get("gas_rate", 0 * one) * one,
        gas_level=parameters.get("gas_level", 0 * one) * one,
        law=law,
        phosphate=phosphate,
    )
