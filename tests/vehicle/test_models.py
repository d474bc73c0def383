"""Parameters within their bounds, flat and named, combinations, networks, losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.vehicle.cars import F1TENTH, SINGLETRACK
from trainers.vehicle.cars import CLASSES
from trainers.vehicle.config import ModelConfig
from trainers.vehicle.dynamics import augmented, singletrack
from trainers.vehicle.dynamics.registry import COMBINED, DYNAMICS, dynamics_named
from trainers.vehicle.losses import errors, scaled, yaw_normalized
from trainers.vehicle.models import init_network, network_from, outputs, weights_of

ALL = [(name, kind) for name in DYNAMICS for kind in CLASSES]


@pytest.mark.parametrize(("name", "kind"), ALL)
def test_flat_and_named_parameters_are_the_same(name, kind):
    layout = dynamics_named(name, kind, hidden=5).layout
    flat = np.random.default_rng(0).normal(size=(layout.size, 3))
    assert np.array_equal(layout.flat({k: np.asarray(v) for k, v in layout.named(flat).items()}), flat)
    assert [layout.named(flat)[p.name].shape for p in layout.parameters] == [(*p.shape, 3) for p in layout.parameters]


@pytest.mark.parametrize(("name", "kind"), ALL)
def test_every_number_is_squashed_into_the_bounds(name, kind):
    layout = dynamics_named(name, kind).layout
    for z in (0.0, 3.0, -3.0, 1e3, -1e3, 1e30, -1e30, np.inf, -np.inf):
        made = np.asarray(layout.squash(np.full((layout.size, 2), z)))
        low, high = (np.float32(bound)[:, None] for bound in (layout.low, layout.high))
        assert made.dtype == np.float32 and (made >= low).all() and (made <= high).all()
    inside = layout.low + (layout.high - layout.low) * np.random.default_rng(1).uniform(0.05, 0.95, layout.size)
    assert np.asarray(layout.squash(layout.unsquash(inside))) == pytest.approx(inside, rel=2e-5, abs=2e-6)


def test_a_network_of_mlp_dynamics_emits_what_its_hidden_size_says():
    layout = dynamics_named("mlp-dynamics", hidden=16).layout
    assert layout.size == 280 and [p.size for p in layout.parameters] == [144, 16, 112, 7, 1]
    assert layout.default.tolist() == [0.0] * 279 + [1.0]
    assert dynamics_named("mlp-dynamics", hidden=4).layout.size == 76


def test_sizes_of_the_other_dynamics():
    assert [dynamics_named(name).layout.size for name in DYNAMICS[:4]] == [8, 16, 16, 20]
    assert SINGLETRACK.combinations.names == COMBINED


def test_an_unknown_dynamics_lists_the_known_ones():
    with pytest.raises(ValueError, match="expected one of singletrack, singletrack-augmented, pacejka"):
        dynamics_named("bicycle")
    with pytest.raises(ValueError, match="unknown dynamics 'singletrak'; nearest: singletrack"):
        ModelConfig(dynamics="singletrak")


def test_combinations_go_to_parameters_and_back():
    made = SINGLETRACK.combine(F1TENTH)
    assert made[2] == pytest.approx(F1TENTH["m"] / F1TENTH["I"]) and made[0] == F1TENTH["mu"] * F1TENTH["C_Sf"]
    again = SINGLETRACK.combine({k: np.asarray(v) for k, v in SINGLETRACK.parameters_of(jnp.asarray(made)).items()})
    assert again == pytest.approx(made, rel=1e-6)


def test_known_combinations_are_held():
    held = dynamics_named("singletrack", held={"lf": 0.16})
    assert held.free.tolist() == [True, True, True, False, True, True]
    assert float(held.layout.squash(np.full((8, 1), 5.0))[3, 0]) == pytest.approx(0.16)
    with pytest.raises(ValueError, match="held names wheelbase; singletrack has mu_C_Sf"):
        ModelConfig(known={"wheelbase": 0.3})


def test_natural_gains_and_biases_leave_the_model_as_it_is():
    neutral = {f"gain_{s}": 1.0 for s in augmented.SIGNALS} | {f"bias_{s}": 0.0 for s in augmented.SIGNALS}
    state = jnp.array([[0.0], [0.0], [0.1], [3.0], [0.2], [0.3], [0.02]])
    p = {name: jnp.array([value]) for name, value in (F1TENTH | neutral).items()}
    arguments = (state, jnp.array([[0.2], [0.5]]), p, SINGLETRACK.limits, 0.01)
    assert np.array_equal(augmented.field(*arguments), singletrack.field(*arguments))
    biased = augmented.field(*arguments[:2], p | {"bias_acceleration": jnp.array([0.3])}, *arguments[3:])
    assert float(biased[3, 0]) == pytest.approx(0.8)


def test_a_network_starts_as_the_default_car_and_has_the_weights_of_its_formula():
    layout = SINGLETRACK.layout
    network = init_network(jax.random.key(0), 20, (16, 8), layout)
    assert sum(array.size for array in weights_of(network).values()) == 21 * 16 + 17 * 8 + 9 * 8
    made = np.asarray(layout.squash(outputs(network, jnp.zeros((1, 20)))))[:, 0]
    assert made == pytest.approx(layout.default, rel=1e-3)
    again = network_from(weights_of(network), (16, 8), layout.size)
    assert all(
        np.array_equal(a, b) for one, other in zip(network, again, strict=True) for a, b in zip(one, other, strict=True)
    )
    with pytest.raises(ValueError, match=r"the layers have \[16, 8, 8\] units; expected \[16, 4, 8\]"):
        network_from(weights_of(network), (16, 4), layout.size)


def test_yaw_errors_are_taken_on_the_circle():
    predicted, target = np.zeros((1, 7, 1)), np.zeros((1, 7, 1))
    predicted[0, 4], target[0, 4] = np.pi - 0.1, -np.pi + 0.1
    assert float(errors(jnp.asarray(predicted), target)[0, 4, 0]) == pytest.approx(-0.2, abs=1e-6)
    assert float(yaw_normalized(jnp.asarray(predicted), target, jnp.ones(1))[0]) == pytest.approx(0.2, abs=1e-6)


def test_losses_are_their_formulas():
    random = np.random.default_rng(0)
    predicted, target = random.normal(size=(2, 5, 7, 3)) * 0.1
    points = jnp.array([1.0, 1, 1, 0, 0])
    summed = np.abs(predicted - target)[:3].sum(axis=(0, 1))
    assert np.asarray(yaw_normalized(jnp.asarray(predicted), target, points)) == pytest.approx(summed, rel=1e-5)
    scale = np.array([0.02, 0.02, 0.005, 0.05, 0.01, 0.03, 0.01])[:, None]
    mean = (np.sqrt(1 + ((predicted - target) / scale) ** 2) - 1)[:3].mean(axis=(0, 1))
    assert np.asarray(scaled(jnp.asarray(predicted), target, points)) == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"chunk_size": 0}, "chunk_size"),
        ({"chunk_size": -1}, "chunk_size"),
        ({"loss": {"name": "mse"}}, "unknown loss 'mse'"),
        ({"features": ["fft"]}, "unknown feature 'fft'"),
        ({"dynamics": "mlp-dynamics", "kind": "least_squares"}, "mlp-dynamics with kind 'least_squares'"),
        ({"kind": "kinematic", "refine": {"steps": 3}}, "refine with kind 'kinematic'"),
        ({"kind": "constant_twist", "initial_points": 3}, "initial_points with kind 'constant_twist'"),
        ({"initial_points": 60}, "initial_points is 60; expected at most"),
    ],
)
def test_a_wrong_model_is_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        ModelConfig(**settings)
