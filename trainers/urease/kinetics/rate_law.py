"""The rate of urea hydrolysis by urease, with substrate and product inhibition and a bell-shaped dependence on pH.

Source: Qin & Cabral 1994, Applied Biochemistry and Biotechnology 49:217.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Array = np.ndarray

TemperatureLaw = Literal["fitted", "constant"]
"""fitted: the constants of the pH dependence follow the temperature, as fitted at 25 to 40 C; constant: they do not."""

MICHAELIS, SUBSTRATE_INHIBITION = 2.56e-3, 6.18
"""KM and Ks [mol/L]."""

PRODUCT_PH = np.array([6.25, 6.5, 7.0, 7.5, 8.0, 8.5, 8.75, 9.0])
PRODUCT_INHIBITION = np.array([0.1785, 0.1194, 0.0693, 0.0386, 0.0311, 0.0327, 0.0298, 0.0310])
"""Kp at these pH [mol/L], linear between them and constant beyond."""

CONSTANT_LAW = (9.07, 5.62, 0.373, 0.564)
"""pKes1, pKes2, a and b without temperature dependence [1]."""

GAS_CONSTANT, ACTIVATION, FREQUENCY, KELVIN = 8.314, 29100.0, 0.267, 273.15
"""J/(mol K), J/mol, mol NH3/(s g), 0 C [K]."""


def rate_constant(temperature: Array) -> Array:
    """Return `kT = 0.267 exp(-29100/(8.314 T))` [mol NH3/(s g)] of temperatures [C]."""
    return np.asarray(FREQUENCY * np.exp(-ACTIVATION / (GAS_CONSTANT * (temperature + KELVIN))))


def bell_constants(temperature: Array, law: TemperatureLaw) -> tuple[Array, Array, Array, Array]:
    """Return pKes1, pKes2, a and b of the dependence on pH, each of the shape of the temperatures [C]."""
    T = np.asarray(temperature, float)
    if law == "constant":
        first, second, a, b = (np.full_like(T, value) for value in CONSTANT_LAW)
        return first, second, a, b
    return (
        8.217142857 + 0.0342857143 * T,
        6.407142857 - 0.0317142857 * T,
        0.0908571429 + 0.0113142857 * T,
        0.22 + 0.0139 * T,
    )


def bell(pH: Array, constants: tuple[Array, Array, Array, Array]) -> Array:
    """Return `g = 1/(1 + (Kes1/H)^a + (H/Kes2)^b)`, between 0 and 1."""
    first, second, a, b = constants
    log10 = np.log(10.0)
    return np.asarray(1 / (1 + np.exp(log10 * a * (pH - first)) + np.exp(log10 * b * (second - pH))))


def saturation(substrate: Array) -> Array:
    """Return `S/(KM + S + S^2/Ks)` of substrate concentrations [mol/L], which lies below 1."""
    return np.asarray(substrate / (MICHAELIS + substrate + substrate**2 / SUBSTRATE_INHIBITION))


def product_inhibition(ammonia: Array, pH: Array) -> Array:
    """Return `1 + N/Kp(pH)` of total ammonia [mol/L]."""
    return np.asarray(1 + ammonia / np.interp(pH, PRODUCT_PH, PRODUCT_INHIBITION))
