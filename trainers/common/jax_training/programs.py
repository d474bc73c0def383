"""The compiled programs of a cohort: many optimiser steps in one call, and the validation loss.

A cohort is all configurations that differ only in arguments of the compiled call: seed, learning rates, number of
steps, data. Its programs are compiled once per process and shape of the data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from trainers.study import Arrays

CHUNK = 50
"""Most optimiser steps per compiled call; how steps fall into chunks changes no bits."""

FAILURES = "solver_failures"
"""Entry of a loss's row that ends the training if it is not 0: the number of solves that gave up."""

Row = dict[str, Array]
"""Scalars by name that one step or one validation leaves in the history."""


@dataclass(frozen=True)
class Method:
    """What a study gives: a model (any pytree of arrays), its losses and its optimiser. All functions are pure."""

    start: Callable[[int], Any]
    """Seed -> initial model."""
    loss: Callable[[Any, Any, Any], tuple[Array, Row]]
    """(model, training data of the phase, one batch) -> the loss, a scalar, and its row: `loss`, its parts, counts."""
    validate: Callable[[Any, Any], Row]
    """(model, validation data of the phase) -> row: `loss`, its parts, and the names in `validation_only`."""
    optimiser: optax.GradientTransformation
    """Without a learning rate: the loop multiplies the optimiser's direction by that of the step, see `adam`."""
    to_arrays: Callable[[Any], dict[str, np.ndarray]]
    """Model -> arrays by name, as they are stored."""
    from_arrays: Callable[[Arrays], Any]
    """The reverse; raises ValueError for names or shapes of another model."""
    counts: tuple[str, ...] = ()
    """Entries of the loss's row that are counts, not losses: their sums over all steps go into `Trained.counts`."""
    validation_only: tuple[str, ...] = ()
    """Entries of the validation's row that the loss's row does not have."""


class Learner(NamedTuple):
    """What an optimiser step changes."""

    model: Any
    moments: Any
    """State of the optimiser."""


class Chunk(NamedTuple):
    """The result of a compiled call."""

    learner: Learner
    rows: Row
    """(CHUNK,) each: the row of each step, computed before its update."""
    done: Array
    """Steps done. Fewer than the call's `steps` where one failed: `rows` then hold the failed step at index `done`."""


class Call(NamedTuple):
    """The arguments of the next compiled call of a training."""

    data: Any
    """Training data of the phase."""
    learner: Learner
    batches: Any
    """Arrays (CHUNK, ...) whose k-th entries are the batch of step k."""
    rates: np.ndarray
    """(CHUNK,) learning rates."""
    steps: np.int32
    """Steps to take, at most CHUNK; 0 leaves the learner as it is."""


@dataclass
class Clock:
    """Seconds spent on tracing, compiling and running."""

    seconds: dict[str, float] = field(default_factory=lambda: {"trace": 0.0, "compile": 0.0, "train": 0.0})

    def lap(self, name: str, since: float) -> float:
        """Add the time since `since` to an entry; return the present time of the monotonic clock [s]."""
        now = time.monotonic()
        self.seconds[name] += now - since
        return now

    def charge(self, seconds: Mapping[str, float], share: float) -> None:
        """Add a share of seconds that several trainings spent in one call."""
        for name, duration in seconds.items():
            self.seconds[name] += share * duration


