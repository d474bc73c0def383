"""Parameters of a dynamics: bounds, defaults, flat vectors and back, and the map of any number into the bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.common.lazy import LazyModule

if TYPE_CHECKING:
    import jax.numpy as jnp
    from jax import Array
else:
    jnp = LazyModule("jax.numpy")
    Array = Any

EDGE = 1e-6
"""Part of a range that keeps the inverse of the map finite at a bound [1]."""


@dataclass(frozen=True)
class Parameter:
    """One parameter, or an array of parameters with equal bounds."""

    name: str
    unit: str
    low: float
    high: float
    default: float
    shape: tuple[int, ...] = ()
    scale: str = "linear"
    """linear or log: in which scale a network moves between the bounds. log suits what spans a factor of ten."""

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape, dtype=int))

    def fixed_at(self, value: float) -> Parameter:
        """Return the parameter held at one value."""
        return Parameter(self.name, self.unit, value, value, value, self.shape, self.scale)


class Layout:
    """The order of parameters in a flat vector of size P."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self.names = tuple(parameter.name for parameter in parameters)
        self.size = sum(parameter.size for parameter in parameters)
        self._low, self._high, self._default = (
            np.concatenate([np.zeros(0), *(np.full(p.size, getattr(p, name), float) for p in parameters)])
            for name in ("low", "high", "default")
        )
        self._log = np.concatenate([np.zeros(0, bool), *(np.full(p.size, p.scale == "log") for p in parameters)])

    @property
    def low(self) -> np.ndarray:
        """Lower bounds (P,)."""
        return self._low

    @property
    def high(self) -> np.ndarray:
        """Upper bounds (P,)."""
        return self._high

    @property
    def default(self) -> np.ndarray:
        """Defaults (P,)."""
        return self._default

    def named(self, flat: Any) -> dict[str, Any]:
        """Return a flat vector (P, ...) as parameters by name, each (*shape, ...)."""
        parts, start = {}, 0
        for parameter in self.parameters:
            part = flat[start : start + parameter.size]
            parts[parameter.name] = part.reshape((*parameter.shape, *flat.shape[1:]))
            start += parameter.size
        return parts

    def flat(self, named: Mapping[str, Any]) -> np.ndarray:
        """Return parameters by name, each (*shape, ...), as a flat vector (P, ...); the reverse of `named`.

        Raises:
            ValueError: a parameter is missing.
        """
        if missing := [name for name in self.names if name not in named]:
            raise ValueError(f"the parameters lack {', '.join(missing)}; expected {', '.join(self.names)}")
        parts = [np.asarray(named[p.name], float) for p in self.parameters]
        batch = np.broadcast_shapes(
            *(part.shape[len(p.shape) :] for p, part in zip(self.parameters, parts, strict=True))
        )
        return np.concatenate(
            [
                np.broadcast_to(part, (*p.shape, *batch)).reshape((p.size, *batch))
                for p, part in zip(self.parameters, parts, strict=True)
            ]
        )

    def squash(self, z: Any) -> Any:
        """Map any z (P, ...) into the bounds: `lo + (hi - lo) s(z)`, or `lo (hi/lo)^s(z)`, s the logistic function.

        Both are within [lo, hi] for every z, huge ones included, where s is exactly 0 or 1.
        """
        low, high, log = (_tall(values, z) for values in (self._low, self._high, self._log))
        share = 1 / (1 + jnp.exp(-jnp.clip(z, -30.0, 30.0)))
        positive = np.where(log, low, 1.0), np.where(log, high, 1.0)
        geometric = positive[0] * jnp.exp(share * np.log(positive[1] / positive[0]))
        return jnp.clip(jnp.where(log, geometric, low + (high - low) * share), low, high)

    def unsquash(self, flat: np.ndarray) -> np.ndarray:
        """Return the z (P, ...) of parameters within the bounds; a bound counts as a millionth of the range off."""
        low, high, log = (_tall(values, flat) for values in (self._low, self._high, self._log))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(log, np.log(flat / low) / np.log(high / low), (flat - low) / (high - low))
        share = np.clip(np.where(high > low, share, 0.5), EDGE, 1 - EDGE)
        return np.log(share / (1 - share))


def _tall(values: np.ndarray, like: Any) -> np.ndarray:
    return values.reshape(-1, *[1] * (np.ndim(like) - 1))
