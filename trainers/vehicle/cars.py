"""Classes of cars, with the ranges that their parameters are drawn from, and published parameter sets.

Units: mu 1, C_S 1/rad, lf, lr, h m, m kg, m_over_I 1/m^2. A published set has I in kg m^2.

Sources: f1tenth_gym and relatives for the 1:10 and 1:5 cars; Althoff, Koschi, Manzinger 2017 (CommonRoad) for full-size
ones; Liniger, Domahidi, Morari 2015 and Jain et al. 2020 (BayesRace) for the 1:43 car.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Limits:
    """Limits of steering, speed and acceleration; the defaults are those of a 1:10 car."""

    steering: float = 0.4189
    """Largest steering angle to either side [rad]."""
    steering_rate: float = 3.2
    """Largest steering rate to either side [rad/s]."""
    acceleration: float = 9.51
    """Largest acceleration and braking [m/s^2]."""
    switch: float = 7.319
    """Speed above which the acceleration falls as 1/v, since the power is limited [m/s]."""
    slowest: float = -5.0
    """Lowest speed; negative is backwards [m/s]."""
    fastest: float = 20.0
    """Highest speed [m/s]."""
    rolls: float = 0.5
    """Speed up to which a car rolls without slip [m/s]."""
    slides: float = 1.5
    """Speed from which the tyres alone say how it moves [m/s]."""
    yaw_rate: float = 30.0
    """Beyond this a car spins, which no tyre here describes: the rate grows no further [rad/s]."""
    slip: float = 1.2
    """The same for the slip angle [rad]."""


@dataclass(frozen=True)
class CarClass:
    """Ranges and limits of a class of cars."""

    ranges: Mapping[str, Range]
    """Of the parameters of the single-track model, with m_over_I in the place of I."""
    limits: Limits
    pacejka: Mapping[str, tuple[float, float, float]]
    """Low, high and default of B, C, D, E, Sh, Sv of either axle; D and Sv by the mass, see `dynamics/pacejka.py`."""
    drive: Mapping[str, tuple[float, float, float]]
    """Of Cm1, Cm2, Cr0, Cr2, by the mass."""


TYRE = {
    "B": (4.0, 12.0, 8.0),
    "C": (1.0, 2.0, 1.4),
    "D": (0.3, 1.3, 0.8),
    "E": (-2.0, 0.5, -0.5),
    "Sh": (-0.02, 0.02, 0.0),
    "Sv": (-0.2, 0.2, 0.0),
}

CLASSES: Mapping[str, CarClass] = {
    "rc": CarClass(
        ranges={
            "mu": (0.3, 1.3),
            "C_Sf": (2.0, 8.0),
            "C_Sr": (2.0, 8.0),
            "lf": (0.1, 0.4),
            "lr": (0.1, 0.4),
            "h": (0.05, 0.25),
            "m": (2.0, 20.0),
            "m_over_I": (15.0, 100.0),
        },
        limits=Limits(),
        pacejka=TYRE,
        drive={"Cm1": (2.0, 15.0, 8.0), "Cm2": (0.2, 3.0, 1.0), "Cr0": (0.1, 3.0, 1.0), "Cr2": (0.0, 0.2, 0.05)},
    ),
    "full_size": CarClass(
        ranges={
            "mu": (0.3, 1.3),
            "C_Sf": (10.0, 30.0),
            "C_Sr": (10.0, 30.0),
            "lf": (0.8, 1.8),
            "lr": (0.8, 1.8),
            "h": (0.3, 0.9),
            "m": (800.0, 2500.0),
            "m_over_I": (0.35, 1.1),
        },
        limits=Limits(steering=0.91, steering_rate=0.4, acceleration=11.5, slowest=-13.9, fastest=50.8),
        pacejka={**TYRE, "B": (5.0, 30.0, 14.0)},
        drive={"Cm1": (2.0, 15.0, 8.0), "Cm2": (0.0, 0.5, 0.1), "Cr0": (0.05, 1.0, 0.2), "Cr2": (0.0, 0.01, 0.001)},
    ),
    "miniature": CarClass(
        ranges={
            "mu": (0.3, 1.3),
            "C_Sf": (2.0, 30.0),
            "C_Sr": (2.0, 30.0),
            "lf": (0.02, 0.05),
            "lr": (0.02, 0.05),
            "h": (0.001, 0.03),
            "m": (0.02, 0.08),
            "m_over_I": (700.0, 3000.0),
        },
        limits=Limits(
            steering=0.6,
            steering_rate=40.0,
            acceleration=15.0,
            switch=5.0,
            fastest=5.0,
            rolls=0.1,
            slides=0.3,
            yaw_rate=60.0,
        ),
        pacejka={
            "B": (2.0, 30.0, 8.0),
            "C": (0.5, 2.0, 1.25),
            "D": (0.4, 1.6, 0.9),
            "E": (-2.0, 0.5, -0.2),
            "Sh": (-0.02, 0.02, 0.0),
            "Sv": (-0.1, 0.1, 0.0),
        },
        drive={
            "Cm1": (3.5, 14.0, 7.0),
            "Cm2": (0.66, 2.66, 1.33),
            "Cr0": (0.63, 2.53, 1.26),
            "Cr2": (0.004, 0.018, 0.009),
        },
    ),
}
"""Classes by name. rc: 1:10 and 1:5 cars, an inferred range about the published sets; full_size; miniature: 1:43."""

PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "f1tenth": {
        "mu": 1.0489, "C_Sf": 4.718, "C_Sr": 5.4562, "lf": 0.15875, "lr": 0.17145, "h": 0.074, "m": 3.74, "I": 0.04712,
    },
    "f1fifth": {
        "mu": 1.1, "C_Sf": 5.3507, "C_Sr": 5.3507, "lf": 0.2725, "lr": 0.2585, "h": 0.1825, "m": 15.32, "I": 0.64332,
    },
    "ford_escort": {
        "mu": 1.0489, "C_Sf": 20.898, "C_Sr": 20.898, "lf": 0.88392, "lr": 1.50876, "h": 0.5578, "m": 1225.89,
        "I": 1538.9,
    },
    "bmw_320i": {
        "mu": 1.0489, "C_Sf": 20.898, "C_Sr": 20.898, "lf": 1.1562, "lr": 1.42272, "h": 0.5749, "m": 1093.3,
        "I": 1791.6,
    },
    "vw_vanagon": {
        "mu": 1.0489, "C_Sf": 20.898, "C_Sr": 20.898, "lf": 1.15079, "lr": 1.32114, "h": 0.7478, "m": 1478.9,
        "I": 2473.1,
    },
}  # fmt: skip
"""Published parameter sets of the single-track model."""

CLASS_OF = {"f1tenth": "rc", "f1fifth": "rc", "ford_escort": "full_size", "bmw_320i": "full_size",
            "vw_vanagon": "full_size"}  # fmt: skip
"""The class that a published set belongs to."""
