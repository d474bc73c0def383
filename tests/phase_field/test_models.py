"""Networks and losses by their formulas, and the physics that the network of scaled time has built in."""

import numpy as np
import pytest
import torch

from trainers.phase_field.config import DatasetConfig, Loss
from trainers.phase_field.losses import autocorrelation, losses, mae, sequence_autocorrelation
from trainers.phase_field.microstructure.basis import Basis
from trainers.phase_field.models.linear_stage import SATURATED, linear_stage
from trainers.phase_field.models.scaled_time import scaled_features
from trainers.phase_field.models.sequence_generator import SequenceGenerator
from trainers.phase_field.simulate import simulate


@pytest.mark.parametrize(
    ("features", "hidden", "count"), [(7, 256, 1_597_191), (8, 256, 1_599_496), (7, 512, 6_340_103)]
)
def test_the_generator_has_the_published_number_of_parameters(features, hidden, count):
    assert sum(weight.numel() for weight in SequenceGenerator(features, hidden, 2, 0.3).parameters()) == count


def generator():
    torch.manual_seed(0)
    return SequenceGenerator(3, 6, 2, 0.3).eval(), torch.randn(4, 9, 3)


def step_by_step(network, inputs, forced):
    """Write rows one at a time."""
    _, state = network.encoder(inputs[:, :1])
    rows = [inputs[:, 0]]
    for t in range(inputs.shape[1] - 1):
        fed = inputs[:, t] if forced[t] or t == 0 else rows[t]
        hidden, state = network.decoder(fed[:, None], state)
        rows.append(network.output(hidden)[:, 0])
    return torch.stack(rows, dim=1)


@pytest.mark.parametrize("forced", ["000000000", "111111111", "010110010", "100000001", "011011101"])
def test_forced_steps_in_one_call_are_those_one_at_a_time(forced):
    network, inputs = generator()
    mask = torch.tensor([one == "1" for one in forced])
    torch.testing.assert_close(network(inputs, 9, mask), step_by_step(network, inputs, mask), rtol=1e-5, atol=1e-6)


def test_without_forcing_a_generator_sees_the_first_row_alone():
    network, inputs = generator()
    alone = network(inputs[:, :1], 9)
    torch.testing.assert_close(alone, network(inputs, 9, torch.zeros(9, dtype=torch.bool)))
    assert torch.equal(alone[:, 0], inputs[:, 0])


def test_full_forcing_predicts_one_step_of_the_truth():
    network, inputs = generator()
    changed = inputs.clone()
    changed[:, 5:] = 7.0
    mask = torch.ones(9, dtype=torch.bool)
    one, other = network(inputs, 9, mask), network(changed, 9, mask)
    torch.testing.assert_close(one[:, :6], other[:, :6])
    assert not torch.allclose(one[:, 6:], other[:, 6:])


X = torch.tensor([[[1.0, 2.0], [2.0, 2.0], [-1.0, 2.0], [3.0, 2.0]]])


def test_the_sequence_autocorrelation_by_hand():
    found = sequence_autocorrelation(X, 2)[:, 0]
    expected = [[1, 1], [(2 - 2 - 3) / (1 + 4 + 1), 1], [(-1 + 6) / (1 + 4), 1]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_the_losses_by_hand():
    other = X + torch.tensor([0.5, -1.5])
    assert float(mae(other, X)) == pytest.approx(1.0)
    expected = ((sequence_autocorrelation(other, 2) - sequence_autocorrelation(X, 2)) ** 2).mean()
    assert float(autocorrelation(other, X, 2)) == pytest.approx(float(expected)) and expected > 0
    for alpha in (0.0, 0.3, 1.0):
        parts = losses(Loss(name="combined", alpha=alpha), other, X, 2)
        whole = alpha * parts["mae"] + (1 - alpha) * parts["autocorrelation"]
        assert float(parts["loss"]) == pytest.approx(float(whole), rel=1e-6)
    assert losses(Loss(name="mae"), other, X, 2)["loss"] == mae(other, X)
    assert losses(Loss(name="autocorrelation"), other, X, 2)["loss"] == autocorrelation(other, X, 2)


@pytest.mark.parametrize("change", [lambda x: 5 * x, lambda x: -x])
def test_the_autocorrelation_loss_is_blind_to_amplitude_and_sign(change):
    x = torch.randn(3, 40, 2, dtype=torch.float64)
    assert float(autocorrelation(change(x), x, 10)) < 1e-20 and float(mae(change(x), x)) > 0.5


def test_the_autocorrelation_loss_is_blind_to_the_value_of_a_constant():
    one, other = torch.full((1, 40, 1), 0.3, dtype=torch.float64), torch.full((1, 40, 1), -2.0, dtype=torch.float64)
    assert float(autocorrelation(one, other, 10)) < 1e-20
    torch.testing.assert_close(sequence_autocorrelation(one, 10), torch.ones(11, 1, 1, dtype=torch.float64))


def test_a_channel_of_zeros_has_a_finite_loss_and_gradient():
    zero = torch.zeros(1, 40, 1, requires_grad=True)
    loss = autocorrelation(zero, torch.randn(1, 40, 1), 10)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(zero.grad).all()


DATA = simulate(DatasetConfig(trajectories=6, grid=64, duration=8.0, snapshots=41, seed=5))
NAMED = ("mobility", "gradient_coefficient", "mean", "amplitude")


def stage(first=DATA.y[:, 0].astype(float), t=DATA.t[0], **changes):
    return linear_stage(first, t, *({**DATA.parameters, **changes}[name] for name in NAMED))


def test_the_linear_stage_predicts_profiles_until_it_ends():
    linear = stage()
    for run in range(6):
        early = (DATA.t[run] > 0.5) & (DATA.t[run] < 0.6 * linear.end[run])
        assert early.sum() >= 3
        error = np.abs(linear.profiles[run] - DATA.y[run])[early]
        noise = np.abs(DATA.y[run, 0] - DATA.y[run])[early]
        assert error.mean() < 0.02 and error.mean() < 0.2 * noise.mean()


def test_the_linear_stage_ends_where_the_variance_passes_and_holds_its_profile():
    linear = stage()
    for run in range(6):
        after = np.flatnonzero(linear.log_variance[run] > 0)
        if len(after):
            assert DATA.t[run, after[0] - 1] <= linear.end[run] <= DATA.t[run, after[0]]
            assert (linear.profiles[run, after] == linear.profiles[run, after[0]]).all()
    start = DATA.parameters["amplitude"] ** 2 / 12 / SATURATED
    np.testing.assert_allclose(linear.log_variance[:, 0], np.log(start))


def features(t=DATA.t[0], **changes):
    basis = Basis(np.zeros(32), np.eye(32)[:5], np.ones(5))
    return scaled_features(DATA.y[:, 0].astype(float), {**DATA.parameters, **changes}, t, basis)[0]


def test_mobility_enters_as_a_clock_alone():
    slower = features(t=DATA.t[0] * 2, mobility=DATA.parameters["mobility"] / 2)
    np.testing.assert_allclose(slower, features(), rtol=1e-9, atol=1e-9)
    assert not np.allclose(features(mobility=DATA.parameters["mobility"] / 2), features())


def test_the_phases_may_be_exchanged():
    np.testing.assert_allclose(features(mean=1 - DATA.parameters["mean"]), features(), rtol=1e-9, atol=1e-9)
