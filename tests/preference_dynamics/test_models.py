"""Inputs, features, networks and their parameter counts."""

import numpy as np
import pytest
import torch

from trainers.preference_dynamics.config import DatasetConfig, ModelConfig
from trainers.preference_dynamics.models.networks import parameter_count, start_network
from trainers.preference_dynamics.segment import segment
from trainers.preference_dynamics.series.features import steady_state
from trainers.preference_dynamics.series.inputs import inputs_of
from trainers.preference_dynamics.series.normalisers import NORMALISERS
from trainers.preference_dynamics.series.targets import target_names
from trainers.preference_dynamics.simulate import simulate

BASE = {}
BEST = {"filters": (64, 64, 192), "kernels": (3, 5, 7), "hidden": (64, 96)}
STUDY_2 = {"filters": (64, 128, 256), "kernels": (3, 3, 3), "hidden": (128, 64)}
CNN = {"kind": "cnn", "targets": "unknowns"}


@pytest.mark.parametrize(
    ("settings", "actions", "count"),
    [
        (BASE, 1, 42_450), (BASE, 2, 44_152), (BASE, 3, 46_386),
        (BEST, 1, 126_386), (BEST, 2, 127_768), (BEST, 3, 129_554),
        (STUDY_2, 1, 165_266), (STUDY_2, 2, 166_328), (STUDY_2, 3, 167_666),
        (CNN | {"filters": (64,), "kernels": (3,), "hidden": (32,)}, 1, 2_726),
        (CNN, 1, 42_438),
    ],
)  # fmt: skip
def test_parameter_counts_are_the_published_ones(settings, actions, count):
    network = start_network(ModelConfig(**settings), 2 * actions, 1 + 2 * actions)
    assert parameter_count(network) == count


@pytest.mark.parametrize(("actions", "count"), [(1, 8), (2, 20), (3, 36)])
def test_targets_have_their_names_in_order(actions, count):
    names = target_names(ModelConfig(), actions)
    assert len(names) == count and names[0] == "g_0" and names[-1] == f"a_{actions - 1}_forecast"
    if actions == 1:
        assert names == ("g_0", "mu_0", "Pi_0,0", "Gamma_0,0", "v0_0", "m0_0", "u_0_forecast", "a_0_forecast")


def test_the_forecast_of_the_residual_network_is_its_level():
    network = start_network(ModelConfig(), 2, 3)
    x, features = torch.randn(5, 2, 200), torch.randn(5, 3)
    says = network(x, features)
    assert torch.equal(says.mean[:, -2:], (x - says.residual)[:, :, 0]) or torch.allclose(
        says.mean[:, -2:], (x - says.residual)[:, :, 0], atol=1e-5
    )


def test_a_constant_added_to_a_channel_and_to_its_level_changes_no_unknown():
    network = start_network(ModelConfig(dropout=0.0), 2, 3)
    with torch.no_grad():
        network.level.weight.copy_(torch.eye(2, 5))
        network.level.bias.zero_()
    x, features = torch.rand(5, 2, 200), torch.rand(5, 3)
    usual, raised = network(x, features), network(x + torch.tensor([3.0, 7.0])[:, None], features)
    assert torch.allclose(raised.residual, usual.residual, atol=1e-5)
    assert torch.allclose(raised.mean[:, :6], usual.mean[:, :6], atol=1e-5)
    assert torch.allclose(raised.mean[:, 6:], usual.mean[:, 6:] + torch.tensor([3.0, 7.0]), atol=1e-5)


def test_a_rectified_output_is_never_negative():
    x, features = torch.randn(50, 2, 200), torch.randn(50, 3)
    published, ours = (
        start_network(ModelConfig(**CNN, rectified_output=on), 2, 3)(x, features).mean for on in (True, False)
    )
    assert published.min() == 0 > ours.min()


def test_steady_state_of_hand_made_series():
    t = np.arange(201.0)
    flat, drift = np.full(201, 2.0), np.linspace(0, 20, 201)
    late = np.where(t < 160, np.sin(t), 1.5)
    features = steady_state(np.stack([flat, drift, late])[:, :, None].repeat(2, axis=2), t)
    assert features[:, 0].tolist() == [1, 0, 1]
    assert features[0, 1] == 2 and np.isnan(features[1, 1:]).all() and features[2, 1] == pytest.approx(1.5)


@pytest.mark.parametrize("name", NORMALISERS)
def test_raw_units_come_back_and_a_constant_series_stays_finite(name):
    y = np.random.default_rng(0).normal(3, 2, (4, 50, 4))
    y[0, :, :2] = 0
    shift, scale = NORMALISERS[name](y)
    x = (y - shift[:, None]) / scale[:, None]
    assert np.isfinite(x).all() and np.allclose(x * scale[:, None] + shift[:, None], y, atol=1e-12)


def test_inputs_do_not_depend_on_the_forecast_points():
    data = simulate(DatasetConfig(trajectories=6))
    changed = data.y.copy()
    changed[:, -3:] += 100.0
    config = ModelConfig(
        kind="cnn", horizon=3, features=("steady_state", "initial_values", "log_scale", "summary", "peaks")
    )
    one, other = (inputs_of(config, y, data.t[0]) for y in (data.y, changed))
    for name in ("x", "shift", "scale", "features"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert one.x.shape == (6, 2, 198) and np.allclose(other.forecast - one.forecast, 100.0)


def test_shapes_of_segments():
    segments = segment(ModelConfig().segmentation(), simulate(DatasetConfig(actions=2, trajectories=20)))
    arrays = segments.phases[0]
    assert arrays["train/x"].shape == (16, 4, 200) and arrays["train/features"].shape == (16, 5)
    assert arrays["validation/forecast"].shape == (4, 4)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"filters": (8,)}, "one kernel per block"),
        ({"kind": "posterior"}, "expected 'all' and 'nll'"),
        ({"kind": "fit"}, "refine.steps"),
        ({"features": ()}, "steady_state first"),
        ({"kind": "pinn"}, "begin with time_step, log_scale"),
        ({"physics": {"points": 5}}, "physics is for kind pinn"),
        ({"normaliser": "group_sdt"}, "nearest: group_std"),
    ],
)
def test_conflicting_settings_are_refused_in_one_line(settings, text):
    with pytest.raises(ValueError, match=text):
        ModelConfig(**settings)
