"""Modules that are imported when first used, so that tables of names load without jax or torch."""

from importlib import import_module
from typing import Any


class LazyModule:
    """Stand for a module and import it at the first attribute access.

    >>> jnp = LazyModule("jax.numpy")   # nothing imported yet
    >>> jnp.exp(0.0)                    # imports jax.numpy
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
