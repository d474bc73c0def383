"""The latent ODE: encoder, dynamics, decoder, the evidence lower bound, training, intervals."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from trainers.study import Job, Trained
from trainers.two_body import STUDY
from trainers.two_body.config import DatasetConfig, ModelConfig
from trainers.two_body.general.train import Data
from trainers.two_body.latent.model import decode, decoded_rates, encode, init_model, model_from, weights_of
from trainers.two_body.latent.train import Batch, _batch_loss, _terms, phase_data

PHASES = [{"steps": 40, "learning_rate": 1e-2, "segment_length": 12}]
SETTINGS = {"kind": "latent_ode", "width": 12, "depth": 1, "activation": "tanh", "phases": PHASES, "validate_every": 20,
            "latent": {"size": 3, "encoder_units": 10, "kl_anneal": 20, "likelihood": 0.2},
            "observation": {"points": 6}}  # fmt: skip
DECAY = {"derivatives": ["dx/dt = vx", "dvx/dt = -x - 0.1*vx"], "start": {"x": [-1, 1], "vx": [-1, 1]}, "duration": 9.0}


@cache
def config(**changes) -> ModelConfig:
    return ModelConfig.model_validate(SETTINGS | changes)


@cache
def oscillations(seed=0):
    return STUDY.simulate(DatasetConfig(equations=DECAY, orbits=30, points=36, seed=seed))


def observing(**observation):
    return ModelConfig.model_validate(SETTINGS | {"observation": {"points": 6} | observation})


def train(model, **job) -> Trained:
    segments = STUDY.segment(model.segmentation(), oscillations())
    (outcome,) = STUDY.train([Job("a", model, segments, **job)])
    assert isinstance(outcome, Trained), outcome
    return outcome


def arrays(times=5, batch=4, channels=2, seed=0):
    random = np.random.default_rng(seed)
    t = np.cumsum(random.uniform(0.1, 0.4, (times, batch)), axis=0)
    y = random.normal(size=(times, channels, batch))
    return tuple(jnp.asarray(values) for values in (t, y, np.zeros((times, 0, batch))))


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def model_in_double(channels=2):
    one = init_model(config(), channels, 0, jax.random.key(0))
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float64), one)


def test_an_observation_that_does_not_exist_is_as_if_it_were_left_out(double):
    model, (t, y, u) = model_in_double(), arrays()
    padded = tuple(jnp.concatenate([values, jnp.full((2, *values.shape[1:]), jnp.nan)]) for values in (t, y, u))
    # the gap after the last observation is unknown with padding, and zero without: so compare beyond it
    whole, with_nan = encode(model, t, y, u), encode(model, t, y.at[2].set(jnp.nan), u)
    assert not np.allclose(whole[0], with_nan[0])
    assert np.isfinite(np.concatenate(encode(model, *padded))).all()


def test_the_encoder_reads_backwards(double):
    """The first observation is read last, so that it moves the latent state more than the last one does."""
    model, (t, y, u) = model_in_double(), arrays(times=25)
    change = lambda row: jnp.abs(encode(model, t, y.at[row].add(0.1), u)[0] - encode(model, t, y, u)[0]).mean()  # noqa: E731
    assert change(0) > 5 * change(24) > 0


def test_decoded_rates_are_the_derivatives_of_what_is_decoded(double):
    model = model_in_double()
    t = jnp.linspace(0, 1, 2001)[:, None]
    u, z0 = jnp.zeros((2001, 0, 1)), jnp.array([[0.3], [-0.2], [0.5]])
    values, rates = decoded_rates(model, config(), t, u, z0)
    np.testing.assert_allclose(values, decode(model, config(), t, u, z0))
    differences = np.gradient(np.asarray(values)[..., 0], np.asarray(t)[:, 0], axis=0)
    np.testing.assert_allclose(differences[2:-2], rates[2:-2, :, 0], atol=1e-6)


def test_parameters_come_back_from_their_names_and_no_others_do():
    model = init_model(config(), 2, 0, jax.random.key(1))
    named = weights_of(model)
    assert "decoder.layers.0.weight" in named and all(array.size for array in named.values())
    back = model_from(config(), 2, 0, named)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(model), jax.tree.leaves(back), strict=True))
    with pytest.raises(ValueError, match="do not have the shapes of the configuration"):
        model_from(config(), 3, 0, named)


def test_the_loss_is_the_negative_evidence_lower_bound(double):
    model, (t, y, u) = model_in_double(), arrays(times=12)
    data, noise = Data(t, y, u), jnp.asarray(np.random.default_rng(2).normal(size=(4, 3)))
    mean, std = encode(model, t[:6], y[:6], u[:6])
    predicted = decode(model, config(), t, u, mean + std * noise.T)
    log_likelihood = -((predicted - y) ** 2 / (2 * 0.2**2)).sum(axis=(0, 1))
    divergence = (0.5 * (mean**2 + std**2 - 1) - jnp.log(std)).sum(axis=0)
    weight = jnp.full(4, 0.25)
    for beta in (0.0, 1.0):
        loss, row = _batch_loss(config(), model, data, Batch(jnp.arange(4), weight, noise, jnp.asarray(beta)))
        bound = (log_likelihood - beta * divergence).mean()
        assert loss == pytest.approx(-bound / (12 * 2)) and row["divergence"] > 0


def test_the_divergence_is_that_of_the_normal_distributions(double):
    """Against samples of the posterior."""
    model, (t, y, u) = model_in_double(), arrays(times=12)
    mean, std = (np.asarray(values)[:, 0] for values in encode(model, t[:6], y[:6], u[:6]))
    draws = mean + std * np.random.default_rng(0).normal(size=(400_000, 3))
    posterior = (-0.5 * ((draws - mean) / std) ** 2 - np.log(std)).sum(axis=1)
    sampled = (posterior + 0.5 * (draws**2).sum(axis=1)).mean()
    _, divergence = _terms(config(), model, Data(t, y, u), jnp.zeros((3, 4)))
    assert float(divergence[0]) * 24 == pytest.approx(sampled, rel=0.01)


def test_the_weight_of_the_divergence_rises_over_its_steps():
    segments = STUDY.segment(config().segmentation(), oscillations())
    batches = phase_data(config(), segments, 0).batches(0, np.arange(40))
    assert batches.beta[[0, 10, 20, 39]].tolist() == [0.0, 0.5, 1.0, 1.0]
    again = phase_data(config(), segments, 0).batches(0, np.arange(7, 9))
    assert np.array_equal(again.noise, batches.noise[7:9]) and not np.array_equal(batches.noise[0], batches.noise[1])


@pytest.mark.training
def test_a_latent_ode_learns_from_noisy_uneven_positions_and_its_intervals_cover():
    model = ModelConfig.model_validate(
        SETTINGS
        | {"width": 24, "phases": [PHASES[0] | {"steps": 800, "schedule": "cosine"}],
           "observation": {"channels": ["x"], "noise": 0.05, "keep": 0.9, "points": 8}}
    )  # fmt: skip
    trained = train(model)
    evaluation = STUDY.evaluate(model, trained, oscillations(1))
    got = dict(zip(evaluation.summary["metric"], evaluation.summary["value"], strict=True))
    assert got["normalised_rmse"] < 0.5 * got["baseline"] and got["extrapolation_rmse"] < 0.6
    assert 30 < got["coverage_90"] <= 100 and 0 < got["interval_width"] < 3
    states = evaluation.tables["states_in_time"]
    assert set(states["channel"]) == {"x", "vx"} and (states["lower"] <= states["upper"]).all()


@pytest.mark.training
def test_a_training_resumes_to_the_same_bits():
    segments, states = STUDY.segment(config().segmentation(), oscillations()), []

    def stop(progress) -> bool:
        states.append(dict(progress.state()))
        return progress.step < progress.total_steps

    (whole,) = STUDY.train([Job("a", config(), segments)])
    (stopped,) = STUDY.train([Job("a", config(), segments)], stop)
    (resumed,) = STUDY.train([Job("a", config(), segments, states[0])])
    assert stopped.stopped and all(np.array_equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)


def test_segments_of_a_latent_ode_hold_observed_channels_alone():
    segments = STUDY.segment(observing(channels=["x"], noise=0.1).segmentation(), oscillations())
    assert segments.phases[0]["train/y"].shape[2] == 1 and segments.meta["observed"] == '["x"]'
    other = observing(channels=["x"], noise=0.1).model_copy(update={"kind": "general_ode"})
    assert STUDY.segment(other.segmentation(), oscillations()).phases[0]["train/y"].shape[2] == 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"observation": {"points": 12}}, "observation.points is 12 with segments of 12; expected fewer"),
        ({"output_layer": "mlp_4D_abs"}, "output_layer is mlp_4D_abs, which a model of kind latent_ode does not have"),
        ({"kind": "general_ode"}, "latent is .*, which a model of kind general_ode does not have"),
        ({"kind": "neural_ode", "latent": {}}, "observation is .*, which a model of kind neural_ode does not have"),
        ({"latent": {"likelihood": 0}}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, text):
    with pytest.raises(ValidationError, match=text):
        ModelConfig.model_validate(SETTINGS | changes)


def test_an_unknown_channel_is_refused_before_anything_is_trained():
    with pytest.raises(ValueError, match=r"observation\.channels names q; the data have x, vx"):
        STUDY.segment(observing(channels=["q"]).segmentation(), replace(oscillations()))
