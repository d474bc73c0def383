"""The JAX training loop on a regression by epochs: same bits when interrupted, phases, checks, outcomes."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trainers.common.config import CurriculumPhase
from trainers.common.jax_training.batches import Epochs
from trainers.common.jax_training.course import Course, PhaseData
from trainers.common.jax_training.lanes import groups, train_courses
from trainers.common.jax_training.programs import CHUNK, FAILURES, Method, Programs, adam
from trainers.study import Failed, Job, ModelConfigBase, Segments, Trained

pytestmark = pytest.mark.training

SAMPLES, BATCH = 23, 8
EPOCHS = Epochs(SAMPLES, BATCH)
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 2)).astype(np.float32)
Y = np.sin(X[:, 0]) * X[:, 1]
SEGMENTS = Segments(({},), np.arange(SAMPLES), np.arange(SAMPLES, 40), ({"train_segments": SAMPLES},), {"a": X[0]},
                    {"unit": "m"})  # fmt: skip


class Config(ModelConfigBase):
    """Phases of epochs."""

    shared = ("seed", "phases[*].learning_rate")
    phases: tuple[CurriculumPhase, ...]
    together: int = 1
    validates: bool = True
    gives_up: bool = False
    unmeasurable: int | None = None
    """Phase whose validation loss is NaN."""

    def at_once(self) -> int:
        return self.together


def epochs(count: int, **changes) -> CurriculumPhase:
    return CurriculumPhase(steps=count * EPOCHS.steps, learning_rate=changes.pop("learning_rate", 0.1), **changes)


CONFIG = Config(
    phases=(epochs(9, learning_rate=1.0), epochs(12, schedule="plateau", learning_rate=0.5, plateau_patience=1))
)
"""Rates so high that the validation loss jumps: the best weights are not the last, and the plateau falls."""


def start(seed):
    first, second = jax.random.split(jax.random.key(seed))
    return {"a": jax.random.normal(first, (8, 2)), "b": jnp.zeros(8), "c": jax.random.normal(second, (8,)) / 8}


def errors(model, x, y):
    return (model["c"] @ jnp.tanh(model["a"] @ x.T + model["b"][:, None]) - y) ** 2


def loss(gives_up, model, data, batch):
    index, weight = batch
    value = jnp.sum(weight * errors(model, data["x"][index], data["y"][index]))
    row = {"loss": value, "squared": value, "samples": jnp.sum(weight > 0)}
    return value, row | ({FAILURES: jnp.sum(jnp.abs(model["b"]) > 0)} if gives_up else {})


def validate(model, data):
    error = errors(model, data["x"], data["y"])
    return {"loss": jnp.mean(error), "squared": jnp.mean(error), "worst": jnp.max(error)}


@cache
def programs(gives_up: bool = False) -> Programs:
    return Programs(
        Method(
            start=start,
            loss=lambda *arguments: loss(gives_up, *arguments),
            validate=validate,
            optimiser=adam("adamw", weight_decay=1e-2, clip_norm=1.0),
            to_arrays=lambda model: {name: np.asarray(array) for name, array in model.items()},
            from_arrays=lambda arrays: {name: jnp.asarray(array) for name, array in arrays.items()},
            counts=("samples",),
            validation_only=("worst",),
        )
    )


def data_of(config: Config, number: int) -> PhaseData:
    train, other = (
        {"x": jnp.asarray(X[part]), "y": jnp.asarray(Y[part])} for part in (slice(SAMPLES), slice(SAMPLES, 40))
    )
    if number == config.unmeasurable:
        other = {**other, "y": other["y"] * np.nan}
    return PhaseData(
        train=train,
        batches=lambda seed, steps: EPOCHS.draw(seed, number, steps),
        check_every=EPOCHS.steps,
        validation=other if config.validates else None,
        columns=lambda steps: {"epoch": steps // EPOCHS.steps},
        counts={"ended_in": number},
    )


def outcomes(jobs, report=lambda progress: False):
    for group in groups(jobs):
        shared = cache(lambda number, config=group[0].config: data_of(config, number))
        yield from train_courses(
            [Course(job, programs(job.config.gives_up), job.config.phases, shared, report) for job in group]
        )


def trained(config: Config = CONFIG, state=None, report=lambda progress: False) -> Trained:
    (outcome,) = outcomes([Job("a", config, SEGMENTS, state)], report)
    assert isinstance(outcome, Trained), outcome
    return outcome


def changed(**changes) -> Config:
    return CONFIG.model_copy(update=changes)


def assert_same(a: Trained, b: Trained) -> None:
    for first, second in ((a.weights, b.weights), (a.state, b.state)):
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
    assert a.history.equals(b.history)


@pytest.fixture(scope="module")
def whole() -> Trained:
    return trained()


def test_every_sample_comes_once_per_epoch_and_the_last_batch_is_short():
    index, weight = EPOCHS.draw(0, 0, np.arange(2 * EPOCHS.steps))
    for epoch in (slice(0, 3), slice(3, 6)):
        assert sorted(index[epoch][weight[epoch] > 0]) == list(range(SAMPLES))
    assert (weight > 0).sum(axis=1).tolist() == [8, 8, 7] * 2
    assert weight.sum(axis=1) == pytest.approx(np.ones(6))
    assert not np.array_equal(index[:3], index[3:])
    assert np.array_equal(EPOCHS.draw(0, 0, np.arange(4, 6))[0], index[4:])
    assert not np.array_equal(EPOCHS.draw(0, 1, np.arange(6))[0], index)
    assert Epochs(3, 8).draw(0, 0, np.arange(1))[1].tolist() == [pytest.approx([1 / 3] * 3)]


def test_a_step_is_that_of_a_plain_loop():
    """The first epochs against optax step by step, with the mean over each batch and weight decay."""
    import optax

    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(0.1, weight_decay=1e-2))
    model = start(0)
    moments = optimiser.init(model)
    index, weight = EPOCHS.draw(0, 0, np.arange(6))
    for batch, count in zip(index, (weight > 0).sum(axis=1), strict=True):
        mine = batch[:count]
        gradient = jax.grad(lambda m, mine=mine: jnp.mean(errors(m, X[mine], Y[mine])))(model)
        updates, moments = optimiser.update(gradient, moments, model)
        model = optax.apply_updates(model, updates)
    ours = trained(changed(phases=(epochs(2),))).weights
    for name, array in model.items():
        assert ours[f"last/{name}"] == pytest.approx(np.asarray(array), rel=1e-4, abs=1e-5)


def test_history_weights_and_counts_are_those_of_the_contract(whole):
    history = whole.history
    assert history["step"].tolist() == list(range(1, 64)) and history["phase"].tolist() == [0] * 27 + [1] * 36
    assert history["epoch"].tolist() == [k // 3 for k in range(27)] + [k // 3 for k in range(36)]
    assert history.loc[history["validation_loss"].notna(), "step"].tolist() == list(range(3, 64, 3))
    assert "validation_worst" in history and "validation_samples" not in history and FAILURES not in history
    assert whole.counts == {"parameters": 32, "steps": 63, "samples": SAMPLES * 21, "ended_in": 1}
    assert whole.fitted is SEGMENTS.fitted and whole.meta == {"unit": "m"}
    for phase, part in history.groupby("phase"):
        assert f"phase{phase}/best/a" in whole.weights
        assert part["validation_loss"].idxmin() < part.index[-1]
    assert not np.array_equal(whole.weights["best/a"], whole.weights["last/a"])


def test_training_learns():
    history = trained(changed(phases=(epochs(30, schedule="cosine"),))).history
    assert history["loss"].iloc[-3:].mean() < 0.2 * history["loss"].iloc[:3].mean()


@pytest.mark.parametrize("stop", [3, 27, 30, 48])
def test_a_training_stopped_by_its_report_resumes_to_the_same_bits(whole, stop):
    """27 ends a phase; each stop is that of a search that prunes, a deadline, or a user."""
    states = {}

    def report(progress):
        states[progress.step] = dict(progress.state())
        assert progress.phase_end == (progress.step in (27, 63)) and progress.total_steps == 63
        return progress.step == stop

    stopped = trained(report=report)
    assert stopped.stopped and stopped.counts["steps"] == stop
    assert_same(trained(state=stopped.state), whole)
    assert_same(trained(state=states[stop]), whole)


def test_chunks_longer_than_a_compiled_call_change_no_bits():
    """Without validation, so that the score is a mean over losses of several calls."""
    phase = CurriculumPhase(steps=2 * CHUNK + 7, learning_rate=0.01, schedule="linear", warmup=0.1)
    config, states = changed(phases=(phase,), validates=False), []
    outcome = trained(config, report=lambda progress: bool(states.append(progress.state())))
    assert len(states) == 36 and outcome.history["validation_loss"].isna().all()
    assert_same(trained(config, state=states[20]), outcome)
    means = outcome.history["loss"].astype(float).groupby(np.arange(phase.steps) // 3).mean()
    assert outcome.state["position/score"] == pytest.approx(means.min(), rel=1e-12)


def test_resuming_from_a_prefix_equals_one_run(whole):
    (prefix,) = CONFIG.prefixes()
    assert_same(trained(state=trained(prefix).state), whole)


def test_a_plateau_lowers_the_rate_and_keeps_the_moments(whole):
    rates = whole.history[whole.history["phase"] == 1]["learning_rate"].to_numpy()
    falls = rates[1:] / rates[:-1]
    assert rates[0] == np.float32(0.5) and set(falls) <= {1.0, 0.5} and 0.5 in falls
    norms = [np.linalg.norm(whole.state[name]) for name in whole.state if name.startswith("optimiser/")]
    assert max(norms) > 0 and 63 in [int(whole.state[n]) for n in whole.state if n.startswith("optimiser/")
                                     and whole.state[n].ndim == 0]  # fmt: skip


def test_a_phase_starts_from_the_best_weights_and_without_moments_where_it_says_so():
    first = epochs(9, learning_rate=1.0)
    before = trained(changed(phases=(first,)))
    assert not np.array_equal(before.weights["best/a"], before.weights["last/a"])

    def second(**how):
        """One epoch at a rate too small to move a weight."""
        return trained(changed(phases=(first, epochs(1, learning_rate=1e-30, **how))))

    for start_from in ("best", "last"):
        after = second(start=start_from)
        assert np.array_equal(after.weights["phase1/last/a"], before.weights[f"{start_from}/a"])
        assert after.weights["phase0/best/a"] is not None
    with_moments, without_moments = second(), second(optimiser_state="reset")
    counters = [
        [int(array) for name, array in outcome.state.items() if name.startswith("optimiser/") and array.ndim == 0]
        for outcome in (with_moments, without_moments)
    ]
    assert counters == [[30], [3]]


def test_the_start_of_a_phase_resumes_to_the_same_bits():
    config = changed(phases=(epochs(9), epochs(4, start="best", optimiser_state="reset", schedule="cosine")))
    states = {}
    outcome = trained(config, report=lambda progress: bool(states.update({progress.step: progress.state()})))
    for step in (27, 30):
        assert_same(trained(config, state=states[step]), outcome)


def test_other_jobs_change_no_bits_and_lanes_learn_the_same(whole):
    jobs = [Job(str(seed), changed(seed=seed), SEGMENTS) for seed in (1, 0, 2)]
    assert_same(list(outcomes(jobs))[1], whole)
    lanes = [Job(str(seed), changed(seed=seed, together=3), SEGMENTS) for seed in (1, 0, 2)]
    assert [len(group) for group in groups([*lanes, jobs[0]])] == [3, 1]
    together = list(outcomes(lanes))
    assert_same(next(outcomes([lanes[1]])), together[1])
    first = slice(0, 12)  # later the plateau's decisions may part by rounding
    np.testing.assert_allclose(together[1].history["loss"][first], whole.history["loss"][first], rtol=1e-3)


def test_a_loss_that_is_not_finite_is_an_outcome_that_spares_the_next_job(whole):
    huge = changed(phases=(epochs(9), epochs(12).model_copy(update={"learning_rate": 1e38})))
    failed, good = outcomes([Job("a", huge, SEGMENTS), Job("b", CONFIG, SEGMENTS)])
    assert isinstance(failed, Failed) and failed.status == "diverged"
    assert failed.place.stage == "train" and failed.place.phase == 1 and 27 <= failed.place.step < 63
    losses = failed.partial.history["loss"]
    assert len(losses) == failed.place.step and np.isfinite(losses).all()
    assert f"last finite loss {losses.iloc[-1]:.6g}" in failed.detail
    assert all(np.isfinite(array).all() for array in failed.partial.weights.values())
    assert_same(good, whole)


def test_a_validation_loss_that_is_not_finite_is_divergence_with_its_place(whole):
    failed, good = outcomes([Job("a", changed(unmeasurable=1), SEGMENTS), Job("b", CONFIG, SEGMENTS)])
    assert isinstance(failed, Failed) and failed.status == "diverged"
    assert (failed.place.stage, failed.place.phase, failed.place.step) == ("train", 1, 30)
    assert failed.detail.startswith("validation loss nan; lower the rate or set clip_norm; last finite loss ")
    assert len(failed.partial.history) == 30 and failed.partial.stopped
    assert np.array_equal(failed.partial.weights["phase0/best/a"], whole.weights["phase0/best/a"])
    assert_same(good, whole)


def test_a_failed_solver_is_distinguished_from_a_diverging_loss():
    (outcome,) = outcomes([Job("a", changed(gives_up=True), SEGMENTS)])
    assert isinstance(outcome, Failed) and outcome.status == "solver_failed" and outcome.place.step == 1
    assert "the solver gave up on 8" in outcome.detail


@pytest.mark.parametrize(
    ("state", "message"),
    [({"counters": np.zeros(3)}, "no state of a training by steps"), (None, "step 36 of phase 1, beyond")],
    ids=["of a torch training", "of a longer curriculum"],
)
def test_a_foreign_state_is_refused(whole, state, message):
    (prefix,) = CONFIG.prefixes()
    with pytest.raises(ValueError, match=message):
        trained(prefix, state=whole.state if state is None else state)


def test_a_cohort_is_compiled_once(whole):
    again = trained(changed(seed=7, phases=(epochs(2, learning_rate=0.01),)))
    assert again.timings["compile"] == again.timings["trace"] == 0
