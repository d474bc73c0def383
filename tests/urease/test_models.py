"""Networks, losses and coordinates by their formulas, and as published."""

import numpy as np
import pytest
import torch
from torch import nn

from trainers.urease.bounded import from_normal, log_density_of_box, to_normal
from trainers.urease.config import ModelConfig
from trainers.urease.curves.clock import NODES, RISE
from trainers.urease.curves.curves import Curves
from trainers.urease.losses import gaussian_nll, posterior_nll
from trainers.urease.models.channels import Inputs, inputs_of, log_clock, source_channels, tensors_of
from trainers.urease.models.networks import Embedding, PosteriorNetwork, blank_network, start_network
from trainers.urease.models.pooling import AveragePooling, WeightedPooling
from trainers.urease.models.temporal_convolution import TemporalConvolution, receptive_field
from trainers.urease.settings import GaussianHead

SOURCE = {
    "kind": "gaussian",
    "durations": (30.0,),
    "sampling": "adaptive",
    "finer": "warn",
    "channels": "source",
    "components": 0,
    "known_hidden": (256, 128),
    "kernel": 3,
    "filters": (64, 128, 256),
    "pooling": {"heads": 1},
}


def parameters(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize(
    ("filters", "kernel", "expected"),
    [
        ((64, 128, 256), 3, (424_000, 33_025, 34_432, 99_076, 590_533)),
        ((128, 256, 512, 512), 7, (7_395_968, 131_585, 34_432, 164_612, 7_726_597)),
        ((128, 256, 512, 512, 512), 7, (11_067_008, 131_585, 34_432, 164_612, 11_397_637)),
    ],
)
def test_the_published_networks_have_their_published_sizes(filters, kernel, expected):
    config = ModelConfig.model_validate(SOURCE | {"filters": filters, "kernel": kernel})
    network = blank_network(config, known=5, unknowns=2, nuisances=0)
    parts = (network.embedding.convolution, network.embedding.pool, network.embedding.known)
    assert tuple(map(parameters, parts)) == expected[:3]
    assert parameters(network.mean) + parameters(network.log_variance) == expected[3]
    assert parameters(network) == expected[4]


@pytest.mark.parametrize(("levels", "kernel", "field"), [(3, 3, 29), (4, 7, 181), (5, 7, 373)])
def test_a_feature_depends_on_its_receptive_field_and_on_nothing_later(levels, kernel, field):
    assert receptive_field(levels, kernel) == field
    torch.manual_seed(0)
    network = TemporalConvolution(1, (2,) * levels, kernel, 0.0).double()
    for weight in network.parameters():
        nn.init.uniform_(weight, 0.1, 1.0)  # no ReLU closes
    x = torch.ones(1, 1, field + 20, dtype=torch.float64, requires_grad=True)
    network(x)[0, 0, field + 4].backward()
    touched = x.grad[0, 0].nonzero().ravel()
    assert touched.min() == 5 and touched.max() == field + 4


def test_dropout_acts_in_training_alone():
    network, x = TemporalConvolution(2, (8,), 3, 0.5), torch.randn(4, 2, 20)
    assert not torch.equal(network.train()(x), network(x)) and torch.equal(network.eval()(x), network(x))


# -- pooling

TIMES = torch.linspace(0, 300, 31).expand(3, -1)
MEMBER = torch.stack([TIMES <= 30, TIMES <= 300], dim=1)


@pytest.mark.parametrize("heads", [1, 4])
def test_weights_sum_to_one_within_a_prefix_and_start_falling_with_time(heads):
    torch.manual_seed(1)
    pool, features = WeightedPooling(8, heads, 3.0), torch.randn(3, 8, 31)
    weights = pool.weights(features, TIMES, MEMBER).detach()
    assert weights.shape == (3, 2, heads, 31) and torch.allclose(weights.sum(dim=3), torch.ones(3, 2, heads))
    assert (weights[:, 0, :, 4:] == 0).all()
    ratio = weights[:, 1, :, -1] / weights[:, 1, :, 0]
    assert torch.allclose(ratio, torch.full_like(ratio, float(np.exp(-3.0))), rtol=0.3 if heads > 1 else 1e-5)
    assert (weights[:, 1].diff(dim=2) < 0).all()


def test_without_start_bias_and_with_average_pooling_weights_are_even():
    features = torch.randn(3, 8, 31)
    even = WeightedPooling(8, 1, 0.0).weights(features, TIMES, MEMBER)
    average = AveragePooling().weights(features, TIMES, MEMBER)
    assert torch.allclose(even, average) and torch.allclose(average[:, 1], torch.tensor(1 / 31))
    pooled = AveragePooling()(features, TIMES, MEMBER)
    assert torch.allclose(pooled[:, 0], features[:, :, :4].mean(dim=2), atol=1e-6)


def test_training_can_change_the_weights():
    pool = WeightedPooling(8, 1, 1.0)
    features = torch.randn(3, 8, 31)
    (pool.weights(features, TIMES, MEMBER)[..., -1].sum()).backward()
    assert pool.second.weight.grad.abs().sum() > 0


# -- what a network reads


def curves(count: int = 5, points: int = 12) -> Curves:
    random = np.random.default_rng(0)
    t = np.tile(np.linspace(0, 300, points), (count, 1))
    reading = 6.9 + 0.3 * np.log1p(t) + 0.01 * random.standard_normal(t.shape)
    table = np.tile(np.log(RISE) * 2 - 3, (count, 1))
    known, start = random.uniform(1, 2, (count, 3)), np.full(count, 6.8)
    return Curves(reading, t, np.ones_like(t), known, table, start, np.zeros((count, 1, 0)))


CONFIG = ModelConfig(durations=(30.0,), components=0)

FITTED = {
    "known_mean": np.array([1.5, 1.5, 1.5]),
    "known_std": np.array([0.3, 0.3, 0.0]),
    "reading_mean": np.array(7.5),
    "reading_std": np.array(0.5),
}


def test_the_clock_is_read_from_its_table():
    table = torch.from_numpy((np.log(RISE) * 2 - 3).astype(np.float32))[None]
    rise = torch.tensor([[-1.0, 0.005, 0.1, 1.234, 3.0, 9.0]])
    expected = 2 * np.log(np.clip(rise.numpy(), RISE[0], RISE[-1])) - 3
    assert log_clock(table, rise).numpy() == pytest.approx(expected, abs=5e-5) and table.shape[1] == NODES


def test_source_channels_are_standardised_within_a_curve_so_that_prefixes_look_alike():
    short, long = (curves()._replace(t=np.tile(np.linspace(0, end, 12), (5, 1))) for end in (30, 300))
    x, y = (source_channels(tensors_of(each), 7.5, 0.5) for each in (short, long))
    assert torch.allclose(x[:, 1:], y[:, 1:], atol=1e-5) and torch.allclose(
        x[:, 1].mean(dim=1), torch.zeros(5), atol=1e-5
    )
    assert torch.allclose(x[:, 1].std(dim=1, correction=0), torch.ones(5)) and (x[:, 2, 0] == 0).all()
    ours = [inputs_of(tensors_of(each), CONFIG, 0.01, FITTED).x for each in (short, long)]
    assert not torch.allclose(*ours)


def test_known_conditions_are_standardised_and_constant_ones_say_nothing():
    known = inputs_of(tensors_of(curves()), CONFIG, 0.01, FITTED).known
    assert known.shape == (5, 3) and (known[:, 2] == 0).all()
    assert known[:, 0].numpy() == pytest.approx((curves().known[:, 0] - 1.5) / 0.3, abs=1e-5)


@pytest.mark.parametrize("kind", ["posterior", "gaussian"])
def test_what_lies_after_a_prefix_does_not_reach_it(kind):
    config = ModelConfig(kind=kind, durations=(30.0, 300.0), filters=(4, 4), components=0)
    network = start_network(config, 3, 2, 0).eval()
    one = curves()
    late = one._replace(reading=np.where(one.t > 30, 3.0, one.reading))
    with torch.no_grad():
        a, b = (network.embedding(inputs_of(tensors_of(each), config, 0.01, FITTED)) for each in (one, late))
    assert torch.equal(a[:, 0], b[:, 0]) and not torch.equal(a[:, 1], b[:, 1])


def test_an_embedding_knows_how_long_its_prefix_is():
    config = ModelConfig(durations=(30.0, 300.0), filters=(4,), components=0)
    inputs = inputs_of(tensors_of(curves()), config, 0.01, FITTED)
    embedded = Embedding(config, 3, laplace=0)(inputs)
    assert embedded.shape[2] == 4 * 4 + 64 + 2 and (embedded[:, 0, -2] < embedded[:, 1, -2]).all()


def test_the_same_seed_gives_the_same_weights():
    first, again, other = (start_network(ModelConfig(seed=seed), 3, 2, 0).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


# -- coordinates and losses


def test_a_uniform_prior_is_a_standard_normal_in_normal_coordinates():
    low, high = np.array([0.01, 0.0]), np.array([1.0, 5e-3])
    theta = np.random.default_rng(0).uniform(low, high, (20_000, 2))
    z = to_normal(theta, low, high)
    assert z.mean(axis=0) == pytest.approx([0, 0], abs=0.03) and z.std(axis=0) == pytest.approx([1, 1], abs=0.02)
    assert from_normal(z, low, high) == pytest.approx(theta, abs=1e-9)
    outside = to_normal(np.array([[-1.0, 1.0]]), low, high)
    assert np.isfinite(outside).all() and (from_normal(outside, low, high) >= low).all()


def test_a_density_integrates_to_one_after_the_change_of_coordinates():
    low, high = np.array([2.0]), np.array([5.0])
    theta = np.linspace(2, 5, 20_001)[1:-1, None]
    z = to_normal(theta, low, high)
    normal = -0.5 * (((z[:, 0] - 0.3) / 0.5) ** 2) - np.log(0.5) - 0.5 * np.log(2 * np.pi)
    assert np.exp(normal + log_density_of_box(z, low, high)).sum() * 3 / 20_000 == pytest.approx(1, abs=1e-3)


def test_the_gaussian_loss_has_its_formula_its_clamps_and_its_penalty():
    mean, v, x = torch.tensor([[[0.5, -1.0]]]), torch.tensor([[[-9.0, 0.5]]]), torch.tensor([[0.0, 1.0]])
    clamped = np.array([-4.6, 0.5])
    nll = 0.5 * np.mean(np.log(2 * np.pi) + clamped + np.array([0.25, 4.0]) * np.exp(-clamped))
    plain = gaussian_nll(mean, v, x, GaussianHead())
    assert float(plain["loss"]) == pytest.approx(nll, rel=1e-6)
    term = np.mean((np.exp(clamped) - 0.1) ** 2)
    penalised = gaussian_nll(mean, v, x, GaussianHead(variance_weight=0.01))
    assert float(penalised["loss"]) == pytest.approx(nll + 0.01 * term, rel=1e-6)
    assert float(penalised["variance_term"]) == pytest.approx(term, rel=1e-6)


def test_a_posterior_that_says_nothing_has_the_loss_of_the_prior():
    z = torch.randn(20_000, 1, 2, generator=torch.Generator().manual_seed(0))
    density = torch.distributions.Normal(0, 1).log_prob(z).sum(dim=2)
    assert float(posterior_nll(density)["loss"]) == pytest.approx(2 * 1.4189, abs=0.03)


def test_the_defaults_are_the_settings_that_the_source_recommends():
    usual = ModelConfig()
    assert (usual.batch_size, usual.learning_rate, usual.weight_decay, usual.clip_norm) == (256, 1e-3, 1e-5, 5.0)
    schedule = usual.schedule
    assert (schedule.name, schedule.factor, schedule.patience, schedule.floor) == ("plateau", 0.7, 10, 1e-6)
    assert schedule.warmup_epochs == 5 and usual.pooling.name == "weighted"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"durations": (30.0, 10.0)}, "expected increasing ones"),
        ({"sampling": "points"}, "it takes one prefix, bins take all"),
        ({"channels": "source"}, "hide its length"),
        ({"gaussian": {"log_variance": (1.0, 0.0)}}, "expected \\[lowest, highest\\]"),
        ({"epochs": 3, "schedule": {"warmup_epochs": 3}}, "expected fewer"),
        ({"pooling": {"name": "average", "heads": 2}}, "at their defaults"),
        ({"sampling": "bins", "points": 50}, "points is for sampling 'points'"),
        ({"kind": "trees", "filters": (4,)}, "filters is for networks"),
        ({"kind": "gaussian", "flow": {"bins": 4}}, "flow is for kind posterior"),
    ],
)
def test_settings_that_contradict_each_other_or_would_be_ignored_are_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        ModelConfig.model_validate(settings)


