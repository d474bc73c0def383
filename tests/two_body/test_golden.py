"""The numbers of the study from end to end, as they were when `golden.json` was written."""

import json

import numpy as np
import pytest

from tests.two_body.golden import CONFIGURATIONS, FILE, TOLERANCES, measure

pytestmark = pytest.mark.training

GOLDEN = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def measured():
    return measure()


@pytest.mark.parametrize("quantity", TOLERANCES)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_numbers_are_the_golden_ones(measured, name, quantity):
    expected, actual = (
        {key: value for key, value in numbers[name].items() if key.startswith(f"{quantity}/")}
        for numbers in (GOLDEN, measured)
    )
    assert actual.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(actual[key], value, rtol=TOLERANCES[quantity], atol=0, err_msg=key)


def test_golden_cases_exercise_the_plateau_and_the_signed_head():
    rates = GOLDEN["signed"]["learning_rate/0"]
    assert rates[20] == pytest.approx(0.03) and rates[-1] == pytest.approx(0.0075)
    assert GOLDEN["signed"]["summary/flip_rate"] >= 0
