"""Units of measured data: exact conversion to those of a study, and a refusal where there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pint

LONGEST = 60
"""Characters of a unit, at most."""

ALIASES = {"C": "degC", "1": "", "%": "percent"}
"""Units that studies and people write otherwise than the library of units, which takes C for coulomb."""

_POWER = re.compile(r"\*\*|\^")
_EXPONENT = re.compile(r"\s*\(?[-+]?\d{1,2}\)?(?!\d)\s*")

Definitions = Mapping[str, str]
"""Units of a study by name, such as `DU: 6378.137 km`."""


def convert(
    values: np.ndarray, own: str, expected: str, what: str, definitions: Definitions | None = None
) -> np.ndarray:
    """Return values in the expected unit: equal texts change nothing, anything else goes through pint's definitions.

    Args:
        values: numbers of any shape.
        own: their unit, as it is declared.
        expected: the unit to convert to.
        what: what they are, for a message.
        definitions: units that only the study has.

    Raises:
        ValueError: one line: a unit is unknown, or measures something else.
    """
    if own == expected:
        return values
    registry = _registry(tuple((definitions or {}).items()))
    try:
        given, wanted = _unit(registry, own), _unit(registry, expected)
        converted = registry.Quantity(np.asarray(values, np.float64), given).to(wanted).magnitude
    except Exception as error:  # the parser of units raises whatever Python's tokeniser does
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{what} is in {own!r}; expected {expected!r} or a unit that converts to it ({reason}): convert the "
            "values, or correct the unit"
        ) from None
    return np.asarray(converted)


@lru_cache(maxsize=16)
def _registry(definitions: tuple[tuple[str, str], ...]) -> pint.UnitRegistry:
    from pint import UnitRegistry

    registry: pint.UnitRegistry = UnitRegistry(cache_folder=None)
    for name, definition in definitions:
        registry.define(f"{name} = {definition}")
    return registry


def _unit(registry: pint.UnitRegistry, text: str) -> pint.Unit:
    if len(text) > LONGEST:
        raise ValueError(f"a unit of {len(text)} characters; at most {LONGEST}")
    powers = _POWER.split(text)[1:]
    # 9**9**9 would be computed for hours
    if not all(_EXPONENT.match(power) for power in powers) or any(_EXPONENT.fullmatch(one) for one in powers[:-1]):
        raise ValueError("a power that is no integer of one or two digits")
    return registry.parse_units(ALIASES.get(text, text))
