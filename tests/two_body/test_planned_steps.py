"""Planned steps: their error on the true dynamics, their packing into columns, and stratified batches."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import RK45, solve_ivp

from trainers.two_body.config import DatasetConfig, ModelConfig, Phase
from trainers.two_body.integrators import tsit5
from trainers.two_body.integrators.packing import WIDTH, pack
from trainers.two_body.integrators.segments import solve_planned
from trainers.two_body.integrators.step_plan import local_error, plan_steps
from trainers.two_body.phase_data import on_device
from trainers.two_body.problems import equation_of_motion
from trainers.two_body.segment import segment
from trainers.two_body.simulate import simulate
from trainers.two_body.stratified_batches import StratifiedBatches

HARD = DatasetConfig(orbits=4, seed=2, eccentricity=(0.5, 0.8), semi_major_axis=(3e4, 4.2e4))


def planned(tolerance, config=HARD, length=18):
    """Return segments with planned steps, in canonical units."""
    solver = {"method": "planned", "tolerance": tolerance}
    model = ModelConfig(normalisation="canonical", solver=solver, phases=[{"segment_length": length}])
    return segment(model.segmentation(), simulate(config))


def kepler(y):
    return equation_of_motion("two_body")(y)


def test_the_method_has_order_five_and_its_extension_order_four():
    def errors(dt):
        y = np.array([1.0, 0.0, 0.0, 0.0, 1.1, 0.0])
        new, slopes = tsit5.step(kepler, y, kepler(y), dt)
        truth = solve_ivp(lambda t, y: kepler(y), (0, dt), y, "DOP853", [dt / 3, dt], rtol=1e-13, atol=1e-15).y.T
        return np.abs(new - truth[1]).max(), np.abs(tsit5.between(y, slopes, dt, 1 / 3) - truth[0]).max()

    coarse, fine = errors(0.4), errors(0.2)
    assert 0.5 * 2**6 < coarse[0] / fine[0] < 2 * 2**6
    assert 0.5 * 2**5 < coarse[1] / fine[1] < 2 * 2**5


def test_the_coefficients_are_consistent_and_not_those_of_dormand_and_prince():
    assert tsit5.weights(1.0) == pytest.approx([*tsit5.STAGES[-1], 0.0], abs=1e-13)
    assert [sum(row) for row in tsit5.STAGES[:3]] == pytest.approx([0.161, 0.327, 0.9])
    assert not np.allclose(tsit5.STAGES[-1], RK45.B)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-8, 1e-10])
def test_planned_steps_keep_the_local_error_on_the_true_dynamics(tolerance):
    """Each step starts from an independent solution and is compared with it, at its end and at every point inside."""
    phase = planned(tolerance).phases[0]
    worst = 0.0
    for t, y, nodes in zip(phase["train/t"], phase["train/y"], phase["train/nodes"], strict=True):
        nodes = np.unique(nodes)
        truth = solve_ivp(
            lambda t, y: kepler(y), (t[0], t[-1]), y[0], "DOP853", rtol=1e-13, atol=1e-14, dense_output=True
        )
        for a, b in pairwise(nodes):
            start = truth.sol(a)
            _, slopes = tsit5.step(kepler, start, kepler(start), b - a)
            for theta in (0.1, 0.3, 0.6, 0.85, 1.0):
                guess, exact = tsit5.between(start, slopes, b - a, theta), truth.sol(a + theta * (b - a))
                parts = [np.linalg.norm((guess - exact)[p]) / np.linalg.norm(exact[p]) for p in (np.s_[:3], np.s_[3:])]
                worst = max(worst, *parts)
    assert worst < 1.5 * tolerance + 1e-12
    assert phase["train/local_error"].max() <= tolerance


def test_one_step_fewer_would_break_the_bound():
    phase = planned(1e-8).phases[0]
    hard = int(phase["train/steps"].argmax())
    t, y = phase["train/t"][hard : hard + 1], phase["train/y"][hard : hard + 1]
    plan = plan_steps(kepler, t, y, 1e-8)
    assert plan.steps[0] > 5
    nodes = np.delete(plan.nodes, plan.steps[0] // 2, axis=1)
    assert local_error(kepler, y[0, :1].T, nodes)[0] > 1e-8


def test_segments_planned_in_blocks_or_alone_have_the_same_steps():
    phase = planned(1e-8).phases[0]
    for k in (0, 17, 40):
        alone = plan_steps(kepler, phase["train/t"][k : k + 1], phase["train/y"][k : k + 1], 1e-8)
        assert alone.steps[0] == phase["train/steps"][k]
        assert np.array_equal(alone.nodes[0], phase["train/nodes"][k][: alone.steps[0] + 1])


def test_phase_counts_report_the_planned_steps():
    segments = planned(1e-8)
    row = segments.counts[0]
    assert row["most_steps"] == segments.phases[0]["train/steps"].max()
    assert row["largest_local_error"] <= 1e-8
    other = ModelConfig(solver={"method": "rk4"}, phases=[Phase(segment_length=18)])
    assert "most_steps" not in segment(other.segmentation(), simulate(HARD)).counts[0]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60))
def test_packing_takes_every_step_once_in_order_and_wastes_little(steps):
    steps = np.array(steps)
    packing = pack(steps)
    length, width = packing.busy.shape
    assert length == steps.max()
    assert width % WIDTH == 0
    assert packing.busy.sum() == steps.sum()
    for segment_, count in enumerate(steps):
        row, column = divmod(int(packing.first[segment_]), width)
        assert (packing.position[row : row + count, column] == segment_).all()
        assert packing.number[row : row + count, column].tolist() == list(range(count))
        assert packing.busy[row : row + count, column].all()
    assert width <= 2 * steps.sum() / length + WIDTH + 1


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 3))
def test_batches_draw_one_segment_from_every_stratum_and_visit_all(segments, size, seed):
    strata = StratifiedBatches.of(segments, size)
    assert strata.batch == min(segments, size)
    assert strata.weight.mean() == pytest.approx(1.0)
    rounds = int(np.diff(strata.edges).max())
    batches = strata.draw(seed, 0, np.arange(rounds))
    assert (batches >= strata.edges[:-1]).all() and (batches < strata.edges[1:]).all()
    assert set(batches.ravel()) == set(range(segments))
    assert np.array_equal(strata.draw(seed, 0, np.arange(3, 3 + rounds))[0], strata.draw(seed, 0, np.array([3]))[0])


def test_batches_differ_by_seed_phase_and_round():
    strata = StratifiedBatches.of(400, 20)
    first = strata.draw(0, 0, np.arange(20))
    assert not np.array_equal(first, strata.draw(1, 0, np.arange(20)))
    assert not np.array_equal(first, strata.draw(0, 1, np.arange(20)))
    assert not np.array_equal(first, strata.draw(0, 0, np.arange(20, 40)))


def test_the_weighted_mean_over_batches_is_the_mean_over_segments():
    strata, values = StratifiedBatches.of(230, 100), np.random.default_rng(0).normal(size=230)
    batches = strata.draw(0, 0, np.arange(6))
    assert np.mean(strata.weight * values[batches]) == pytest.approx(values.mean())


@pytest.mark.parametrize("batch", [256, 37])
def test_packed_columns_integrate_every_segment_as_if_alone(batch):
    """In double precision, under the true law: the data themselves come out, whatever column a segment lies in."""
    arrays = planned(1e-9).phases[0]
    strata = StratifiedBatches.of(len(arrays["train/t"]), batch)
    data = on_device(arrays, "train", strata)
    index = jnp.asarray(strata.draw(0, 0, np.array([1]))[0] if batch < strata.segments else np.zeros(0, np.int32))
    members = data.of(index)
    law = equation_of_motion("two_body")
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x, members)
        solution = jax.jit(lambda d: solve_planned(lambda _, y: law(y), None, d.y[0], d.plan, d.packing))(wide)
        error = float(jnp.max(jnp.linalg.norm(solution.y - wide.y, axis=1) / jnp.linalg.norm(wide.y, axis=1)))
        step_count = int(np.asarray(solution.steps).sum())
    assert error < 3e-6  # what single precision of the data leaves near periapsis
    assert step_count == int((np.asarray(members.plan.dt) > 0).sum())
