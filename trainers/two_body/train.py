"""Train neural ODEs of orbits: a curriculum of phases on segments, by gradient through the solver.

The loop is that of `common.jax_training`: phases, schedules, checks every `validate_every` steps, best and last
weights. A phase has its own segments. Its batches come from strata of the segments and depend on (seed, phase, step)
alone, see `stratified_batches.py`.

Single precision throughout; data are normalised in double precision first, and times count from the start of their
segment. Method: Chen et al., Neural Ordinary Differential Equations (2018), discretise-then-optimise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
from jax import Array

from trainers.common.jax_training.course import Course
from trainers.common.jax_training.lanes import groups, train_courses
from trainers.common.jax_training.programs import FAILURES, Method, Programs, Row, adam
from trainers.study import Failed, Job, Report, Trained
from trainers.two_body.config import ModelConfig, Phase
from trainers.two_body.general.polynomial import fit_polynomial
from trainers.two_body.general.train import train_states
from trainers.two_body.integrators.segments import solve, solve_planned
from trainers.two_body.latent.train import train_latent
from trainers.two_body.models.baselines import train_baseline
from trainers.two_body.models.network import Network, init_network, network_from, vector_field, weights_of
from trainers.two_body.objective import training_loss
from trainers.two_body.phase_data import Data, ValidationData, phase_data


def train(jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
    """Train jobs one after another, or in lanes side by side if configured; yield one outcome each, in order.

    Jobs of one cohort go through the same compiled programs. No job's numbers depend on another job. A loss or gradient
    that is not finite, and a solver that gives up, are outcomes, not exceptions.

    Raises:
        ValueError: the state of a job is not one of its configuration or of a prefix of it.
    """
    for group in groups(jobs):
        yield from TRAININGS[group[0].config.kind](group, report)


def _train_orbits(group: Sequence[Job], report: Report) -> Iterator[Trained | Failed]:
    config = group[0].config
    data = lru_cache(maxsize=1)(partial(phase_data, config, group[0].segments))
    yield from train_courses([Course(job, programs(config), job.config.phases, data, report) for job in group])


def _fit_baseline(group: Sequence[Job], report: Report) -> Iterator[Trained | Failed]:
    yield train_baseline(group[0])


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
    return Programs(
        Method(
            start=lambda seed: init_network(config, jax.random.key(seed)),
            loss=lambda network, data, batch: segment_loss(config, network, data.of(batch)),
            validate=partial(_validate, config),
            optimiser=adam(config.optimiser, config.weight_decay, config.clip_norm),
            to_arrays=weights_of,
            from_arrays=partial(network_from, config),
            counts=("solver_steps",),
            validation_only=("field",),
        )
    )


def segment_loss(config: ModelConfig, network: Network, data: Data) -> tuple[Array, Row]:
    """Return the loss of segments integrated from their first point, and its row of the history."""
    field = _field(config)
    if data.plan is not None and data.packing is not None:
        solution = solve_planned(field, network, data.y[0], data.plan, data.packing)
    else:
        solution = solve(field, network, data.t, data.y[0], config.solver)
    loss, parts = training_loss(config, network, data.y, solution.y, data.weight)
    counts = {"solver_steps": jnp.sum(solution.steps), FAILURES: jnp.sum(solution.failed)}
    return loss, {"loss": loss, **parts, **counts}


def _validate(config: ModelConfig, network: Network, data: ValidationData) -> Row:
    """Return the segment loss, its parts and `field`, the error `100 mean(|a - a_true|/|a_true|)` at the data [%]."""
    _, row = segment_loss(config, network, data.segments)
    states, truth = jnp.moveaxis(data.segments.y, 1, 0), jnp.moveaxis(data.acceleration, 1, 0)
    error = jnp.linalg.norm(_field(config)(network, states)[3:] - truth, axis=0)
    row["field"] = 100 * jnp.mean(error / jnp.linalg.norm(truth, axis=0))
    return {name: row[name] for name in row if not name.startswith("solver_")}


def _field(config: ModelConfig) -> Callable[[Network, Array], Array]:
    return lambda network, state: vector_field(network, config)(state)


TRAININGS = {
    "neural_ode": _train_orbits,
    "mean_acceleration": _fit_baseline,
    "true_law": _fit_baseline,
    "general_ode": train_states,
    "linear_ode": fit_polynomial,
    "sindy": fit_polynomial,
    "latent_ode": train_latent,
}
"""What trains a group of jobs, by the kind of their models."""
