"""Equations of motion, one file each; the file's name is the problem's name.

A problem defines

    CONSTANTS   its constants by name, `mu` where one point mass attracts
    DIMENSIONS  {constant: (power of length, power of time)} of those that are not plain numbers
    UNITS       {"length_unit_km": ..., "time_unit_s": ...} of its dimensionless states
    acceleration(position (3, ...), velocity (3, ...)) -> (3, ...)
    invariants(state (6, ...)) -> {name: (...)}, the quantities that the motion conserves
    sample(config, rng) -> (initial states (N, 6), periods (N,), parameters {name: (N,)})

and may define `solution(parameters, t (N, T)) -> states (N, T, 6)` where the motion has a closed form; without it the
motion is integrated. The functions use only operators and the array namespace of their argument, so that they work on
arrays of NumPy and of JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

PROBLEMS: tuple[str, ...] = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Names of all problems, from the names of their files: none is imported."""


def load_problem(name: str) -> ModuleType:
    """Return the module of a problem."""
    return import_module(f"{__name__}.{name}")


def equation_of_motion(name: str) -> Callable[[Any], Any]:
    """Return the field `f`, states (6, ...) -> dy/dt = (v, a(r, v)) (6, ...), of a problem in its own units."""
    acceleration = load_problem(name).acceleration

    def field(state: Any) -> Any:
        xp = state.__array_namespace__()
        return xp.concat([state[3:], acceleration(state[:3], state[3:])])

    return field
