"""Feature layers, output layers and the network against formulas written a second time, in NumPy."""

from functools import cache, partial
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, sph_harm_y

from trainers.two_body.config import ModelConfig
from trainers.two_body.models.activations import ACTIVATIONS
from trainers.two_body.models.feature_layers import FEATURE_LAYERS
from trainers.two_body.models.frames import rtn_basis
from trainers.two_body.models.network import (
    init_network,
    network_from,
    observe,
    outputs,
    parameter_count,
    vector_field,
    weights_of,
)
from trainers.two_body.models.output_layers import OUTPUT_LAYERS

EPS = 1e-8
RNG = np.random.default_rng(0)
STATES = RNG.normal(size=(6, 7))
OUTPUTS = RNG.normal(size=(6, 7))
SCALE = 1.7

POSITION, VELOCITY = STATES[:3], STATES[3:]
R, V = np.linalg.norm(POSITION, axis=0), np.linalg.norm(VELOCITY, axis=0)
R_HAT, MOMENTUM = POSITION / R, np.cross(POSITION, VELOCITY, axis=0)
H = np.linalg.norm(MOMENTUM, axis=0)
V_R, V_T = np.sum(R_HAT * VELOCITY, axis=0), H / R
NORMAL = MOMENTUM / H
TRANSVERSE = np.cross(NORMAL, R_HAT, axis=0)
PLAIN = np.vstack((1 / R, R_HAT, VELOCITY))

RADIAL_FALL = np.array([0.6, 0.8, 0.0, -0.3, -0.4, 0.0])
ALONG_Z = np.array([0.0, 0.0, 2.0, 0.0, 0.0, -1.0])
AT_REST = np.array([0.6, 0.8, 0.0, 0.0, 0.0, 0.0])
DEGENERATE = {"radial": RADIAL_FALL, "radial along z": ALONG_Z, "at rest": AT_REST, "origin": np.zeros(6)}


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def network_of(config, slopes=0):
    """Draw a network without compiling the initialisation."""
    rng = np.random.default_rng(2)
    sizes = [
        FEATURE_LAYERS[config.feature_layer].size,
        *[config.width] * config.depth,
        OUTPUT_LAYERS[config.output_layer].size,
    ]
    arrays = {f"slopes.{k}": np.array(0.25) for k in range(slopes)}
    for k, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        arrays[f"layers.{k}.weight"] = rng.normal(size=(fan_out, fan_in)) / np.sqrt(fan_in)
        arrays[f"layers.{k}.bias"] = rng.normal(size=fan_out) / np.sqrt(fan_in)
    return network_from(config, arrays)


def harmonics():
    colatitude, longitude = np.arccos(R_HAT[2]), np.arctan2(R_HAT[1], R_HAT[0])
    rows = []
    for degree in (2, 3, 4):
        for m in range(-degree, degree + 1):
            value = (-1) ** abs(m) * sph_harm_y(degree, abs(m), colatitude, longitude)
            rows.append(value.real if m == 0 else np.sqrt(2) * (value.real if m > 0 else value.imag))
    return np.array(rows)


def multiples():
    longitude = np.arctan2(R_HAT[1], R_HAT[0])
    sine = np.hypot(R_HAT[0], R_HAT[1])
    return np.array([sine**m * wave(m * longitude) for m in (2, 3, 4) for wave in (np.cos, np.sin)])


def waves():
    angles = 2 * np.pi * np.vstack([f * PLAIN for f in (0.25, 0.5, 1.0)])
    return np.vstack((np.sin(angles), np.cos(angles)))


