"""Mathematical expressions as functions: parsed by Python's grammar, checked against a list, and never evaluated.

Python's parser turns a text into a syntax tree. Only numbers, names, arithmetic and the functions below are accepted,
and each node becomes a function of its parts; no text is ever run as code.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

Values = Mapping[str, Any]
Expression = Callable[[Values, Any], Any]
"""(values by name, array namespace such as numpy or jax.numpy) -> value."""

FUNCTIONS: Mapping[str, tuple[str, int]] = {
    **{name: (name, 1) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "abs", "sign")},
    **{name: (f"arc{name[1:]}", 1) for name in ("asin", "acos", "atan")},
    "atan2": ("arctan2", 2),
    "min": ("minimum", 2),
    "max": ("maximum", 2),
}
"""Function -> its name in an array namespace, and its number of arguments."""

NUMBERS: Mapping[str, float] = {"pi": math.pi, "e": math.e}

OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}

MOST_CHARACTERS, MOST_DEPTH = 2000, 60
"""Longest expression, and deepest nesting of one."""


def expression(text: str, names: Collection[str]) -> Expression:
    """Return the function that an expression in `names` means.

    >>> expression("sigma*(y - x)", ("x", "y", "sigma"))({"x": 1.0, "y": 3.0, "sigma": 10.0}, numpy)
    20.0

    Raises:
        ValueError: one line: the text is no expression, or holds something else than numbers, names, + - * / ** and
            the functions of `FUNCTIONS`.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"an expression has {len(text)} characters; expected at most {MOST_CHARACTERS}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{_excerpt(text)} is no expression; expected one such as sigma*(y - x)") from None
    return _build(tree.body, frozenset(names), text, 0)


def number(text: str) -> float:
    """Return the value of an expression without names, such as `8/3`.

    Raises:
        ValueError: as `expression`, or the value is not finite.
    """
    import numpy as np

    try:
        value = float(expression(text, ())({}, np))
    except (ArithmeticError, TypeError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{_excerpt(text)} is no finite number")
    return value


def _build(node: ast.expr, names: Collection[str], text: str, depth: int) -> Expression:
    if depth > MOST_DEPTH:
        raise ValueError(f"{_excerpt(text)} is nested more than {MOST_DEPTH} deep; split it")

    def inner(part: ast.expr) -> Expression:
        return _build(part, names, text, depth + 1)

    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as value) if abs(value) < 1e300:
            constant = float(value)
            return lambda values, xp: constant
        case ast.Name(id=name):
            return _name(name, names, text)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value_of = inner(operand)
            return (lambda values, xp: -value_of(values, xp)) if isinstance(sign, ast.USub) else value_of
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError(f"{_excerpt(text)} has ^; write a power as **")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _operation(op, inner(left), inner(right), right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, [inner(argument) for argument in arguments], text)
    raise ValueError(
        f"{_excerpt(text)} holds {_excerpt(ast.unparse(node))}; expected numbers, names, + - * / ** and "
        f"{', '.join(FUNCTIONS)}"
    )


def _name(name: str, names: Collection[str], text: str) -> Expression:
    if name in names:
        return lambda values, xp: values[name]
    if name in NUMBERS:
        constant = NUMBERS[name]
        return lambda values, xp: constant
    known = ", ".join(sorted(names)) or "none"
    raise ValueError(f"{_excerpt(text)} names {name}, which is not defined; defined are: {known}")


def _operation(op: ast.operator, left: Expression, right: Expression, exponent: ast.expr) -> Expression:
    count = exponent.value if isinstance(exponent, ast.Constant) else None
    if isinstance(op, ast.Pow) and isinstance(count, int) and 2 <= count <= 4:
        # a product has a gradient and a value at negative bases in every array library
        return lambda values, xp: math.prod([left(values, xp)] * count)
    function = OPERATORS[type(op)]
    return lambda values, xp: function(left(values, xp), right(values, xp))


def _call(name: str, arguments: list[Expression], text: str) -> Expression:
    if name not in FUNCTIONS:
        raise ValueError(f"{_excerpt(text)} calls {name}; expected one of: {', '.join(FUNCTIONS)}")
    attribute, count = FUNCTIONS[name]
    if len(arguments) != count:
        raise ValueError(f"{_excerpt(text)} calls {name} with {len(arguments)} arguments; expected {count}")
    return lambda values, xp: getattr(xp, attribute)(*(argument(values, xp) for argument in arguments))


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:57] + "...")
