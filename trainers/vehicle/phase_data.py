"""The data of one training phase, as the compiled programs take them, in single precision."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trainers.common.curriculum import horizon_points
from trainers.common.jax_training.batches import Epochs
from trainers.common.jax_training.course import PhaseData
from trainers.study import Arrays, Segments
from trainers.vehicle.config import ModelConfig
from trainers.vehicle.models import standardised


class Data(NamedTuple):
    """Windows on the device."""

    features: jax.Array
    """(S, F) standardised."""
    control: jax.Array
    """(S, L - 1, 2)"""
    target: jax.Array
    """(S, L, 7)"""


class Batch(NamedTuple):
    """Which windows a step takes, what each weighs, and how many points count."""

    windows: jax.Array
    weight: jax.Array
    points: jax.Array


def phase_data(config: ModelConfig, segments: Segments, number: int) -> PhaseData:
    """Put the data of phase `number` on the device."""
    arrays, phase = segments.phases[number], config.phases[number]
    epochs = Epochs(len(arrays["train/target"]), config.batch_size)
    validated = len(arrays["validation/target"])

    def points(steps: np.ndarray) -> np.ndarray:
        if phase.horizon is None:
            return np.full(len(steps), config.window, np.int32)
        return horizon_points(phase.horizon, steps, config.window).astype(np.int32)

    def batches(seed: int, steps: np.ndarray) -> Batch:
        return Batch(*epochs.draw(seed, number, steps), points(steps))  # type: ignore[arg-type]

    return PhaseData(
        train=on_device(arrays, "train", segments.fitted),
        batches=batches,
        check_every=config.validate_every or epochs.steps,
        validation=on_device(arrays, "validation", segments.fitted) if validated else None,
        columns=lambda steps: {"epoch": steps // epochs.steps, "horizon": points(steps)},
        counts={
            "train_segments": epochs.samples,
            "validation_segments": validated,
            "no_validation": int(not validated),
        },
    )


def on_device(arrays: Arrays, side: str, fitted: Arrays) -> Data:
    """Return the windows of one side."""
    features = standardised(arrays[f"{side}/features"], fitted)
    values = (features, arrays[f"{side}/control"], arrays[f"{side}/target"])
    return Data(*(jnp.asarray(value, jnp.float32) for value in values))
