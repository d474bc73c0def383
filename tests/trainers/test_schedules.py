"""Learning rates against their formulas, and the plateau rule against its count of checks."""

import numpy as np
import pytest

from trainers.common.config import CurriculumPhase, HorizonCurriculum
from trainers.common.curriculum import horizon_points, phase_rates, schedule_of
from trainers.common.schedules import Plateau, Schedule, after_check, learning_rates, schedule_named

STEPS = np.arange(10)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", np.ones(10)),
        ("plateau", np.ones(10)),
        ("linear", 1 - STEPS / 10),
        ("cosine", (1 + np.cos(np.pi * STEPS / 10)) / 2),
        ("warmup_cosine", [1.0, *(1 + np.cos(np.pi * np.arange(9) / 9)) / 2]),
        (Schedule(shape="linear", final=0.2), 0.2 + 0.8 * (1 - STEPS / 10)),
        (Schedule(shape="cosine", final=0.5), 0.5 + 0.25 * (1 + np.cos(np.pi * STEPS / 10))),
        (Schedule(warmup=0.4), [0.25, 0.5, 0.75, *np.ones(7)]),
        (Schedule(shape="plateau", warmup=0.2), [0.5, *np.ones(9)]),
        (Schedule(shape="linear", warmup=0.5), [0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2]),
    ],
)
def test_rates_follow_their_formula(schedule, expected):
    np.testing.assert_allclose(learning_rates(schedule, 3e-3, STEPS, 10), 3e-3 * np.array(expected), rtol=1e-12)


def test_a_warm_up_may_start_above_zero():
    """Four of ten steps rise from 0.5 to the peak; then the rate falls linearly to a fifth of it."""
    schedule = Schedule(shape="linear", warmup=0.4, start=0.5, final=0.2)
    rates = learning_rates(schedule, 2.0, np.arange(10), 10)
    np.testing.assert_allclose(rates[:4], 2 * np.array([0.625, 0.75, 0.875, 1.0]))
    np.testing.assert_allclose(rates[4:], 2 * (1 - 0.8 * np.arange(6) / 6))


def test_schedules_agree_with_optax():
    optax = pytest.importorskip("optax")
    k = np.arange(200)
    assert learning_rates("constant", 0.1, k, 200) == pytest.approx(np.full(200, 0.1))
    assert learning_rates("cosine", 0.1, k, 200) == pytest.approx(
        np.asarray(optax.cosine_decay_schedule(0.1, 200)(k)), rel=1e-4, abs=1e-7
    )
    warm = learning_rates("warmup_cosine", 0.1, k, 200)
    assert warm[:10] == pytest.approx(0.1 * np.arange(1, 11) / 10)
    assert warm[10:] == pytest.approx(np.asarray(optax.cosine_decay_schedule(0.1, 190)(k[:-10])), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "warmup_cosine", "plateau"])
def test_a_rate_depends_on_its_step_alone_and_is_positive(schedule):
    whole = learning_rates(schedule, 1e-3, np.arange(7), 7)
    assert np.array_equal(whole[3:5], learning_rates(schedule, 1e-3, np.arange(3, 5), 7))
    assert (whole > 0).all()
    assert learning_rates(schedule, 1e-3, np.arange(1), 1) == pytest.approx([1e-3])


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="'step'; expected constant, linear, cosine, warmup_cosine or plateau"):
        learning_rates("step", 1.0, STEPS, 10)


def test_the_defaults_are_the_former_plateau_rule():
    rule, plateau = schedule_named("plateau"), Plateau()
    factors = [(plateau := plateau.update(score, rule)).factor for score in [1.0] * 61]
    assert factors[:6] == [1.0] * 5 + [0.5]
    assert factors[10] == 0.25 and factors[-1] == 2.0**-10
    assert Plateau(best=1.0).update(0.9995, rule).stalled == 1
    assert Plateau(best=1.0).update(0.998, rule).stalled == 0
    for _ in range(200):
        plateau = plateau.update(np.nan, rule)
    assert plateau.factor == rule.floor


def test_factor_patience_and_floor_are_settings():
    schedule, plateau, factors = Schedule(shape="plateau", factor=0.7, patience=2, floor=0.4), Plateau(), []
    for _ in range(9):
        plateau = after_check(schedule, plateau, 1.0, 0, 100)
        factors.append(plateau.factor)
    assert factors == pytest.approx([1, 1, 0.7, 0.7, 0.49, 0.49, 0.4, 0.4, 0.4])


def test_checks_during_the_warm_up_do_not_lower_the_rate():
    schedule, plateau = Schedule(shape="plateau", warmup=0.5, patience=1), Plateau()
    for step in range(1, 50):
        plateau = after_check(schedule, plateau, float(step), step, 100)
    assert plateau == Plateau()
    assert after_check(schedule, after_check(schedule, plateau, 1.0, 50, 100), 2.0, 51, 100).factor == 0.5


def test_schedules_without_a_plateau_rule_keep_their_rate():
    assert after_check(schedule_named("cosine"), Plateau(best=0.0), 1.0, 50, 100) == Plateau(best=0.0)


@pytest.mark.parametrize(
    ("schedule", "depends"),
    [(Schedule(), False), (Schedule(shape="plateau"), False), (Schedule(shape="linear"), True),
     (Schedule(shape="cosine"), True), (Schedule(warmup=0.1), True)],
)  # fmt: skip
def test_depends_on_length_says_where_a_longer_phase_begins_with_other_rates(schedule, depends):
    assert schedule.depends_on_length is depends
    shorter, longer = (learning_rates(schedule, 1.0, np.arange(20), steps) for steps in (20, 40))
    assert np.array_equal(shorter, longer) is not depends


def test_flat_fields_of_a_phase_are_a_schedule():
    assert schedule_of(CurriculumPhase(steps=1)) == Schedule()
    assert schedule_of(CurriculumPhase(steps=1, schedule="plateau")) == Schedule(shape="plateau")
    assert schedule_of(CurriculumPhase(steps=1, schedule="warmup_cosine")) == Schedule(shape="cosine", warmup=0.05)
    assert schedule_of(CurriculumPhase(steps=1, schedule="warmup_cosine", warmup=0.2)).warmup == 0.2
    phase = CurriculumPhase(steps=10, schedule="plateau", warmup=0.1, plateau_factor=0.7, plateau_patience=9)
    assert schedule_of(phase) == Schedule(shape="plateau", warmup=0.1, factor=0.7, patience=9)
    assert phase_rates(phase, STEPS).tolist() == learning_rates(schedule_of(phase), 1e-3, STEPS, 10).tolist()


def test_a_horizon_switches_or_grows():
    assert (
        horizon_points(HorizonCurriculum(first=5, over=4, growth="switch"), np.arange(6), 10).tolist()
        == [5] * 4 + [10] * 2
    )
    assert horizon_points(HorizonCurriculum(first=2, over=4), np.arange(6), 10).tolist() == [2, 4, 6, 8, 10, 10]
    assert horizon_points(HorizonCurriculum(first=20, over=4), np.arange(3), 10).tolist() == [10] * 3
