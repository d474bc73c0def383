"""Activations by name: the elementwise functions of `jax.nn`, and three more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from trainers.common.lazy import LazyModule

if TYPE_CHECKING:
    from jax import Array

jnp = LazyModule("jax.numpy")
jnn = LazyModule("jax.nn")


@dataclass(frozen=True)
class Activation:
    """An elementwise function; with a `slope` it has one learned parameter per layer, of that initial value."""

    function: Callable[..., Array]
    slope: float | None = None

    def __call__(self, x: Array, slope: Array | None = None) -> Array:
        """Return the activation of x, same shape."""
        return self.function(x) if self.slope is None else self.function(x, slope)


def identity(x: Array) -> Array:
    """Return x."""
    return x


def shifted_softplus(x: Array) -> Array:
    """Return `softplus(x) - ln 2`, which is 0 at 0. Source: Schuett et al. 2017, SchNet."""
    return jnn.softplus(x) - log(2.0)


def prelu(x: Array, slope: Array) -> Array:
    """Return `max(x, 0) + slope min(x, 0)` with a learned slope. Source: He et al. 2015, equation 1."""
    return jnp.where(x >= 0, x, slope * x)


def _jax(name: str) -> Activation:
    return Activation(lambda x: getattr(jnn, name)(x))


ACTIVATIONS: dict[str, Activation] = {
    "celu": _jax("celu"),
    "elu": _jax("elu"),
    "gelu": _jax("gelu"),
    "hard_sigmoid": _jax("hard_sigmoid"),
    "hard_silu": _jax("hard_silu"),
    "hard_swish": _jax("hard_swish"),
    "hard_tanh": _jax("hard_tanh"),
    "leaky_relu": _jax("leaky_relu"),
    "log_sigmoid": _jax("log_sigmoid"),
    "mish": _jax("mish"),
    "relu": _jax("relu"),
    "relu6": _jax("relu6"),
    "selu": _jax("selu"),
    "sigmoid": _jax("sigmoid"),
    "silu": _jax("silu"),
    "soft_sign": _jax("soft_sign"),
    "softplus": _jax("softplus"),
    "sparse_plus": _jax("sparse_plus"),
    "sparse_sigmoid": _jax("sparse_sigmoid"),
    "squareplus": _jax("squareplus"),
    "swish": _jax("swish"),
    "tanh": _jax("tanh"),
    "identity": Activation(identity),
    "prelu": Activation(prelu, slope=0.25),
    "shifted_softplus": Activation(shifted_softplus),
}
"""Activations by name. `jax.nn` functions that are not elementwise (softmax, glu, ...) are left out."""
