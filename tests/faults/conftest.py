"""The toy study and a home of its own for every fault."""

from tests.assets.conftest import home, store

__all__ = ["home", "store"]
