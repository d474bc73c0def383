"""Look names up in tables; the error on an unknown one proposes the nearest."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, choices: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` choices most like `name`, best first; the first ones of the alphabet if none is alike."""
    names = list(choices)
    return get_close_matches(name, names, n=count, cutoff=0.4) or sorted(names)[:count]


def check_name(what: str, name: str, choices: Iterable[str]) -> str:
    """Return `name` if it is one of `choices`; `what` is their kind, such as "activation", in the error.

    Raises:
        ValueError: it is none of them; the message gives the nearest ones.
    """
    names = list(choices)
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; nearest: {', '.join(nearest(name, names))}")
    return name
