"""Golden numbers: small trainings and baselines reproduce what `golden.json` holds.

`python -m tests.urease.test_golden` writes the file anew; say in the commit why a number moved. The same machine
reproduces it to the last digit. Tolerances allow for another CPU, BLAS or build of torch, in which sums are rounded in
another order:

    learning_rate          1e-12   double precision, no sums
    curves                 1e-6    double precision, and steps that a control chooses
    loss, norm of weights  1e-4    single precision: 6e-8 a step, amplified by the steps of the training
    summary                2e-2    quantiles of samples, and shares that change by one curve; of counts of few
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from trainers import STUDIES
from trainers.study import Job

pytestmark = pytest.mark.training

PATH = Path(__file__).with_name("golden.json")
STUDY = STUDIES["urease"]
TWO = {"durations": (30.0, 60.0)}
SMALL = TWO | {"filters": (4,), "known_hidden": (8,), "components": 6, "batch_size": 32, "epochs": 3}
COSINE = {"schedule": {"name": "cosine", "warmup_epochs": 1}, "learning_rate": 5e-3}
CASES = {
    "posterior": SMALL | COSINE | {"embedding": (16,), "flow": {"transforms": 1, "hidden": (8,), "bins": 4}},
    "posterior_around": SMALL
    | COSINE
    | {"base": "laplace", "redraw": False}
    | {"embedding": (16,), "flow": {"transforms": 1, "hidden": (8,), "bins": 4}},
    "gaussian": SMALL
    | {"kind": "gaussian", "epochs": 8, "schedule": {"warmup_epochs": 2, "patience": 1}, "dropout": 0.1}
    | {"gaussian": {"variance_weight": 0.01}, "pooling": {"name": "average"}},
    "trees": TWO | {"kind": "trees"},
    "laplace": TWO | {"kind": "laplace", "recalibrate": False},
}
TOLERANCE = {"learning_rate": 1e-12, "curves": 1e-6, "loss": 1e-4, "validation_loss": 1e-4, "norm": 1e-4}
SCORES = ("crps", "baseline", "error_activity", "error_k_d", "crps_30s", "crps_60s", "forecast_rmse")
"""Of the summary: means over many numbers, which one curve does not change by much."""


@cache
def data():
    """Return training and test curves: 120 and 12 of version v3, 60 s."""
    sets = (STUDY.dataset(trajectories=n, seed=seed, duration=60.0) for n, seed in ((120, 5), (12, 1005)))
    return tuple(map(STUDY.simulate, sets))


def measured(name):
    """Return the numbers of a case: readings, history, norms of weights, scores of the evaluation."""
    train, test = data()
    config = STUDY.model(**CASES[name])
    trained = next(STUDY.train([Job(name, config, STUDY.segment(config.segmentation(), train))]))
    summary = STUDY.evaluate(config, trained, test).summary.set_index("metric")["value"]
    return {
        "curves": test.y[:4, ::15, 1].ravel().tolist(),
        **{column: trained.history[column].tolist() for column in ("learning_rate", "loss", "validation_loss")},
        "norm": {key: float(np.linalg.norm(trained.weights[key])) for key in sorted(trained.weights)},
        "summary": {metric: float(summary[metric]) for metric in SCORES},
    }


@cache
def golden():
    return json.loads(PATH.read_text())


@pytest.mark.parametrize("name", CASES)
def test_a_case_reproduces_its_golden_numbers(name):
    expected, actual = _flat(golden()[name]), _flat(measured(name))
    assert actual.keys() == expected.keys()
    for quantity, value in expected.items():
        tolerance = TOLERANCE.get(quantity.partition("/")[0], 2e-2)
        # Attention does not change when its last bias does, so that rounding alone moves that bias: by some 1e-5.
        floor = 1e-4 if quantity.endswith("pool.second.bias") else 1e-12
        np.testing.assert_allclose(actual[quantity], value, rtol=tolerance, atol=floor, err_msg=quantity)


def _flat(case):
    """Return arrays by `quantity` or `quantity/name`."""
    named = {f"{kind}/{name}": v for kind, part in case.items() if isinstance(part, dict) for name, v in part.items()}
    named |= {kind: part for kind, part in case.items() if not isinstance(part, dict)}
    return {quantity: np.array(value, dtype=float) for quantity, value in named.items()}


if __name__ == "__main__":
    PATH.write_text(json.dumps({name: measured(name) for name in CASES}, indent=1) + "\n")
