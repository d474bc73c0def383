"""The data of one training phase, as the compiled programs take them."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from trainers.study import Arrays, Segments
from trainers.two_body.config import ModelConfig, Phase
from trainers.two_body.integrate import Planned
from trainers.two_body.lanes import Slices, pack
from trainers.two_body.law import normalised_acceleration
from trainers.two_body.program import CHUNK, Data


@dataclass(frozen=True)
class Lesson:
    """One phase: its number, what it asks for, and its data on the device."""

    number: int
    phase: Phase
    slices: Slices
    train: Data
    validation: Data | None
    acceleration: jax.Array | None
    """(L, 3, S) true accelerations of the validation segments."""

    def batches(self, seed: int, steps: np.ndarray) -> np.ndarray:
        """Return the segments (CHUNK, B) of each optimiser step; (CHUNK, 0) where every batch is all of them."""
        if self.slices.batch == self.slices.segments:
            return np.zeros((CHUNK, 0), np.int32)
        chosen = np.zeros((CHUNK, self.slices.batch), np.int32)
        chosen[: len(steps)] = self.slices.draw(seed, self.number, steps)
        return chosen


def lesson(config: ModelConfig, segments: Segments, number: int) -> Lesson:
    """Put the data of a phase on the device, in single precision."""
    arrays = segments.phases[number]
    slices = Slices.of(len(arrays["train/t"]), config.batch_size)
    validation, acceleration, count = None, None, len(arrays["validation/t"])
    if count:
        validation = on_device(arrays, "validation", Slices.of(count, count))
        states = np.moveaxis(_sorted(arrays, "validation")["y"], 2, 0)
        truth = normalised_acceleration(segments.fitted, str(segments.meta["problem"]), states)
        acceleration = _single(np.transpose(truth, (2, 0, 1)))
    train = on_device(arrays, "train", slices)
    return Lesson(number, config.phases[number], slices, train, validation, acceleration)


def on_device(arrays: Arrays, part: str, slices: Slices) -> Data:
    """Return the segments of one part, sorted by their number of planned steps, with their packing if they have one."""
    found = _sorted(arrays, part)
    t = found["t"] - found["t"][:, :1]
    data = Data(_single(t.T), _single(np.transpose(found["y"], (1, 2, 0))), _single(slices.weight))
    if "steps" not in found:
        return data
    lanes = jax.tree.map(jnp.asarray, pack(slices.longest(found["steps"])))
    return data._replace(plan=_planned(t, found["nodes"] - found["t"][:, :1]), lanes=lanes)


def _sorted(arrays: Arrays, part: str) -> dict[str, np.ndarray]:
    """Return the arrays of one part with the segments in order of their planned steps, as they are without a plan."""
    found = {name.removeprefix(f"{part}/"): values for name, values in arrays.items() if name.startswith(f"{part}/")}
    steps = found.get("steps")
    return found if steps is None else {name: v[np.argsort(steps, kind="stable")] for name, v in found.items()}


def _planned(t: np.ndarray, nodes: np.ndarray) -> Planned:
    """Find each point t (S, L) among the nodes (S, M+1); points at a node belong to the step that ends there."""
    step = np.stack([np.searchsorted(edges, times[1:]) - 1 for edges, times in zip(nodes, t, strict=True)])
    step = np.clip(step, 0, nodes.shape[1] - 2)
    dt = np.diff(nodes, axis=1)
    start, length = (np.take_along_axis(values, step, axis=1) for values in (nodes, dt))
    theta = (t[:, 1:] - start) / length
    return Planned(_single(dt.T), jnp.asarray(step.T, jnp.int32), _single(theta.T))


def _single(values: np.ndarray) -> jax.Array:
    return jnp.asarray(values, jnp.float32)
