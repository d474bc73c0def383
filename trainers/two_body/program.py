"""The compiled programs of a cohort: many optimiser steps in one call, and the validation loss.

A cohort is all configurations that differ only in what is handed over at run time: seed, learning rates, number of
steps, data. Its programs are compiled once per process and shape of the data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from trainers.two_body.config import ModelConfig, Phase
from trainers.two_body.integrate import Planned, solve, solve_planned
from trainers.two_body.lanes import Lanes
from trainers.two_body.losses import training_loss
from trainers.two_body.network import Network, init_network, vector_field

CHUNK = 50
"""Most optimiser steps per compiled call; how steps fall into chunks changes no bits."""


class Data(NamedTuple):
    """Segments on the device, and how batches of B of them are integrated and weighed."""

    t: Array
    """(L, S) times from the start of each segment."""
    y: Array
    """(L, 6, S) states."""
    weight: Array
    """(B,) weight of each position of a batch in the loss, 1 on average."""
    plan: Planned | None = None
    """Steps planned beforehand, S segments; none for the other solvers."""
    lanes: Lanes | None = None
    """How batches are packed into lanes."""

    def chosen(self, batch: Array) -> Data:
        """Return the segments of a batch (B,); an empty one stands for all of them."""
        if not batch.size:
            return self
        plan = Planned(*(values[:, batch] for values in self.plan)) if self.plan else None
        return self._replace(t=self.t[:, batch], y=self.y[..., batch], plan=plan)


class Learner(NamedTuple):
    """What an optimiser step changes."""

    network: Network
    moments: Any
    """State of the optimiser."""


class Chunk(NamedTuple):
    """What a compiled call gives back."""

    learner: Learner
    rows: dict[str, Array]
    """(CHUNK,) each: what was measured at each step, before its update."""
    done: Array
    """Steps done; fewer than asked when a step was not finite, and that step is the one after."""


@dataclass
class Clock:
    """Seconds spent on tracing, compiling and running."""

    seconds: dict[str, float] = field(default_factory=lambda: {"trace": 0.0, "compile": 0.0, "train": 0.0})

    def lap(self, name: str, since: float) -> float:
        """Add the time since then and return the present time of the monotonic clock."""
        now = time.monotonic()
        self.seconds[name] += now - since
        return now

    def charge(self, seconds: Mapping[str, float], share: float) -> None:
        """Add a share of what was spent for several trainings."""
        for name, spent in seconds.items():
            self.seconds[name] += share * spent


class Program:
    """A function that is traced and compiled once per shape of its arguments, and says what that took."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = jax.jit(function)
        self._compiled: dict[Any, Any] = {}

    def __call__(self, clock: Clock, *arguments: Any) -> Any:
        """Run, wait for the result, and charge the clock."""
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


class Programs(NamedTuple):
    """The programs of a cohort."""

    start: Callable[[int], Learner]
    """Seed -> initial weights and optimiser state."""
    advance: Program
    """(learner, data, batches (CHUNK, B), rates (CHUNK,), count) -> Chunk."""
    together: Program
    """The same for W trainings on one data: everything but the data has a first axis W."""
    validate: Program
    """(network, data, true accelerations (L, 3, S)) -> {loss, parts, field}."""


def programs(config: ModelConfig) -> Programs:
    """Return the programs of the cohort of a configuration, the same object for every member."""
    cohort = {
        "seed": 0,
        "phases": (Phase(),),
        "batch_size": 1,
        "validate_every": 1,
        "train_fraction": 1.0,
        "split_by": "orbit",
        "split_seed": 0,
        "normalisation": "canonical",
    }
    return _programs(config.model_copy(update=cohort))


@lru_cache(maxsize=16)
def _programs(config: ModelConfig) -> Programs:
    optimiser = _optimiser(config)

    def start(seed: int) -> Learner:
        network = init_network(config, jax.random.key(seed))
        return Learner(network, optimiser.init(network))

    advance = partial(_advance, config, optimiser)
    together = jax.vmap(advance, in_axes=(0, None, 0, 0, 0))
    return Programs(start, Program(advance), Program(together), Program(partial(_validate, config)))