FEATURES = {
    "sph_4D_rinv_vel": PLAIN,
    "sph_4D_rinv_vinv": np.vstack((1 / R, R_HAT, 1 / V, VELOCITY / V)),
    "sph_4D_rinv_vel_harmonics": np.vstack((PLAIN, harmonics())),
    "sph_4D_rinv_vel_harmonics_planar": np.vstack((PLAIN, multiples())),
    "sph_4D_rinv_vel_fourier": waves(),
    "rinv_rhat_vr_vt": np.vstack((1 / R, R_HAT, V_R, V_T)),
    "rinv_rhat_vr_vt_h": np.vstack((1 / R, R_HAT, V_R, V_T, H)),
    "rinv_rhat_speed_angle": np.vstack((1 / R, R_HAT, V, np.arctan2(V_R, V_T))),
    "rinv_rhat_vel_rtn": np.vstack((1 / R, R_HAT, V_R, V_T, 0 * V_T)),
    "logr": np.log(R)[None],
    "logr_rhat": np.vstack((np.log(R), R_HAT)),
    "logr_vr_vt": np.vstack((np.log(R), V_R, V_T)),
}


def softplus(x):
    return np.log1p(np.exp(x))


def head_formulas():
    m0, d = OUTPUTS[0], OUTPUTS[1:4]
    t = np.tanh(d)
    length, length_t = np.linalg.norm(d, axis=0), np.linalg.norm(t, axis=0)
    in_rtn = lambda c: c[0] * R_HAT + c[1] * TRANSVERSE + c[2] * NORMAL  # noqa: E731
    return {
        "mlp_simple": OUTPUTS,
        "mlp_simple_hybrid": OUTPUTS[:3],
        "mlp_4D_signed": m0 * d,
        "mlp_4D_abs": np.abs(m0) * d,
        "mlp_4D_softplus": softplus(m0) * d,
        "mlp_4D_accsoftplus": softplus(m0) * d,
        "mlp_4D_signed_unit": m0 * d / (length + EPS),
        "mlp_4D_unit": np.abs(m0) * d / (length + EPS),
        "mlp_4D_unit_scaled": SCALE * np.abs(m0) * d / (length + EPS),
        "mlp_4D_unit_softplus": softplus(m0) * d / length,
        "mlp_4D_logmag_unit_tanh_exp": SCALE * np.exp(m0) * t / (length_t + EPS),
        "mlp_4D_logmag_unit_tanh_softplus": SCALE * (softplus(m0) + EPS) * t / (length_t + EPS),
        "mlp_4D_logmag_unit_exp": SCALE * np.exp(m0) * d / (length + EPS),
        "mlp_4D_logmag_unit_softplus": SCALE * (softplus(m0) + EPS) * d / (length + EPS),
        "mlp_4D_logmag_exp": SCALE * np.exp(m0) * d,
        "mlp_4D_sigmoid_unit": SCALE * expit(m0) * d / (length + EPS),
        "rtn": in_rtn(OUTPUTS[:3]),
        "rtn_logmag_unit_exp": SCALE * np.exp(m0) / (length + EPS) * in_rtn(d),
        "central_logmag_exp": -SCALE * np.exp(m0) * R_HAT,
    }


HEADS = head_formulas()


def test_every_layer_has_a_reference_formula():
    assert FEATURES.keys() == FEATURE_LAYERS.keys()
    assert HEADS.keys() == OUTPUT_LAYERS.keys()


@cache
def features_by_name():
    return jax.jit(lambda y: {name: layer(y) for name, layer in FEATURE_LAYERS.items()})(STATES)


@cache
def accelerations_by_name():
    every = {name: partial(head.apply, OUTPUTS[: head.size]) for name, head in OUTPUT_LAYERS.items()}
    return jax.jit(lambda y, scale: {name: apply(y, scale) for name, apply in every.items()})(STATES, SCALE)


@cache
def activated_by_name():
    def everything(x):
        own = {name: (f(x, 0.25), f(x[0, 0], 0.25)) for name, f in ACTIVATIONS.items()}
        return own, {name: getattr(jax.nn, name)(x) for name in ACTIVATIONS if hasattr(jax.nn, name)}

    return jax.jit(everything)(OUTPUTS)


