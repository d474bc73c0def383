"""Losses and penalties against formulas written a second time, in NumPy."""

import json
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError
from trainers.two_body.config import Loss, ModelConfig
from trainers.two_body.losses import (
    LOSSES,
    attraction,
    energy_drift,
    sign_flip,
    swept_angle,
    weight_penalties,
)
from trainers.two_body.models.network import init_network, observe
from trainers.two_body.objective import penalties, penalty_weights, training_loss

RNG = np.random.default_rng(1)
Y = RNG.normal(size=(5, 6, 4))
Y_HAT = Y + 0.1 * RNG.normal(size=Y.shape)
LOSS = Loss(rmse_weight=3.0)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def percent(y, y_hat):
    return 100 * np.mean(np.linalg.norm(y - y_hat, axis=1) / np.maximum(np.linalg.norm(y, axis=1), 1e-8))


def nrmse(y, y_hat):
    return 100 * np.sqrt(np.mean((y - y_hat) ** 2) / (np.mean(y**2) + 1e-8) + 1e-8)


FORMULAS = {
    "percent_error": percent,
    "percent_error_plus_nmse": lambda y, y_hat: percent(y, y_hat) + 3.0 * nrmse(y, y_hat),
    "mean_squared_error": lambda y, y_hat: np.mean((y - y_hat) ** 2),
    "mean_absolute_error": lambda y, y_hat: np.mean(np.abs(y - y_hat)),
    "percent_error_with_attraction": percent,
}


def configured(**loss):
    return ModelConfig(width=4, activation="tanh", loss=Loss(**loss))


@cache
def fresh(config):
    return jax.jit(lambda key: init_network(config, key))(jax.random.key(0))


compiled_attraction, compiled_sign_flip, compiled_drift = map(jax.jit, (attraction, sign_flip, energy_drift))


@cache
def compiled(name, loss):
    return jax.jit(lambda y, y_hat: LOSSES[name](y, y_hat, loss))


def loss_of(name, y, y_hat, loss=LOSS):
    return compiled(name, loss)(y, y_hat)


def test_every_loss_has_a_reference_formula():
    assert FORMULAS.keys() == LOSSES.keys()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_follow_their_formula_without_the_first_point(name):
    value, _ = loss_of(name, Y, Y_HAT)
    np.testing.assert_allclose(value, FORMULAS[name](Y[1:], Y_HAT[1:]), rtol=1e-12)
    other_start = Y_HAT.copy()
    other_start[0] += 10
    np.testing.assert_array_equal(loss_of(name, Y, other_start)[0], value)


