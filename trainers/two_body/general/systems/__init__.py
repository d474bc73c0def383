"""Dynamical systems, one file each: `SYSTEM`, an `Equations`. The file's name is the name of the problem."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainers.two_body.general.equations import Equations

SYSTEMS: tuple[str, ...] = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Names of all systems, from the names of their files: none is imported."""


def load_system(name: str) -> Equations:
    """Return the system of a file."""
    return import_module(f"{__name__}.{name}").SYSTEM
