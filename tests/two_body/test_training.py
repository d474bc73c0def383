"""Training: same bits when interrupted, failures as outcomes, and solvers that agree."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.two_body.problem_set import ORBITS, job, small, trained
from trainers.common.jax_training.programs import CHUNK, adam
from trainers.study import Failed, Trained
from trainers.two_body.config import DatasetConfig, Loss, Phase, Solver
from trainers.two_body.integrators.rk4 import rollout, substeps_for
from trainers.two_body.integrators.segments import solve
from trainers.two_body.models.network import init_network, vector_field
from trainers.two_body.objective import training_loss
from trainers.two_body.phase_data import on_device, phase_data
from trainers.two_body.problems import equation_of_motion
from trainers.two_body.simulate import simulate
from trainers.two_body.stratified_batches import StratifiedBatches
from trainers.two_body.train import programs, train

pytestmark = pytest.mark.training

PHASES = (
    Phase(steps=8, learning_rate=0.3, segment_length=5),
    Phase(steps=14, learning_rate=0.3, segment_length=5, schedule="plateau"),
)
"""Rates so high that validation jumps: the best weights are not the last, and the plateau stalls and halves."""

CURRICULUM = small(phases=PHASES, train_fraction=0.7, batch_size=7, validate_every=1)
CHECKPOINTS = (3, 8, 10, 14, 19)
"""Steps at which a training is stopped and resumed; 8 ends a phase."""


def assert_same(a: Trained, b: Trained) -> None:
    for first, second in ((a.weights, b.weights), (a.state, b.state)):
        assert first.keys() == second.keys()
        for name in first:
            assert np.asarray(first[name]).dtype == np.asarray(second[name]).dtype, name
            assert np.array_equal(first[name], second[name], equal_nan=True), name
    assert a.history.equals(b.history)


@pytest.fixture(scope="module")
def whole() -> Trained:
    return trained(CURRICULUM)


def test_same_seed_same_bits_and_other_seed_other_bits(whole):
    assert_same(whole, trained(CURRICULUM))
    other = trained(CURRICULUM.model_copy(update={"seed": 1}))
    assert not np.array_equal(whole.weights["last/layers.0.weight"], other.weights["last/layers.0.weight"])


def test_other_jobs_and_their_order_change_no_bits(whole):
    other = CURRICULUM.model_copy(update={"seed": 1})
    outcomes = list(train([job(other, "b"), job(CURRICULUM, "a"), job(other, "c")]))
    assert [outcome.key for outcome in outcomes] == ["b", "a", "c"]
    assert_same(outcomes[1], whole)
    assert_same(outcomes[0], outcomes[2])


def test_a_cohort_is_compiled_once(whole):
    changed = (PHASES[0].model_copy(update={"learning_rate": 1e-3}), PHASES[1])
    again = trained(CURRICULUM.model_copy(update={"seed": 7, "phases": changed}))
    assert again.timings["compile"] == again.timings["trace"] == 0
    assert programs(CURRICULUM) is programs(CURRICULUM.model_copy(update={"seed": 3}))
    assert programs(CURRICULUM) is not programs(CURRICULUM.model_copy(update={"width": 9}))


def test_the_curriculum_has_its_best_weights_before_the_end_of_each_phase(whole):
    history = whole.history
    assert history["learning_rate"].iloc[-1] < 0.2
    for phase, part in history.groupby("phase"):
        best, last = (whole.weights[f"phase{phase}/{which}/layers.0.weight"] for which in ("best", "last"))
        assert not np.array_equal(best, last)
        assert part["validation_loss"].idxmin() < part.index[-1]


@pytest.mark.parametrize("stop", CHECKPOINTS)
def test_a_training_resumed_at_any_checkpoint_has_the_same_bits(whole, stop):
    states = {}

    def report(progress):
        states[progress.step] = dict(progress.state())
        assert progress.phase_end == (progress.step in (8, 22))
        return progress.step == stop

    (stopped,) = train([job(CURRICULUM)], report)
    assert stopped.stopped
    assert_same(trained(CURRICULUM, state=states[stop]), whole)
    assert_same(trained(CURRICULUM, state=stopped.state), whole)


@pytest.mark.parametrize("validate_every", [4, 100])
def test_a_training_resumed_between_two_checks_has_the_same_bits(validate_every):
    """Without validation: the score is the mean loss since the last check, which may lie in another compiled call."""
    phases = (Phase(steps=60, learning_rate=0.1, segment_length=5, schedule="warmup_cosine"),)
    config = small(phases=phases, validate_every=validate_every)
    states = []
    list(train([job(config)], lambda progress: bool(states.append(progress.state()))))
    outcome = trained(config)
    assert_same(trained(config, state=states[0]), outcome)
    means = outcome.history["loss"].astype(float).groupby(np.arange(60) // validate_every).mean()
    assert outcome.state["position/score"] == pytest.approx(means.min(), rel=1e-12)


def test_resuming_from_a_prefix_equals_one_run(whole):
    (prefix,) = CURRICULUM.prefixes()
    first = trained(prefix)
    assert first.state["position/phase"] == 0
    assert_same(trained(CURRICULUM, state=first.state), whole)


def test_a_longer_training_at_a_constant_rate_continues_the_shorter_one():
    longer = small(phases=(Phase(steps=16, learning_rate=1e-2, segment_length=5),))
    state = trained(small(phases=(Phase(steps=8, learning_rate=1e-2, segment_length=5),))).state
    assert_same(trained(longer, state=state), trained(longer))


def test_a_finished_state_trains_no_more(whole):
    again = trained(CURRICULUM, state=whole.state)
    assert_same(again, whole)
    assert again.timings["train"] == 0


def test_a_state_of_a_longer_curriculum_is_refused(whole):
    (prefix,) = CURRICULUM.prefixes()
    with pytest.raises(ValueError, match="step 14 of phase 1, beyond"):
        trained(prefix, state=whole.state)


def test_history_and_weights_follow_the_contract(whole):
    history = whole.history
    assert history["step"].tolist() == list(range(1, 23))
    assert history["phase"].tolist() == [0] * 8 + [1] * 14
    assert history[["validation_loss", "validation_percent_error", "validation_field"]].notna().all(axis=None)
    for prefix in ("best", "last", "phase0/best", "phase0/last", "phase1/best", "phase1/last"):
        assert whole.weights[f"{prefix}/layers.0.weight"].shape == (8, 7)
    assert np.array_equal(whole.weights["phase1/last/layers.0.bias"], whole.weights["last/layers.0.bias"])
    assert whole.counts["parameters"] == 8 * 7 + 8 + 4 * 8 + 4
    assert whole.counts["solver_steps"] == history["solver_steps"].sum()
    assert whole.counts["no_validation"] == 0


def test_the_best_weights_are_those_of_the_lowest_validation_loss(whole):
    first = whole.history[whole.history["phase"] == 0]
    step = int(first.loc[first["validation_loss"].idxmin(), "step"])
    cut = CURRICULUM.model_copy(update={"phases": (PHASES[0].model_copy(update={"steps": step}),)})
    assert np.array_equal(whole.weights["phase0/best/layers.0.weight"], trained(cut).weights["last/layers.0.weight"])


def test_validation_is_measured_every_k_steps_and_at_the_end_of_each_phase():
    history = trained(CURRICULUM.model_copy(update={"validate_every": 3})).history
    measured = history.loc[history["validation_loss"].notna(), "step"].tolist()
    assert measured == [3, 6, 8, 11, 14, 17, 20, 22]


def test_without_validation_its_columns_are_nan_and_a_count_says_so():
    outcome = trained(small())
    assert outcome.counts["no_validation"] == 1
    assert outcome.history[["validation_loss", "validation_percent_error", "validation_field"]].isna().all(axis=None)


def test_training_lowers_the_loss():
    history = trained(small(phases=(Phase(steps=150, learning_rate=1e-2, segment_length=5),))).history
    assert history["loss"].iloc[-1] < 0.6 * history["loss"].iloc[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, [1.0, 1.0]), ({"kind": "adamw", "weight_decay": 0.5}, [1.5, 2.0]), ({"weight_decay": 0.5}, [1.0, 1.0])],
)
def test_weight_decay_belongs_to_adamw(options, expected):
    optimiser = adam(**options)
    weights = jnp.array([1.0, 2.0])
    direction, _ = optimiser.update(jnp.array([3.0, 4.0]), optimiser.init(weights), weights)
    assert np.asarray(direction) == pytest.approx(expected, rel=1e-5)


def test_clipping_bounds_the_norm_of_the_gradient():
    optimiser = adam(clip_norm=0.5)
    gradient = jnp.array([3.0, 4.0])
    _, state = optimiser.update(gradient, optimiser.init(gradient), gradient)
    assert np.asarray(state[1].mu) == pytest.approx(0.1 * np.array([0.3, 0.4]), rel=1e-5)


def test_a_step_is_optax_adam():
    phases, solver = (Phase(steps=3, learning_rate=1e-2, segment_length=5),), Solver(method="rk4")
    config = small(phases=phases, solver=solver)
    arrays = job(config).segments.phases[0]
    data = on_device(arrays, "train", StratifiedBatches.of(len(arrays["train/t"]), 256))

    @jax.jit
    @jax.grad
    def gradient(network):
        y = solve(lambda p, y: vector_field(p, config)(y), network, data.t, data.y[0], config.solver).y
        return training_loss(config, network, data.y, y)[0]

    network, optimiser = init_network(config, jax.random.key(0)), optax.adam(1e-2)
    state = optimiser.init(network)
    for _ in range(3):
        updates, state = optimiser.update(gradient(network), state)
        network = optax.apply_updates(network, updates)
    expected = np.asarray(network.layers[0].weight)
    assert trained(config).weights["last/layers.0.weight"] == pytest.approx(expected, abs=1e-5)


def test_a_diverging_training_is_an_outcome_with_its_step():
    phases = (Phase(steps=60, learning_rate=10.0, segment_length=5),)
    (outcome,) = train([job(small(phases=phases, output_layer="mlp_4D_logmag_exp", activation="softplus"))])
    assert isinstance(outcome, Failed)
    assert (outcome.status, outcome.place.stage, outcome.place.phase) == ("diverged", "train", 0)
    assert 0 < outcome.place.step < 60
    losses = outcome.partial.history["loss"]
    assert len(losses) == outcome.place.step
    assert np.isfinite(losses).all()
    assert f"last finite loss {losses.iloc[-1]:.6g}" in outcome.detail
    assert all(np.isfinite(array).all() for name, array in outcome.partial.weights.items())


def test_a_solver_that_gives_up_is_an_outcome():
    solver = Solver(method="tsit5", max_steps=16, rtol=1e-12, atol=1e-12, adjoint="direct")
    (outcome,) = train([job(small(solver=solver, phases=(Phase(steps=5, segment_length=10),)))])
    assert isinstance(outcome, Failed)
    assert outcome.status == "solver_failed"
    assert "max_steps" in outcome.detail


def test_a_batch_of_all_segments_needs_no_drawing():
    config = small(phases=(Phase(segment_length=5),))
    assert phase_data(config, job(config).segments, 0).batches(0, np.arange(5)).shape == (5, 0)


def attracted(strength, state):
    """Fall towards the origin with a learned strength, softened: `a = -k r / (r^2 + 1/10)^(3/2)`."""
    position = state[:3]
    return jnp.concatenate([state[3:], -strength * position / (jnp.sum(position**2, axis=0) + 0.1) ** 1.5])


def integrated(strength, solver, capture=None):
    """Integrate from two initial states through four times."""
    t, y0 = jnp.asarray(ORBITS.t[:2, :4].T), jnp.asarray(ORBITS.y[:2, 0].T)
    return solve(attracted, strength, t, y0, solver, capture)


def learned(solver):
    """Return solution and gradient by the strength."""

    def distance(strength):
        solution = integrated(strength, solver)
        return jnp.sum(solution.y[-1] ** 2), solution

    (_, solution), gradient = jax.jit(jax.value_and_grad(distance, has_aux=True))(jnp.asarray(1.1))
    return solution, gradient


@pytest.fixture(scope="module")
def fine():
    with jax.enable_x64(True):
        return learned(Solver(method="rk4", substeps=16))


@pytest.mark.parametrize("adjoint", ["checkpointed", "direct", "backsolve"])
def test_solvers_and_adjoints_agree(fine, adjoint):
    with jax.enable_x64(True):
        solution, gradient = learned(Solver(method="tsit5", rtol=1e-9, atol=1e-11, adjoint=adjoint, max_steps=64))
    assert not solution.failed.any()
    assert np.asarray(solution.y) == pytest.approx(np.asarray(fine[0].y), abs=1e-7)
    assert float(gradient) == pytest.approx(float(fine[1]), rel=1e-5)


def test_capture_does_not_change_the_solution():
    plain = jax.jit(partial(integrated, solver=Solver(method="rk4")))(1.1)
    captured = jax.jit(partial(integrated, solver=Solver(method="rk4"), capture=lambda y: jnp.sum(y**2, axis=1)))(1.1)
    assert plain.captured is None
    assert captured.captured.shape == (4, 2)
    assert np.array_equal(plain.y, captured.y)


@pytest.mark.parametrize("tolerance", [1e-7, 1e-9])
def test_sub_steps_chosen_from_the_data_keep_the_local_error(tolerance):
    orbits = simulate(DatasetConfig(orbits=4, points=90, seed=2, eccentricity=(0.5, 0.7), semi_major_axis=(3e4, 4e4)))
    law = equation_of_motion("two_body")
    with jax.enable_x64(True):
        t, y = jnp.asarray(orbits.t.T), jnp.moveaxis(jnp.asarray(orbits.y), 0, 2)
        counts = substeps_for(law, t, y, tolerance)
        step = jax.jit(partial(rollout, law))
        errors = [np.abs(step(t[k : k + 2], y[k], counts[k : k + 1])[1] - y[k + 1]).max() for k in range(0, 89, 4)]
    assert counts.max() > 1
    assert max(errors) < 20 * tolerance


def test_every_loss_part_is_recorded():
    loss = Loss(name="percent_error_plus_nmse", attraction=0.1, l2=0.1, energy_drift=0.1, sign_flip=0.1)
    history = trained(small(loss=loss, train_fraction=0.7)).history
    for part in ("percent_error", "nrmse", "attraction", "l2", "energy_drift", "sign_flip"):
        assert history[part].notna().all()
        assert np.isfinite(history[f"validation_{part}"].iloc[-1])


def test_baselines_take_no_steps():
    mean = trained(small(kind="mean_acceleration"))
    segments = job(small()).segments.phases[0]
    by_hand = np.mean([np.diff(y[:, 3:], axis=0) / np.diff(t)[:, None] for t, y in
                       zip(segments["train/t"], segments["train/y"], strict=True)], axis=(0, 1))  # fmt: skip
    assert mean.weights["best/acceleration"] == pytest.approx(by_hand)
    assert mean.counts["steps"] == len(mean.history) == 0
    assert trained(small(kind="true_law")).weights == {}


def test_a_stop_before_the_first_check_keeps_the_last_weights():
    config = small(phases=(Phase(steps=200, segment_length=5),), validate_every=200)
    (outcome,) = train([job(config)], lambda progress: True)
    assert outcome.stopped
    assert len(outcome.history) == CHUNK
    assert np.array_equal(outcome.weights["best/layers.0.weight"], outcome.weights["last/layers.0.weight"])
    resumed = trained(config, state=outcome.state)
    assert_same(resumed, trained(config))
    assert dataclasses.asdict(resumed)["stopped"] is False
