"""Checks of names against tables, with the nearest choices in the error."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known names closest to `name`, or the first few if none is close."""
    names = list(known)
    return get_close_matches(name, names, n=count, cutoff=0.4) or sorted(names)[:count]


def check_name(what: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is known.

    Raises:
        ValueError: with what was given and the nearest known names.
    """
    names = list(known)
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; nearest: {', '.join(nearest(name, names))}")
    return name
