"""Tables that look inside a model: linearity against known fields, the network at true and at predicted states."""

import numpy as np
import pytest

from tests.two_body.problem_set import TEST, small, trained
from trainers.two_body.apply import apply
from trainers.two_body.config import DatasetConfig, Phase
from trainers.two_body.evaluate import evaluate
from trainers.two_body.orbits.elements import MEAN_ORBIT
from trainers.two_body.simulate import simulate
from trainers.two_body.tables.linearity import jacobian, linearity_table
from trainers.two_body.tables.network_features import MOST_STEPS, feature_table


def kepler(states):
    return -states[..., :3] / np.linalg.norm(states[..., :3], axis=-1, keepdims=True) ** 3


def spring(states):
    return -states[..., :3] - 0.1 * states[..., 3:]


def test_the_jacobian_of_a_linear_field_is_its_matrix():
    states = np.random.default_rng(0).normal(size=(2, 5, 6))
    matrix = jacobian(spring, states)
    r, v = np.sqrt((states[..., :3] ** 2).mean()), np.sqrt((states[..., 3:] ** 2).mean())
    expected = np.concatenate([-r * np.eye(3), -0.1 * v * np.eye(3)], axis=1)
    assert np.allclose(matrix, expected, atol=1e-8)


def test_a_linear_field_changes_no_jacobian_and_the_law_does():
    table = linearity_table(spring, kepler, TEST.y, TEST.t).set_index(["quantity", "source"])["median"]
    assert table["jacobian_change", "model"].max() < 1e-6
    assert table["jacobian_change", "law"].min() > 1
    assert table["jacobian_change", "law"].iloc[:4].is_monotonic_increasing


def test_the_jacobian_is_compared_with_that_of_the_first_point():
    t = np.tile(np.arange(20.0), (1, 1))
    states = np.stack([1 + t, 0 * t, 0 * t, 1 + 0 * t, 0 * t, 0 * t], axis=-1)
    table = linearity_table(lambda s: s[..., :3] ** 2, kepler, states, t)
    change = table[(table["quantity"] == "jacobian_change") & (table["source"] == "model")].set_index("segment_length")
    first, last = np.arange(1, 20, 4), np.arange(4, 21, 4)
    expected = np.percentile(100 * (last - first) / first, (25, 50, 75))  # da/dx = 2 x, nothing else changes
    assert change.loc[4, ["low", "median", "high"]].to_numpy(float) == pytest.approx(expected, rel=1e-6)


def test_an_acceleration_that_is_a_line_in_time_leaves_no_residual():
    t = np.tile(np.linspace(0, 1, 40), (2, 1))
    states = np.stack([1 + t, t, 0 * t, 1 + 0 * t, 1 + 0 * t, 0 * t], axis=-1)
    table = linearity_table(lambda s: s[..., :3] * 2, kepler, states, t)
    rest = table[table["quantity"] == "linear_residual"].set_index("source")["high"]
    assert rest["model"].max() < 1e-10 < rest["law"].min()
    quadratic = linearity_table(lambda s: s[..., :3] ** 2, kepler, states, t)
    measured = quadratic[(quadratic["quantity"] == "linear_residual") & (quadratic["source"] == "model")]
    segments = (states[:, :36, :3] ** 2).reshape(-1, 6, 3), t[:, :36].reshape(-1, 6)
    expected = []
    for values, times in zip(*segments, strict=True):
        line = np.stack([np.polyval(np.polyfit(times, column, 1), times) for column in values.T], axis=1)
        expected.append(100 * np.sqrt(((values - line) ** 2).sum() / (values**2).sum()))
    six = measured[measured["segment_length"] == 6]
    assert six[["low", "median", "high"]].to_numpy()[0] == pytest.approx(np.percentile(expected, (25, 50, 75)))


@pytest.mark.training
def test_features_are_those_of_the_network_at_true_and_at_predicted_states():
    config = small()
    predictor = apply(config, trained(config))
    rollout = predictor.rollout(TEST.y[:, 0], TEST.t)
    table = feature_table(predictor, rollout, TEST)["features"]
    assert len(table) == TEST.t.size and table["orbit"].nunique() == len(TEST.t)
    name = next(str(name) for name in table if str(name).startswith("feature "))
    true = predictor.features(TEST.y)[..., 0].astype(np.float32).ravel()
    own = predictor.features(rollout)[..., 0].astype(np.float32).ravel()
    assert np.array_equal(table[f"{name}_true"], true) and np.array_equal(table[name], own)
    assert not np.array_equal(true, own)
    long = simulate(DatasetConfig(orbits=2, points=MOST_STEPS * 3 + 1, seed=3))
    thinned = feature_table(predictor, long.y, long)["features"]
    assert thinned.groupby("orbit").size().max() <= MOST_STEPS and set(np.diff(thinned["step"][:5])) == {4}
    law = small(kind="true_law")
    assert feature_table(apply(law, trained(law)), TEST.y, TEST) == {}


@pytest.mark.training
def test_phases_have_their_errors_and_a_set_in_space_a_second_plane():
    phases = (
        Phase(steps=5, learning_rate=1e-2, segment_length=5),
        Phase(steps=5, learning_rate=1e-3, segment_length=6),
    )
    config = small(phases=phases, planar_constraint=False)
    space = simulate(DatasetConfig(orbits=4, points=40, planar=False, seed=4))
    tables = evaluate(config, trained(config), space).tables
    motion, statistics = tables["phases"], tables["phase_errors"].set_index(["error", "phase"])
    for phase in (0, 1):
        own = motion[motion["phase"] == phase]
        position = np.linalg.norm(
            own[["x", "y", "z"]].to_numpy() - own[["x_true", "y_true", "z_true"]].to_numpy(), axis=1
        )
        percent = 100 * position / np.linalg.norm(own[["x_true", "y_true", "z_true"]].to_numpy(), axis=1)
        assert statistics.loc[("position_error", phase), "median"] == pytest.approx(np.median(percent), rel=1e-3)
        assert statistics.loc[("acceleration_error", phase), "n"] == len(own)
    assert motion["orbit"].iloc[0] == MEAN_ORBIT
    assert {"x", "z", "ax", "az", "az_true"} <= set(tables["field_xz"]) and "y" not in tables["field_xz"]
    assert "field_xz" not in evaluate(config, trained(config), TEST).tables