@pytest.mark.parametrize("name", LOSSES)
def test_points_with_nan_data_do_not_count(name):
    padded, predicted = np.concatenate((Y, Y), axis=2), np.concatenate((Y_HAT, Y_HAT + 5), axis=2)
    padded[:, 0, 4:] = np.nan
    value, gradient = jax.jit(jax.value_and_grad(lambda y_hat: loss_of(name, padded, y_hat)[0]))(predicted)
    np.testing.assert_allclose(value, FORMULAS[name](Y[1:], Y_HAT[1:]), rtol=1e-12)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[:, :, 4:], 0)
    assert (np.asarray(gradient[1:, :, :4]) != 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_nan_in_the_prediction_gives_nan(name):
    diverged = Y_HAT.copy()
    diverged[2, 1, 3] = np.nan
    assert np.isnan(loss_of(name, Y, diverged)[0])
    assert np.isnan(loss_of(name, np.full_like(Y, np.nan), Y_HAT)[0])


@pytest.mark.parametrize("name", LOSSES)
def test_a_perfect_prediction_has_a_finite_gradient(name):
    value, gradient = jax.jit(jax.value_and_grad(lambda y_hat: loss_of(name, Y, y_hat)[0]))(Y)
    assert value == pytest.approx(0.03 if name == "percent_error_plus_nmse" else 0.0, rel=1e-6)
    assert np.isfinite(gradient).all()


def ellipse(points=360, eccentricity=0.6):
    """Return one orbit (points + 1, 6, 1) on an even grid of mean anomaly, and its true anomalies."""
    mean = np.linspace(0, 2 * np.pi, points + 1)
    eccentric = mean
    for _ in range(50):
        eccentric = eccentric - (eccentric - eccentricity * np.sin(eccentric) - mean) / (
            1 - eccentricity * np.cos(eccentric)
        )
    true = np.unwrap(np.arctan2(np.sqrt(1 - eccentricity**2) * np.sin(eccentric), np.cos(eccentric) - eccentricity))
    radius = 1 - eccentricity * np.cos(eccentric)
    y = np.zeros((points + 1, 6, 1))
    y[:, 0, 0], y[:, 1, 0] = radius * np.cos(true), radius * np.sin(true)
    return y, true


def test_swept_angles_are_the_steps_of_the_true_anomaly():
    y, true = ellipse()
    np.testing.assert_allclose(jax.jit(swept_angle)(y)[:, 0], np.diff(true), rtol=1e-9)


@pytest.mark.parametrize("name", ["percent_error", "mean_squared_error", "mean_absolute_error"])
def test_weigh_by_angle_weights_points_by_the_swept_angle(name):
    y, true = ellipse()
    y_hat = y + 0.1 * RNG.normal(size=y.shape)
    weights = np.diff(true) / np.sum(np.diff(true))
    expected = sum(w * FORMULAS[name](y[k + 1][None], y_hat[k + 1][None]) for k, w in enumerate(weights))
    value = loss_of(name, y, y_hat, Loss(weigh_by="angle"))[0]
    assert float(value) == pytest.approx(expected, rel=1e-9)
    assert float(loss_of(name, y, y_hat)[0]) != pytest.approx(expected, rel=1e-2)


def test_weigh_by_angle_ignores_points_with_nan():
    y, y_hat = Y.copy(), Y_HAT
    y[3, 0, 1] = np.nan
    value, gradient = jax.value_and_grad(lambda y_hat: loss_of("percent_error", y, y_hat, Loss(weigh_by="angle"))[0])(
        y_hat
    )
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_the_floor_of_the_nrmse_is_a_hundredth_of_a_percent():
    assert float(loss_of("percent_error_plus_nmse", Y, Y)[1]["nrmse"]) == pytest.approx(0.01)


def test_parts_are_reported_unweighted():
    _, parts = loss_of("percent_error_plus_nmse", Y, Y_HAT)
    assert {name: float(part) for name, part in parts.items()} == pytest.approx(
        {"percent_error": percent(Y[1:], Y_HAT[1:]), "nrmse": nrmse(Y[1:], Y_HAT[1:])}
    )


@pytest.mark.parametrize("name", ["percent_error", "percent_error_plus_nmse"])
def test_percentages_do_not_depend_on_the_units(name):
    small, large = loss_of(name, Y, Y_HAT)[0], loss_of(name, 1000 * Y, 1000 * Y_HAT)[0]
    assert float(small) == pytest.approx(float(large), rel=1e-6)


def test_attraction_penalises_outward_force_alone():
    states = np.asarray(RNG.normal(size=(6, 4)))
    assert float(compiled_attraction(states, -3 * states[:3])) == 0
    assert float(compiled_attraction(states, 7 * states[:3])) == pytest.approx(100)
    sideways = np.array([[1.0], [0.0], [0.0], [0.0], [0.0], [0.0]])
    slanted = np.array([[np.cos(1.0)], [np.sin(1.0)], [0.0]])
    assert float(compiled_attraction(sideways, slanted)) == pytest.approx(100 * np.cos(1.0))
    gradient = jax.jit(jax.grad(lambda a: attraction(sideways, a)))
    assert float(gradient(slanted)[0, 0]) > 0
    assert np.isfinite(gradient(np.zeros((3, 1)))).all()


def test_sign_flips_between_neighbours_are_penalised():
    assert float(compiled_sign_flip(np.array([[1.0], [0.5], [2.0]]))) == 0
    assert float(compiled_sign_flip(np.array([[1.0], [-1.0], [1.0]]))) == pytest.approx(100, rel=1e-6)
    one_of_two = np.array([[1.0], [2.0], [-1.0]])
    assert float(compiled_sign_flip(one_of_two)) == pytest.approx(100 * 0.5 * 4 / 5, rel=1e-6)
    assert (np.asarray(jax.jit(jax.grad(sign_flip))(one_of_two))[1:] != 0).all()


def test_energy_drift_is_zero_on_an_orbit_only():
    angle = np.linspace(0.0, 2.0, 5)
    still = np.zeros_like(angle)
    circle = np.stack((np.cos(angle), np.sin(angle), still, -np.sin(angle), np.cos(angle), still))[..., None]
    assert float(compiled_drift(circle)) == pytest.approx(0, abs=1e-12)
    faster = circle.copy()
    faster[3:, 2:] *= 1.1
    assert float(compiled_drift(faster)) == pytest.approx(100 * 0.75 * 0.5 * (1.1**2 - 1) / 0.5)


def test_weight_penalties_are_means_over_the_matrices():
    network = fresh(configured())
    weights = np.concatenate([np.ravel(layer.weight) for layer in network.layers])
    values = jax.jit(weight_penalties)([layer.weight for layer in network.layers])
    assert float(values["l1"]) == pytest.approx(np.mean(np.abs(weights)))
    assert float(values["l2"]) == pytest.approx(np.mean(weights**2))


def test_penalties_enter_with_their_weight():
    config = configured(attraction=2.0, sign_flip=3.0, energy_drift=0.5, l1=0.1, l2=0.2)
    network = fresh(config)
    total, parts = jax.jit(lambda y, y_hat: training_loss(config, network, y, y_hat))(Y, Y_HAT)
    weights = {"percent_error": 1.0, "attraction": 2.0, "sign_flip": 3.0, "energy_drift": 0.5, "l1": 0.1, "l2": 0.2}
    assert parts.keys() == weights.keys()
    assert float(total) == pytest.approx(sum(weight * float(parts[name]) for name, weight in weights.items()))
    states = np.moveaxis(Y_HAT, 1, 0)
    observation = jax.jit(observe(network, config))(states)
    assert float(parts["attraction"]) == pytest.approx(float(compiled_attraction(states, observation.acceleration)))
    assert float(parts["sign_flip"]) == pytest.approx(float(compiled_sign_flip(observation.outputs[0])))
    assert all(float(part) > 0 for part in parts.values())


def test_without_penalties_the_loss_is_its_main_term():
    config = configured()
    network = fresh(config)
    assert penalties(config, network, jnp.asarray(Y_HAT)) == {}
    total, parts = jax.jit(lambda y, y_hat: training_loss(config, network, y, y_hat))(Y, Y_HAT)
    assert parts.keys() == {"percent_error"}
    assert float(total) == pytest.approx(percent(Y[1:], Y_HAT[1:]))


def test_the_loss_with_attraction_has_default_weight_one():
    assert penalty_weights(configured(name="percent_error_with_attraction")) == {"attraction": 1.0}
    assert penalty_weights(configured(name="percent_error_with_attraction", attraction=5.0)) == {"attraction": 5.0}
    assert penalty_weights(configured()) == {}


CHANNELS = {"x": "DU", "y": "DU", "z": "DU", "vx": "DU/TU", "vy": "DU/TU", "vz": "DU/TU"}
FILE = {"file": "FOLDER/own.csv", "columns": {name: name for name in CHANNELS}, "units": CHANNELS, "time_unit": "TU"}
ELSEWHERE = [
    *({"problem": name} for name in ("j2", "cr3bp", "harmonic_oscillator")),
    FILE | {"meta": {"problem": "j2"}},
]


@pytest.mark.parametrize("dataset", map(json.dumps, ELSEWHERE))
def test_the_penalty_on_energy_drift_is_refused_where_it_is_not_of_the_energy(dataset, tmp_path):
    (tmp_path / "own.csv").write_text("t,x,y,z,vx,vy,vz\n0,1,0,0,0,1,0\n0.1,1,0.1,0,-0.1,1,0\n")
    path, dataset = tmp_path / "sweep.yaml", dataset.replace("FOLDER", str(tmp_path))
    sweep = f"study: two_body\nbase: {{dataset: {dataset}, model: {{loss: {{energy_drift: 0.1}}}}}}\n"
    path.write_text(sweep)
    with pytest.raises(SweepError, match=r"energy_drift is 0\.1 with problem .*, whose energy is not v") as caught:
        load_sweep(path)
    assert len(caught.value.problems) == 1
    for text in (sweep.replace(dataset, "{problem: two_body}"), f"study: two_body\nbase: {{dataset: {dataset}}}\n"):
        path.write_text(text)
        assert load_sweep(path).rows
