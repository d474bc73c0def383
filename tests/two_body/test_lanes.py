"""Trainings in lanes of one program: independent of each other, and equal to single trainings but for rounding."""

import numpy as np
import pytest

from tests.two_body.problem_set import ORBITS, job, small
from trainers.common.jax_training.lanes import groups
from trainers.study import Failed, Job, Trained
from trainers.two_body.config import Phase
from trainers.two_body.segment import segment
from trainers.two_body.train import train

pytestmark = pytest.mark.training

PHASES = (
    Phase(steps=6, learning_rate=1e-2, segment_length=5),
    Phase(steps=8, learning_rate=1e-2, segment_length=6, schedule="plateau"),
)
CONFIG = small(phases=PHASES, train_fraction=0.7, together=3)
SEGMENTS = segment(CONFIG.segmentation(), ORBITS)


def lane(seed, rate=1e-2, state=None, **changes):
    phases = tuple(phase.model_copy(update={"learning_rate": rate}) for phase in PHASES)
    config = CONFIG.model_copy(update={"seed": seed, "phases": phases, **changes})
    return Job(f"seed{seed}", config, SEGMENTS, state)


def assert_same(a: Trained, b: Trained) -> None:
    for first, second in ((a.weights, b.weights), (a.state, b.state)):
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
    assert a.history.equals(b.history)


@pytest.fixture(scope="module")
def company():
    return list(train([lane(0), lane(1, rate=3e-3), lane(2)]))


def test_neighbouring_lanes_change_no_bits(company):
    assert [outcome.key for outcome in company] == ["seed0", "seed1", "seed2"]
    (alone,) = train([lane(1, rate=3e-3)])
    assert_same(alone, company[1])
    other = list(train([lane(7), lane(1, rate=3e-3)]))
    assert_same(other[1], company[1])


def test_lanes_learn_like_single_trainings(company):
    for together in company:
        seed = int(together.key.removeprefix("seed"))
        (alone,) = train([lane(seed, rate=3e-3 if seed == 1 else 1e-2, together=1)])
        np.testing.assert_allclose(together.history["loss"], alone.history["loss"], rtol=1e-3)
        assert together.history["learning_rate"].equals(alone.history["learning_rate"])


def test_a_diverging_lane_does_not_affect_the_others(company):
    outcomes = list(train([lane(0), lane(1, rate=1e30), lane(2)]))
    assert isinstance(outcomes[1], Failed) and outcomes[1].status == "diverged"
    assert_same(outcomes[0], company[0])
    assert_same(outcomes[2], company[2])


def test_a_lane_stopped_alone_resumes_to_the_same_bits(company):
    def stopping(progress):
        return progress.key == "seed2" and progress.step >= 4

    outcomes = list(train([lane(0), lane(1, rate=3e-3), lane(2)], stopping))
    assert [outcome.stopped for outcome in outcomes] == [False, False, True]
    assert_same(outcomes[0], company[0])
    (resumed,) = train([lane(2, state=outcomes[2].state)])
    assert_same(resumed, company[2])


def test_groups_differ_only_in_seed_and_rate():
    other = job(CONFIG, "other")
    jobs = [
        lane(0),
        lane(1, rate=1.0),
        lane(2),
        lane(3),
        lane(4, width=9),
        other,
        lane(5, together=1),
        lane(6, together=1),
    ]
    assert [[job.key for job in group] for group in groups(jobs)] == [
        ["seed0", "seed1", "seed2"],
        ["seed3"],
        ["seed4"],
        ["other"],
        ["seed5"],
        ["seed6"],
    ]


def test_groups_resume_at_the_same_step(company):
    assert [len(group) for group in groups([lane(0), lane(2, state=company[2].state)])] == [1, 1]