def _optimiser(config: ModelConfig) -> optax.GradientTransformation:
    """Return Adam or AdamW without its learning rate, which comes from outside at every step."""
    clip = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    decay = [optax.add_decayed_weights(config.weight_decay)] if config.optimiser == "adamw" else []
    return optax.chain(*clip, optax.scale_by_adam(), *decay)


def _advance(
    config: ModelConfig,
    optimiser: optax.GradientTransformation,
    learner: Learner,
    data: Data,
    batches: Array,
    rates: Array,
    count: Array,
) -> Chunk:
    """Take up to `count` steps; stop before the first one that is not finite or whose solver failed."""
    step = jax.jit(partial(_step, config, optimiser))  # traced once for both of its uses
    _, shapes = jax.eval_shape(step, learner, data, batches[0], rates[0])
    rows = {name: jnp.full((CHUNK,), jnp.nan, jnp.float32) for name in shapes}

    def body(carry: tuple[Array, Learner, dict, Array]) -> tuple[Array, Learner, dict, Array]:
        k, learner, rows, _ = carry
        updated, row = step(learner, data, batches[k], rates[k])
        rows = {name: rows[name].at[k].set(row[name].astype(jnp.float32)) for name in rows}
        good = jnp.isfinite(row["loss"]) & jnp.isfinite(row["gradient_norm"]) & (row["solver_failures"] == 0)
        learner = jax.tree.map(partial(jnp.where, good), updated, learner)
        return k + good, learner, rows, good

    def going(carry: tuple[Array, Learner, dict, Array]) -> Array:
        return (carry[0] < count) & carry[3]

    done, learner, rows, _ = jax.lax.while_loop(going, body, (jnp.int32(0), learner, rows, jnp.bool_(True)))
    return Chunk(learner, rows, done)


def _step(
    config: ModelConfig,
    optimiser: optax.GradientTransformation,
    learner: Learner,
    data: Data,
    batch: Array,
    rate: Array,
) -> tuple[Learner, dict[str, Array]]:
    """Take one optimiser step; an empty batch means all segments."""
    (_, row), gradient = jax.value_and_grad(partial(_loss, config), has_aux=True)(learner.network, data.chosen(batch))
    row["gradient_norm"] = optax.global_norm(gradient)
    direction, moments = optimiser.update(gradient, learner.moments, learner.network)
    network = jax.tree.map(lambda weight, change: weight - rate * change, learner.network, direction)
    return Learner(network, moments), row


def _loss(config: ModelConfig, network: Network, data: Data) -> tuple[Array, dict[str, Array]]:
    """Return the loss of segments integrated from their first point, and what a row of the history holds."""
    field = _field(config)
    if data.plan is not None and data.lanes is not None:
        solution = solve_planned(field, network, data.y[0], data.plan, data.lanes)
    else:
        solution = solve(field, network, data.t, data.y[0], config.solver)
    loss, parts = training_loss(config, network, data.y, solution.y, data.weight)
    counts = {"solver_steps": jnp.sum(solution.steps), "solver_failures": jnp.sum(solution.failed)}
    return loss, {"loss": loss, **parts, **counts}


def _validate(config: ModelConfig, network: Network, data: Data, acceleration: Array) -> dict[str, Array]:
    """Return the segment loss, its parts and the field error `100 mean(|a - a_true|/|a_true|)` at the data's states."""
    _, row = _loss(config, network, data)
    states, truth = jnp.moveaxis(data.y, 1, 0), jnp.moveaxis(acceleration, 1, 0)
    error = jnp.linalg.norm(_field(config)(network, states)[3:] - truth, axis=0)
    row["field"] = 100 * jnp.mean(error / jnp.linalg.norm(truth, axis=0))
    return {name: row[name] for name in row if not name.startswith("solver_")}


def _field(config: ModelConfig) -> Callable[[Network, Array], Array]:
    return lambda network, state: vector_field(network, config)(state)
