"""A dynamical system in a few lines: its equations, constants, initial states and inputs, from a sweep file or here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, model_validator

from trainers.study import Config
from trainers.two_body.general.expressions import FUNCTIONS, NUMBERS, expression, number

Range = tuple[float, float]
Derivative = Callable[[Any, Any, Any], Any]
"""(states (C, ...), inputs (U, ...), array namespace) -> dy/dt (C, ...)."""

LINE = re.compile(r"\s*d\s*(?P<state>[A-Za-z_]\w*)\s*/\s*dt\s*=(?P<right>.+)", re.DOTALL)
NAME = re.compile(r"[A-Za-z_]\w*")


class Signal(Config):
    """A random control input, `A sin(2 pi t / P + phi)` with A, P and phi of each trajectory; held between samples."""

    amplitude: Range = (0.0, 1.0)
    """Range of A [unit of the input]."""
    period: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (1.0, 10.0)
    """Range of P [time unit]."""


class Equations(Config):
    """An autonomous system `dy/dt = f(y, u)` of first order."""

    derivatives: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)]
    """One line per state, in the order of the channels: `dx/dt = sigma*(y - x)`. Names of states, inputs and constants,
    numbers, + - * / ** and the functions of `expressions.FUNCTIONS`."""
    constants: dict[str, float | str] = {}
    """Constant -> number, or an expression without names, such as `8/3`."""
    start: dict[str, Range]
    """State -> range from which its initial value is drawn."""
    duration: Annotated[float, Field(gt=0)]
    """Length of a trajectory [time unit]."""
    settle: Annotated[float, Field(ge=0)] = 0.0
    """Time before the first point, in which the motion reaches its attractor [time unit]."""
    inputs: dict[str, Signal] = {}
    """Control input -> the signal that is applied."""
    invariants: dict[str, str] = {}
    """Conserved quantity -> expression; checked along every trajectory. Not with inputs."""
    units: dict[str, str] = {}
    """State or input -> unit; 1 without one."""
    time_unit: str = "1"
    """Unit of time."""
    lyapunov_exponent: Annotated[float, Field(ge=0)] = 0.0
    """Largest Lyapunov exponent where it is known [1/time unit]; 0: unknown, or not chaotic."""

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The names of the states, in their order."""
        return tuple(_split(line)[0] for line in self.derivatives)

    @cached_property
    def derivative(self) -> Derivative:
        """The right-hand side as a function for arrays of NumPy and of JAX."""
        constants, inputs = self.constant_values, tuple(self.inputs)
        names = (*self.states, *inputs, *constants)
        parts = [expression(_split(line)[1], names) for line in self.derivatives]

        def derivative(state: Any, applied: Any, xp: Any) -> Any:
            values = self._values(state, applied, constants)
            # a constant derivative is a number: it takes the shape of the states
            return xp.stack([part(values, xp) + 0.0 * state[0] for part in parts])

        return derivative

    def conserved(self, state: Any, xp: Any) -> dict[str, Any]:
        """Return the conserved quantities (...) at states (C, ...)."""
        constants = self.constant_values
        values = self._values(state, (), constants)
        return {
            name: expression(text, (*self.states, *constants))(values, xp) + 0.0 * state[0]
            for name, text in self.invariants.items()
        }

    @property
    def constant_values(self) -> dict[str, float]:
        """The constants as numbers."""
        return {name: number(v) if isinstance(v, str) else float(v) for name, v in self.constants.items()}

    def _values(self, state: Any, applied: Any, constants: Mapping[str, float]) -> dict[str, Any]:
        own = dict(zip(self.states, state, strict=True))
        return own | dict(zip(self.inputs, applied, strict=False)) | dict(constants)

    @model_validator(mode="after")
    def _check_names(self) -> Equations:
        names = [*self.states, *self.inputs, *self.constants]
        for name in names:
            if not NAME.fullmatch(name) or name in FUNCTIONS or name in NUMBERS or name == "t":
                raise ValueError(f"{name!r} cannot be a name; expected a word that is no function, pi, e or t")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} is defined twice among states, inputs and constants; expected it once")
        if set(self.start) != set(self.states):
            raise ValueError(
                f"start is given for {sorted(self.start)}; expected a range for each of {sorted(self.states)}"
            )
        if strangers := sorted(set(self.units) - {*self.states, *self.inputs}):
            raise ValueError(f"units are given for {', '.join(strangers)}; expected states and inputs")
        return self

    @model_validator(mode="after")
    def _check_expressions(self) -> Equations:
        if self.invariants and self.inputs:
            raise ValueError("invariants are given beside inputs, which change them; leave out one of the two")
        names = (*self.states, *self.inputs, *self.constant_values)
        for line in self.derivatives:
            expression(_split(line)[1], names)
        for text in self.invariants.values():
            expression(text, names)
        ranges = {**self.start, **{f"{n}.amplitude": s.amplitude for n, s in self.inputs.items()}}
        ranges |= {f"{name}.period": signal.period for name, signal in self.inputs.items()}
        for name, (low, high) in ranges.items():
            if low > high:
                raise ValueError(f"the range of {name} is [{low}, {high}]; expected [smallest, largest]")
        return self


def _split(line: str) -> tuple[str, str]:
    """Return the state of a line and its right-hand side."""
    match = LINE.fullmatch(line)
    if match is None:
        raise ValueError(
            f"{line[:60]!r} is no equation; expected dx/dt = ... with the name of a state in the place of x"
        )
    return match["state"], match["right"]
