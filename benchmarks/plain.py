"""The plain way: the neural-ODE example of diffrax's documentation, on orbits; one process trains one configuration.

`python -m benchmarks.plain SEGMENTS.npz '{"seed": 0, ...}'` trains an equinox MLP by gradient through
`diffrax.diffeqsolve` under `jax.vmap`, one jitted optimiser step at a time, as that example does, and prints one line
of JSON. Initial weights, features, head and loss are those of this project, so that only the way differs.

Source: Kidger, diffrax documentation, "Neural ODE" (Tsit5, adaptive steps, optax, `eqx.filter_jit` per step).
"""

from __future__ import annotations

import json
import sys
import time

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from trainers.two_body.config import Loss, ModelConfig
from trainers.two_body.losses import LOSSES
from trainers.two_body.models.network import init_network, vector_field

CONTROLLERS = {
    "adaptive": lambda ts: diffrax.PIDController(rtol=1e-6, atol=1e-8),
    "grid": lambda ts: diffrax.StepTo(ts=ts),
}
"""adaptive: the tolerances of the literature; grid: its fastest setting, one step per data interval."""


def integrate(network, config: ModelConfig, controller: str, ts, y0, throw: bool = True):
    """Integrate one segment: ts (L,), y0 (6,) -> (L, 6)."""
    field = vector_field(network, config)
    return diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: field(y)),
        diffrax.Tsit5(),
        t0=ts[0],
        t1=ts[-1],
        dt0=None,
        y0=y0,
        saveat=diffrax.SaveAt(ts=ts),
        stepsize_controller=CONTROLLERS[controller](ts),
        throw=throw,
    ).ys


def own_state_errors(network, config: ModelConfig, controller: str, tests: list) -> list[float]:
    """Roll out the orbits of each test set; return the mean relative acceleration error at the model's states [%]."""

    @eqx.filter_jit
    def error(network, ts, y0):
        states = jax.vmap(lambda t, y: integrate(network, config, controller, t, y, throw=False))(ts, y0)
        position = states[..., :3]
        truth = -position / jnp.linalg.norm(position, axis=-1, keepdims=True) ** 3
        predicted = jax.vmap(jax.vmap(vector_field(network, config)))(states)[..., 3:]
        return 100 * jnp.mean(jnp.linalg.norm(predicted - truth, axis=-1) / jnp.linalg.norm(truth, axis=-1))

    return [float(error(network, jnp.asarray(t), jnp.asarray(y[:, 0]))) for t, y in tests]


def main(path: str, settings: dict) -> dict:
    """Train, and return steps per second without and with compilation, and the field error on the test states.

    Test sets of as many orbits as `settings["evaluate"]` names are rolled out as well.
    """
    start = time.perf_counter()
    data = np.load(path)
    config = ModelConfig.model_validate(settings["model"])
    ts, ys = jnp.asarray(data["t"], jnp.float32), jnp.asarray(data["y"], jnp.float32)
    network = init_network(config, jax.random.key(config.seed))
    optimiser = optax.adam(config.phases[0].learning_rate)
    state = optimiser.init(network)
    loss_of = LOSSES[config.loss.name]

    @eqx.filter_jit
    def make_step(network, state, t, y):
        def loss(network):
            predicted = jax.vmap(lambda t, y0: integrate(network, config, settings["solver"], t, y0))(t, y[:, 0])
            channels_first = (jnp.transpose(values, (1, 2, 0)) for values in (y, predicted))
            return loss_of(*channels_first, Loss())[0]

        value, gradient = eqx.filter_value_and_grad(loss)(network)
        updates, state_ = optimiser.update(gradient, state)
        return eqx.apply_updates(network, updates), state_, value

    random, laps = np.random.default_rng(config.seed), []
    batch = min(config.batch_size, len(ts))
    for _ in range(settings["steps"]):
        index = random.permutation(len(ts))[:batch]
        network, state, value = make_step(network, state, ts[index], ys[index])
        value.block_until_ready()
        laps.append(time.perf_counter())
    predicted = jax.vmap(vector_field(network, config))(jnp.asarray(data["test_states"], jnp.float32))[:, 3:]
    error = np.linalg.norm(predicted - data["test_acceleration"], axis=1)
    rolled = [(data[f"test{n}_t"], data[f"test{n}_y"]) for n in settings.get("evaluate", ())]
    return {
        "first_step_seconds": laps[0] - start,
        "steps_per_second": (len(laps) - 1) / (laps[-1] - laps[0]) if len(laps) > 1 else None,
        "seconds": laps[-1] - start,
        "field_error": float(np.mean(100 * error / np.linalg.norm(data["test_acceleration"], axis=1))),
        "own_state_errors": own_state_errors(network, config, settings["solver"], rolled),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
