"""What the tests of the study share: cars, their rollouts in double precision, small sets."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trainers.vehicle.cars import PUBLISHED
from trainers.vehicle.dynamics.registry import Dynamics, dynamics_named
from trainers.vehicle.dynamics.rollout import rollout

SINGLETRACK = dynamics_named("singletrack")
F1TENTH = dict(PUBLISHED["f1tenth"])


def states(**values: Any) -> np.ndarray:
    """Return states (7, B) that are 0 where nothing is said."""
    names = ("x", "y", "steering_angle", "speed", "yaw", "yaw_rate", "slip_angle")
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(values.get(name, 0.0), float)) for name in names))
    return np.stack(columns)


def drive(
    p: dict[str, Any],
    state: np.ndarray,
    control: np.ndarray,
    step: float = 0.05,
    substeps: int = 20,
    dynamics: Dynamics = SINGLETRACK,
) -> np.ndarray:
    """Roll out (K + 1, 7, B) in double precision; control (K, 2) or (K, 2, B)."""
    control = control if control.ndim == 3 else np.repeat(control[..., None], state.shape[1], axis=2)
    with jax.enable_x64(True):
        named = {
            name: jnp.asarray(np.broadcast_to(value, np.shape(value) or state.shape[1:])) for name, value in p.items()
        }
        program = jax.jit(lambda s, c, q: rollout(dynamics, s, c, q, step, substeps))
        return np.asarray(program(jnp.asarray(state), jnp.asarray(control), named))


def swerving(points: int, seed: int = 0, steering: float = 0.3, push: float = 1.0) -> np.ndarray:
    """Return controls (K, 2) that steer and push at random, smoothly."""
    random = np.random.default_rng(seed)
    t = np.linspace(0, 1, points)
    waves = [np.sin(2 * np.pi * (k + 1) * t + random.uniform(0, 6)) for k in range(2)]
    return np.stack([steering * waves[0], push * waves[1]], axis=1)


def whole_prior(count: int, seed: int) -> dict[str, np.ndarray]:
    """Draw cars from the whole box of the class, whether they can be built or not."""
    random, layout = np.random.default_rng(seed), SINGLETRACK.layout
    flat = random.uniform(layout.low[:, None], layout.high[:, None], (layout.size, count))
    return {name: np.asarray(values) for name, values in layout.named(flat).items()}
