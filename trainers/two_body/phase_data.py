"""The data of one training phase, as the compiled programs take them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trainers.common.jax_training.course import PhaseData
from trainers.common.named_arrays import below
from trainers.study import Arrays, Segments
from trainers.two_body.config import ModelConfig
from trainers.two_body.integrators.packing import Packing, pack
from trainers.two_body.integrators.segments import PlannedSteps
from trainers.two_body.normalisation import normalised_acceleration
from trainers.two_body.stratified_batches import StratifiedBatches


class Data(NamedTuple):
    """Segments on the device, and the integration plan and weights of batches of B of them."""

    t: jax.Array
    """(L, S) times from the start of each segment."""
    y: jax.Array
    """(L, 6, S) states."""
    weight: jax.Array
    """(B,) weight of each position of a batch in the loss, 1 on average."""
    plan: PlannedSteps | None = None
    """Planned steps of the S segments; None for the other solvers."""
    packing: Packing | None = None
    """How the segments of a batch are packed into columns."""

    def of(self, batch: jax.Array) -> Data:
        """Return the segments of a batch (B,) of indices; an empty one stands for all segments."""
        if not batch.size:
            return self
        plan = PlannedSteps(*(values[:, batch] for values in self.plan)) if self.plan else None
        return self._replace(t=self.t[:, batch], y=self.y[..., batch], plan=plan)


class ValidationData(NamedTuple):
    """All validation segments of a phase."""

    segments: Data
    acceleration: jax.Array
    """(L, 3, S) true accelerations at their states."""


def phase_data(config: ModelConfig, segments: Segments, number: int) -> PhaseData:
    """Put the data of phase `number` on the device, in single precision."""
    arrays, counts = segments.phases[number], segments.counts[number]
    strata = StratifiedBatches.of(len(arrays["train/t"]), config.batch_size)

    def batches(seed: int, steps: np.ndarray) -> np.ndarray:
        if strata.batch == strata.segments:
            return np.zeros((len(steps), 0), np.int32)  # every batch is all segments: spare the gathering
        return strata.draw(seed, number, steps)

    validation, validation_segments = None, len(arrays["validation/t"])
    if validation_segments:
        states = np.moveaxis(_sort_by_steps(arrays, "validation")["y"], 2, 0)
        truth = normalised_acceleration(segments.fitted, str(segments.meta["problem"]), states)
        one_batch = StratifiedBatches.of(validation_segments, validation_segments)
        validation = ValidationData(on_device(arrays, "validation", one_batch), _single(np.transpose(truth, (2, 0, 1))))
    return PhaseData(
        train=on_device(arrays, "train", strata),
        batches=batches,
        check_every=config.validate_every,
        validation=validation,
        counts={
            "train_segments": int(counts["train_segments"]),
            "validation_segments": int(counts["validation_segments"]),
            "no_validation": int(not counts["validation_segments"]),
        },
    )


def on_device(arrays: Arrays, part: str, strata: StratifiedBatches) -> Data:
    """Return the segments of one part, sorted by their number of planned steps, with their packing if they have one."""
    values = _sort_by_steps(arrays, part)
    t = values["t"] - values["t"][:, :1]
    data = Data(_single(t.T), _single(np.transpose(values["y"], (1, 2, 0))), _single(strata.weight))
    if "steps" not in values:
        return data
    packing = jax.tree.map(jnp.asarray, pack(strata.longest(values["steps"])))
    return data._replace(plan=_planned_steps(t, values["nodes"] - values["t"][:, :1]), packing=packing)


def _sort_by_steps(arrays: Arrays, part: str) -> dict[str, np.ndarray]:
    """Return the arrays of one part, segments in order of their number of planned steps; unsorted without a plan."""
    values = below(part, arrays)
    steps = values.get("steps")
    return values if steps is None else {name: v[np.argsort(steps, kind="stable")] for name, v in values.items()}


def _planned_steps(t: np.ndarray, nodes: np.ndarray) -> PlannedSteps:
    """Locate each point t (S, L) among the nodes (S, M+1); a point at a node belongs to the step that ends there."""
    step = np.stack([np.searchsorted(edges, times[1:]) - 1 for edges, times in zip(nodes, t, strict=True)])
    step = np.clip(step, 0, nodes.shape[1] - 2)  # rounding may put the first or the last point outside
    dt = np.diff(nodes, axis=1)
    start, length = (np.take_along_axis(values, step, axis=1) for values in (nodes, dt))
    theta = (t[:, 1:] - start) / length
    return PlannedSteps(_single(dt.T), jnp.asarray(step.T, jnp.int32), _single(theta.T))


def _single(values: np.ndarray) -> jax.Array:
    return jnp.asarray(values, jnp.float32)