@pytest.mark.parametrize("name", FEATURE_LAYERS)
def test_features_follow_their_formula(name):
    features = features_by_name()[name]
    np.testing.assert_allclose(features, FEATURES[name], rtol=1e-12, atol=1e-12)
    assert features.shape == (FEATURE_LAYERS[name].size, 7)
    assert len(set(FEATURE_LAYERS[name].names)) == FEATURE_LAYERS[name].size


@pytest.mark.parametrize("name", OUTPUT_LAYERS)
def test_heads_follow_their_formula(name):
    head = OUTPUT_LAYERS[name]
    acceleration = accelerations_by_name()[name]
    np.testing.assert_allclose(acceleration, HEADS[name], rtol=1e-12, atol=1e-12)
    assert acceleration.shape == ((6 if head.full_derivative else 3), 7)


def with_gradients(functions, *arguments):
    """Evaluate functions by name, and the gradients of the sums of their values, where the arguments degenerate."""
    both = lambda function, *a: (function(*a), jax.grad(lambda a: jnp.sum(function(*a)))(a))  # noqa: E731
    return jax.jit(lambda *a: {name: both(function, *a) for name, function in functions.items()})(*arguments)


@cache
def degenerate_features():
    return with_gradients(FEATURE_LAYERS, np.stack(list(DEGENERATE.values()), axis=1))


@cache
def degenerate_accelerations():
    states = np.repeat(np.stack(list(DEGENERATE.values()), axis=1), 2, axis=1)
    m = np.tile(np.stack((np.zeros(6), OUTPUTS[:, 0]), axis=1), len(DEGENERATE))
    heads = {name: lambda m, y, head=head: head.apply(m[: head.size], y, SCALE) for name, head in OUTPUT_LAYERS.items()}
    return with_gradients(heads, m, states)


@pytest.mark.parametrize("name", FEATURE_LAYERS)
def test_features_and_gradients_stay_finite(name):
    assert all(np.isfinite(part).all() for part in jax.tree.leaves(degenerate_features()[name]))


@pytest.mark.parametrize("name", OUTPUT_LAYERS)
def test_heads_and_gradients_stay_finite(name):
    assert all(np.isfinite(part).all() for part in jax.tree.leaves(degenerate_accelerations()[name]))


def test_nan_in_the_state_gives_nan():
    diverged = np.full((6, 1), np.nan)
    layers = jax.jit(lambda y: [layer(y) for layer in FEATURE_LAYERS.values()])(diverged)
    assert all(np.isnan(features).all() for features in layers)
    assert np.isnan(np.stack(jax.jit(rtn_basis)(diverged))).all()


def test_rtn_is_a_right_handed_orthonormal_basis():
    states = np.column_stack((STATES, *(state for name, state in DEGENERATE.items() if name != "origin")))
    basis = np.stack(jax.jit(rtn_basis)(states))
    products = np.einsum("ikn,jkn->nij", basis, basis)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(3), products.shape), atol=1e-12)
    radial, transverse, normal = basis
    np.testing.assert_allclose(np.cross(radial, transverse, axis=0), normal, atol=1e-12)


def test_rtn_of_radial_motion_in_the_plane_keeps_the_z_axis():
    for state in (RADIAL_FALL, AT_REST):
        np.testing.assert_allclose(jax.jit(rtn_basis)(state)[2], [0, 0, 1], atol=1e-12)


def test_harmonics_are_orthonormal_on_the_sphere():
    z, weight_z = np.polynomial.legendre.leggauss(6)
    phi = np.arange(12) * 2 * np.pi / 12
    grid_z, grid_phi = np.meshgrid(z, phi, indexing="ij")
    sine = np.sqrt(1 - grid_z**2)
    points = np.stack((sine * np.cos(grid_phi), sine * np.sin(grid_phi), grid_z)).reshape(3, -1)
    weights = np.repeat(weight_z, len(phi)) * 2 * np.pi / len(phi)
    states = jnp.asarray(np.vstack((3 * points, points)))
    values = np.asarray(jax.jit(FEATURE_LAYERS["sph_4D_rinv_vel_harmonics"])(states))[7:]
    np.testing.assert_allclose((values * weights) @ values.T, np.eye(21), atol=1e-12)