class Program:
    """A function that is traced and compiled once per shape of its arguments, and that charges its time to a clock."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = jax.jit(function)
        self._compiled: dict[Any, Any] = {}

    def __call__(self, clock: Clock, *arguments: Any) -> Any:
        """Run, wait for the result and charge the clock; compile first where the shapes are new."""
        start = time.monotonic()
        shapes = jax.tree.structure(arguments), tuple((x.shape, x.dtype) for x in jax.tree.leaves(arguments))
        if shapes not in self._compiled:
            lowered = self._function.lower(*arguments)
            start = clock.lap("trace", start)
            self._compiled[shapes] = lowered.compile()
            start = clock.lap("compile", start)
        result = jax.block_until_ready(self._compiled[shapes](*arguments))
        clock.lap("train", start)
        return result


class Programs:
    """The programs of a cohort; a study keeps one object per cohort, so that each is compiled once."""

    def __init__(self, method: Method) -> None:
        advance = partial(_advance, method)
        self.method = method
        self.advance = Program(advance)
        """(learner, data, batches, rates (CHUNK,), steps) -> Chunk."""
        self.advance_lanes = Program(jax.vmap(advance, in_axes=(0, None, 0, 0, 0)))
        """The same for W trainings on the same data: everything but the data has a first axis W."""
        self.validate = Program(method.validate)
        """(model, validation data) -> row."""

    def start(self, seed: int) -> Learner:
        """Return the initial weights and the optimiser's state before the first step."""
        return self.fresh_learner(self.method.start(seed))

    def fresh_learner(self, model: Any) -> Learner:
        """Return a model with an optimiser that has taken no step."""
        return Learner(model, self.method.optimiser.init(model))


def adam(
    kind: Literal["adam", "adamw"] = "adam", weight_decay: float = 0.0, clip_norm: float = 0.0
) -> optax.GradientTransformation:
    """Return Adam or AdamW without its learning rate r, by which the loop multiplies the direction d at every step.

    `w <- w - r d` with `d = m / (sqrt(v) + 1e-8) + weight_decay w`, m and v the bias-corrected moments of the gradient.

    Args:
        kind: adam leaves the weight decay out.
        weight_decay: decoupled weight decay [1]; good values 1e-4 to 1e-1.
        clip_norm: largest norm of the gradient [1], longer ones are scaled down to it; 0 does not clip.

    Source: Kingma & Ba (2015); Loshchilov & Hutter (2019).
    """
    clip = [optax.clip_by_global_norm(clip_norm)] if clip_norm else []
    decay = [optax.add_decayed_weights(weight_decay)] if kind == "adamw" else []
    return optax.chain(*clip, optax.scale_by_adam(), *decay)


def _advance(method: Method, learner: Learner, data: Any, batches: Any, rates: Array, steps: Array) -> Chunk:
    """Take up to `steps` steps; stop before one whose loss or gradient is not finite, or whose solver failed."""
    step = jax.jit(partial(_step, method))  # under jit, so that the shapes below and the loop share one trace
    first = jax.tree.map(lambda values: values[0], batches)
    _, shapes = jax.eval_shape(step, learner, data, first, rates[0])
    rows = {name: jnp.full((CHUNK,), jnp.nan, jnp.float32) for name in shapes}

    def body(carry: tuple[Array, Learner, Row, Array]) -> tuple[Array, Learner, Row, Array]:
        k, learner, rows, _ = carry
        updated, row = step(learner, data, jax.tree.map(lambda values: values[k], batches), rates[k])
        rows = {name: rows[name].at[k].set(row[name].astype(jnp.float32)) for name in rows}
        ok = jnp.isfinite(row["loss"]) & jnp.isfinite(row["gradient_norm"]) & (row.get(FAILURES, 0) == 0)
        # a failed step leaves its row for the report, and the weights as they were
        learner = jax.tree.map(lambda new, old: jnp.where(ok, new, old), updated, learner)
        return k + ok, learner, rows, ok

    def unfinished(carry: tuple[Array, Learner, Row, Array]) -> Array:
        return (carry[0] < steps) & carry[3]

    done, learner, rows, _ = jax.lax.while_loop(unfinished, body, (jnp.int32(0), learner, rows, jnp.bool_(True)))
    return Chunk(learner, rows, done)


def _step(method: Method, learner: Learner, data: Any, batch: Any, rate: Array) -> tuple[Learner, Row]:
    """Take one optimiser step; return the learner after it and the row of the weights before it."""
    (_, row), gradient = jax.value_and_grad(method.loss, has_aux=True)(learner.model, data, batch)
    row = {**row, "gradient_norm": optax.global_norm(gradient)}
    direction, moments = method.optimiser.update(gradient, learner.moments, learner.model)
    model = jax.tree.map(lambda weight, change: weight - rate * change, learner.model, direction)
    return Learner(model, moments), row
