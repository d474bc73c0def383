"""Golden numbers: small trainings, a baseline and a refined estimate reproduce what `golden.json` holds.

`python -m tests.preference_dynamics.test_golden` writes the file anew; say in the commit why a number moved. The same
machine reproduces it to the last digit. Tolerances allow for another CPU, BLAS or build of torch, in which sums are
rounded in another order:

    learning_rate              1e-12   double precision, no sums
    loss, norm of weights      1e-4    single precision: 6e-8 a step, amplified by the steps of the training
    everything of ridge        1e-8    double precision: one linear solve, and series that follow from it
    fitted, summary            2e-3    a median, a rank or a quantile may take a neighbouring value
    summary of pinn, refined   2e-2    series of poor parameters grow exponentially; a descent may end one iteration
                                       earlier, at a relative change of 1e-7 of what it minimises
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
STUDY = STUDIES["preference_dynamics"]
SMALL = {"filters": (4, 8), "hidden": (8,), "batch_size": 16, "learning_rate": 1e-2}
POSTERIOR = SMALL | {"kind": "posterior", "loss": {"name": "nll", "forecast_weight": 0.1}, "bins": 4}
PINN = {"kind": "pinn", "features": ("time_step", "log_scale"), "dropout": 0.0}
RIDGE = {"kind": "ridge", "features": ("steady_state", "summary")}
CASES = {
    "residual": SMALL | {"epochs": 6, "loss": {"residual": 0.1}, "schedule": "warmup_cosine"},
    "cnn": SMALL | {"kind": "cnn", "epochs": 12, "patience": 2, "optimiser": "adamw", "loss": {"name": "huber"}},
    "pinn": SMALL | PINN | {"epochs": 20, "batch_size": 8},
    "ridge": RIDGE,
    "posterior": POSTERIOR | {"epochs": 5, "seed": 1, "schedule": "cosine"},
    "refined": POSTERIOR | {"epochs": 5, "seed": 1, "refine": {"steps": 10, "starts": 2}},
}
TOLERANCE = {"learning_rate": 1e-12, "loss": 1e-4, "validation_loss": 1e-4, "norm": 1e-4, "fitted": 2e-3}
SUMMARY = {"ridge": 1e-8, "pinn": 2e-2, "refined": 2e-2}
"""Relative tolerance of the summary of a case; 2e-3 elsewhere."""


@cache
def data():
    """Return training and test series: 60 and 16, one action, noise of 2 %."""
    settings = {"points": 61, "noise": (0.02, 0.02)}
    return (
        STUDY.simulate(STUDY.dataset(trajectories=60, seed=5, **settings)),
        STUDY.simulate(STUDY.dataset(trajectories=16, seed=1005, **settings)),
    )


def measured(name):
    """Return the numbers of a case: history, norms of weights, what is fitted, summary of the evaluation."""
    train, test = data()
    config = STUDY.model(**CASES[name])
    job = Job(name, config, STUDY.segment(config.segmentation(), train))
    trained = next(STUDY.train([job]))
    summary = STUDY.evaluate(config, trained, test).summary
    columns = ("learning_rate", "loss", "validation_loss")
    return {
        **{column: trained.history[column].tolist() for column in columns},
        "norm": {key: float(np.linalg.norm(value)) for key, value in sorted(trained.weights.items())},
        "fitted": {
            key: trained.fitted[key].tolist() for key in ("interval_factor", "validation_rmse") if key in trained.fitted
        },
        "summary": dict(zip(summary["metric"], summary["value"], strict=True)),
    }


@cache
def golden():
    return json.loads(PATH.read_text())


@pytest.mark.parametrize("name", CASES)
def test_a_case_reproduces_its_golden_numbers(name):
    expected, actual = _flat(golden()[name]), _flat(measured(name))
    assert actual.keys() == expected.keys()
    for quantity, value in expected.items():
        kind = quantity.partition("/")[0]
        tolerance = SUMMARY.get(name, 2e-3) if kind == "summary" or name == "ridge" else TOLERANCE[kind]
        np.testing.assert_allclose(actual[quantity], value, rtol=tolerance, atol=1e-12, err_msg=quantity)


def _flat(case):
    """Return arrays by `quantity` or `quantity/name`; null in the file is NaN."""
    named = {f"{kind}/{name}": v for kind, part in case.items() if isinstance(part, dict) for name, v in part.items()}
    named |= {kind: part for kind, part in case.items() if not isinstance(part, dict)}
    return {quantity: np.array(value, dtype=float) for quantity, value in named.items()}


def _plain(value):
    """Return `value` with NaN as None, for JSON."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return None if np.isnan(value) else value


if __name__ == "__main__":
    PATH.write_text(json.dumps({name: _plain(measured(name)) for name in CASES}, indent=1) + "\n")