def test_ambiguous_layer_names_are_refused():
    with pytest.raises(ValueError, match="mlp_4D_abs"):
        ModelConfig(output_layer="mlp_4D_ab")
    for name in ("mlp_4D", "mlp_4D_activation"):
        with pytest.raises(ValueError, match="unknown output layer"):
            ModelConfig(output_layer=name)


@pytest.mark.parametrize(
    ("width", "depth", "count"),
    [(16, 2, 468), (16, 4, 1012), (32, 2, 1444), (32, 3, 2500), (64, 2, 4932), (64, 4, 13252)],
)
def test_parameter_count_is_that_of_the_literature(width, depth, count):
    config = ModelConfig(width=width, depth=depth)
    assert parameter_count(config) == count


def test_the_network_is_the_equinox_perceptron():
    config = ModelConfig(width=8, depth=3, activation="tanh", final_activation="sigmoid")
    key = jax.random.key(3)
    mlp = eqx.nn.MLP(7, 4, 8, 3, activation=jnp.tanh, final_activation=jax.nn.sigmoid, key=key)
    x = jnp.asarray(RNG.normal(size=(7, 5)))
    forward = jax.jit(outputs(init_network(config, key), config))
    batched = jax.jit(jax.vmap(mlp, in_axes=1, out_axes=1))(x)
    np.testing.assert_allclose(forward(x), batched, rtol=1e-12)
    np.testing.assert_allclose(forward(x[:, 0]), batched[:, 0], rtol=1e-12)


def test_networks_come_in_single_and_in_double_precision():
    fresh = lambda key: init_network(ModelConfig(), key)  # noqa: E731
    with jax.enable_x64(False):
        assert jax.eval_shape(fresh, jax.random.key(0)).layers[0].weight.dtype == jnp.float32
    assert jax.eval_shape(fresh, jax.random.key(0)).layers[0].weight.dtype == jnp.float64


@cache
def fields_by_head():
    """Evaluate the field of every head at planar states, with and without the constraint."""
    planar = np.where(np.isin(np.arange(6), (2, 5))[:, None], 0.0, STATES).reshape(6, 7, 1)
    configs = {name: ModelConfig(output_layer=name, width=4, depth=1) for name in OUTPUT_LAYERS}
    unbound = {name: config.model_copy(update={"planar_constraint": False}) for name, config in configs.items()}
    evaluate = lambda y, models: {name: vector_field(network_of(c), c)(y) for name, c in models.items()}  # noqa: E731
    return planar, *jax.jit(lambda y: (evaluate(y, configs), evaluate(y, unbound)))(planar)


@pytest.mark.parametrize("head", OUTPUT_LAYERS)
def test_the_field_keeps_shape_and_plane(head):
    states, bound, unbound = fields_by_head()
    derivative, free = np.asarray(bound[head]), np.asarray(unbound[head])
    assert derivative.shape == (6, 7, 1)
    np.testing.assert_array_equal(derivative[[2, 5]], 0)
    if not OUTPUT_LAYERS[head].full_derivative:
        np.testing.assert_array_equal(derivative[:3], states[3:])
    assert (free[5] != 0).any() or head == "central_logmag_exp", "a central force has no z component in the plane"
    np.testing.assert_allclose(free[3:5], derivative[3:5], rtol=1e-12)


def test_a_batch_gives_the_values_of_its_single_states():
    config = ModelConfig(output_layer="rtn_logmag_unit_exp", feature_layer="logr_vr_vt", width=8)
    field = jax.jit(vector_field(network_of(config), config))
    together = field(jnp.asarray(STATES))
    for k in range(STATES.shape[1]):
        np.testing.assert_allclose(together[:, k], field(jnp.asarray(STATES[:, k])), rtol=1e-12)