# -- a flow around the normal approximation


def around() -> tuple[PosteriorNetwork, Inputs, torch.Tensor, torch.Tensor]:
    """Return an untrained network around known normal distributions, what it reads, their means and factors."""
    config = ModelConfig(durations=(30.0, 300.0), filters=(4,), components=0, base="laplace", redraw=False)
    network = start_network(config, 3, 2, 3).eval()
    assert isinstance(network, PosteriorNetwork)
    random = np.random.default_rng(1)
    centre, root = random.standard_normal((5, 2, 2)), np.tile([[0.01, 0.0], [0.05, 0.2]], (5, 2, 1, 1))
    rest = random.standard_normal((5, 2, 4))
    laplace = np.concatenate([centre, root.reshape(5, 2, 4), rest], axis=2)
    inputs = inputs_of(
        tensors_of(curves()._replace(laplace=laplace)), config, 0.01, FITTED | {"truth_mean": np.ones(2)}
    )
    return network, inputs, torch.from_numpy(centre).float(), torch.from_numpy(root).float()


def test_an_untrained_flow_around_the_normal_approximation_is_close_to_it():
    network, inputs, centre, root = around()
    with torch.no_grad():
        z = network.samples(inputs, 1, torch.randn((4000, 5, 2), generator=torch.Generator().manual_seed(0)))
        expected = torch.sqrt((root[:, 1] ** 2).sum(dim=2))
        assert ((z.mean(dim=0) - centre[:, 1]).abs() < 0.5 * expected).all()
        assert torch.allclose(z.std(dim=0), expected, rtol=0.3)


def test_density_and_samples_of_a_flow_around_the_normal_approximation_agree():
    """The mean of the density by that of a normal distribution is 1 over samples of the latter."""
    network, inputs, centre, root = around()
    wide = torch.distributions.MultivariateNormal(centre[:, 0], scale_tril=2 * root[:, 0])
    torch.manual_seed(0)
    with torch.no_grad():
        z = wide.sample((4000,))
        log = torch.stack([network(inputs, part)[:, 0] for part in z])
        assert torch.allclose((log - wide.log_prob(z)).exp().mean(dim=0), torch.ones(5), atol=0.1)


def test_an_approximation_of_stored_readings_forbids_to_redraw_them():
    with pytest.raises(ValueError, match="expected redraw: false"):
        ModelConfig(base="laplace")
    with pytest.raises(ValueError, match="base is for kind posterior"):
        ModelConfig(kind="gaussian", base="laplace", redraw=False)
