"""Conditions on the settings of rows, such as `depth=2`: parsed, never evaluated as code."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assets.identity.paths import dotted, flatten
from assets.identity.text import value_text
from assets.sweeps.sweep import Row, Sweep
from trainers.common.names import nearest

FORM = re.compile(r"\s*([^=<>!]+?)\s*(<=|>=|!=|=|<|>)\s*(.+?)\s*")
OR = "|"

ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """A condition on one setting."""

    name: str
    """An axis or a setting, by its whole path or by the last part of it."""
    sign: str
    values: tuple[str, ...]
    """What it is compared with; several only for `=` and `!=`."""

    @property
    def text(self) -> str:
        """The condition as it is written."""
        return f"{self.name}{self.sign}{OR.join(self.values)}"


def parse(text: str) -> Condition:
    """Read `depth=2`, `depth!=2`, `depth>=2`, or `output_layer=a|b` for either of two values.

    Raises:
        ValueError: it has another form, or an order is asked of what is no number.
    """
    match = FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"given --where {text!r}; expected NAME=VALUE, such as depth=2, or with !=, <, <=, > or >=")
    name, sign, right = match.groups()
    values = tuple(value.strip() for value in right.split(OR))
    if sign in ORDERS and (len(values) > 1 or _number(values[0]) is None):
        raise ValueError(f"given --where {text!r}; expected one number after {sign}")
    return Condition(name, sign, values)


def filtered(sweep: Sweep, texts: Sequence[str]) -> Sweep:
    """Return a sweep of the rows that meet all conditions, without published numbers, which are of the whole sweep.

    Every row so far counts, so it has no `seeds` either.

    Raises:
        ValueError: a condition cannot be read, names no setting, or no row meets them all.
    """
    conditions = [parse(text) for text in texts]
    rows = tuple(row for row in sweep.rows if all(_meets(row, condition) for condition in conditions))
    if not rows:
        raise ValueError(f"no row of {sweep.name} has {' and '.join(one.text for one in conditions)}; "
                         f"there are: {'; '.join(_values_of(sweep, one) for one in conditions)}")  # fmt: skip
    part = " and ".join(one.text for one in conditions)
    return replace(sweep, rows=rows, seeds=None, published=None, part=part) if conditions else sweep


def _meets(row: Row, condition: Condition) -> bool:
    value = _value(row, condition.name)
    if condition.sign in ORDERS:
        number = _number(value)
        return number is not None and ORDERS[condition.sign](number, float(condition.values[0]))
    equal = any(_equal(value, text) for text in condition.values)
    return equal if condition.sign == "=" else not equal


def _equal(value: Any, text: str) -> bool:
    number, other = _number(value), _number(text)
    if number is not None and other is not None:
        return number == other
    return value_text(value) == text or (isinstance(value, bool) and text.lower() == str(value).lower())


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _value(row: Row, name: str) -> Any:
    """Return the value of an axis or a setting of a row, given by its whole path or the last part of it.

    Raises:
        ValueError: there is none of that name, or several.
    """
    settings = {dotted(place): value for place, value in flatten(row.configuration.settings())}
    places = settings | dict(row.axes)
    for known in (row.axes, places):
        matches = [path for path in known if name == path] or [path for path in known if name == _last(path)]
        if len(matches) > 1:
            raise ValueError(f"given --where on {name!r}; expected one of {', '.join(matches)}")
        if matches:
            return places[matches[0]]
    near = ", ".join(nearest(name, [*row.axes, *map(_last, places)]))
    raise ValueError(f"given --where on {name!r}, which is no axis and no setting; nearest: {near}")


def _last(path: str) -> str:
    return path.rsplit(".", 1)[-1]


def _values_of(sweep: Sweep, condition: Condition) -> str:
    values = dict.fromkeys(value_text(_value(row, condition.name)) for row in sweep.rows)
    return f"{condition.name} {', '.join(values)}"