def test_an_observation_agrees_with_the_field():
    config = ModelConfig(final_activation="tanh", width=8)
    network = network_of(config)
    observation, derivative = jax.jit(lambda y: (observe(network, config)(y), vector_field(network, config)(y)))(STATES)
    assert (np.abs(observation.outputs) < 1).all()
    np.testing.assert_allclose(observation.features, FEATURES[config.feature_layer], rtol=1e-12)
    np.testing.assert_array_equal(observation.acceleration, derivative[3:])
    np.testing.assert_allclose(
        observation.acceleration[:2], (observation.outputs[0] * observation.outputs[1:4])[:2], rtol=1e-12
    )


@pytest.mark.parametrize("activation", ["tanh", "prelu"])
def test_arrays_rebuild_the_network(activation):
    config = ModelConfig(width=8, activation=activation, final_activation="prelu")
    network = network_of(config, slopes=3 if activation == "prelu" else 1)
    arrays = weights_of(network)
    assert arrays["layers.0.weight"].shape == (8, 7)
    again = network_from(config, arrays)
    compiled = jax.jit(lambda network: vector_field(network, config)(STATES))
    np.testing.assert_array_equal(compiled(network), compiled(again))


def test_arrays_of_another_configuration_are_refused():
    arrays = weights_of(network_of(ModelConfig(width=8)))
    with pytest.raises(ValueError, match=r"layers\.1\.weight.*\(8, 8\).*\(16, 16\)"):
        network_from(ModelConfig(width=16), arrays)


def test_every_slope_of_prelu_is_learned():
    config = ModelConfig(width=8, depth=2, activation="prelu", final_activation="prelu")
    assert parameter_count(config) == parameter_count(config.model_copy(update={"activation": "tanh"})) + 2
    fresh = jax.jit(lambda key: init_network(config, key))(jax.random.key(2))
    assert [float(slope) for slope in fresh.slopes] == [0.25] * 3
    gradient = jax.jit(jax.grad(lambda n: jnp.sum(vector_field(n, config)(STATES) ** 2)))(fresh)
    assert all(float(slope) != 0 for slope in gradient.slopes)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_elementwise_and_finite(name):
    own, of_jax = activated_by_name()
    value, first = own[name]
    assert value.shape == OUTPUTS.shape
    assert np.isfinite(value).all()
    np.testing.assert_allclose(value[0, 0], first, rtol=1e-12)
    np.testing.assert_allclose(value, of_jax.get(name, value), rtol=1e-12)


def test_every_elementwise_function_of_jax_is_an_activation():
    sums = {"glu", "log_softmax", "logmeanexp", "logsumexp", "softmax", "standardize"}
    products = {"dot_product_attention", "get_scaled_dot_general_config", "scaled_dot_general", "scaled_matmul"}
    others = {"initializers", "log1mexp", "one_hot"}
    public = {name for name in dir(jax.nn) if not name.startswith("_")}
    assert public - sums - products - others <= ACTIVATIONS.keys()


def test_own_activations_follow_their_formula():
    x = jnp.asarray(OUTPUTS)
    np.testing.assert_allclose(ACTIVATIONS["shifted_softplus"](x), np.log1p(np.exp(OUTPUTS)) - np.log(2), rtol=1e-12)
    assert float(ACTIVATIONS["shifted_softplus"](jnp.asarray(0.0))) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(ACTIVATIONS["prelu"](x, 0.1), np.where(OUTPUTS > 0, OUTPUTS, 0.1 * OUTPUTS))


def test_a_sign_flip_penalty_needs_a_signed_magnitude() -> None:
    from trainers.two_body.config import Loss, ModelConfig

    with pytest.raises(ValueError, match="mlp_4D_signed"):
        ModelConfig(output_layer="mlp_4D_softplus", loss=Loss(sign_flip=1.0))
    assert ModelConfig(output_layer="mlp_4D_signed", loss=Loss(sign_flip=1.0)).loss.sign_flip == 1.0


def test_the_printed_family_is_one_planar_orbit() -> None:
    from trainers.two_body.config import DatasetConfig

    with pytest.raises(ValueError, match="orbits: 1"):
        DatasetConfig(family="printed")
