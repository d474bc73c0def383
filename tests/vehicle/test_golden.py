"""Numbers that must not change by accident: a rollout, a run, a training, an estimate, each with its tolerance."""

import numpy as np
import pytest

from tests.vehicle.cars import F1TENTH, drive, states, swerving
from trainers.study import Job
from trainers.vehicle import STUDY
from trainers.vehicle.config import DatasetConfig

pytestmark = pytest.mark.training

DATA = DatasetConfig(cars=12, runs=2, points=82, seed=3)


def test_a_rollout():
    end = [3.784323923691236, -3.7233253949316083, -0.009433965153141688, 3.0499425933499875, -1.2758404314921656,
           -0.039541911416886455, -0.001405875697558959]  # fmt: skip
    assert drive(F1TENTH, states(speed=3.0), swerving(40))[-1, :, 0] == pytest.approx(end, rel=1e-9, abs=1e-10)


def test_a_simulated_run():
    made = STUDY.simulate(DATA)
    end = [-3.2528841343581982, 11.229983040706598, 0.06557172919935275, 2.5901951000368304, 1.726010539888102,
           0.2541843034245682, 0.0031262558778896695]  # fmt: skip
    assert made.y[5, -1] == pytest.approx(end, rel=1e-8)
    assert made.parameters["mu_C_Sf"][5] == pytest.approx(1.7675369920830264, rel=1e-12)


def test_a_training():
    settings = {"hidden": (16,), "substeps": 2, "window": 21, "batch_size": 32, "train_fraction": 0.8}
    model = STUDY.model.model_validate({**settings, "phases": [{"steps": 6, "learning_rate": 3e-3}]})
    (made,) = STUDY.train([Job("a", model, STUDY.segment(model.segmentation(), STUDY.simulate(DATA)))])
    losses = [1.8782098, 1.7217350, 1.9387901, 1.5633458, 1.7362589, 1.6766238]
    assert np.asarray(made.history["loss"]) == pytest.approx(losses, rel=1e-3)
    assert made.history["validation_loss"].iloc[-1] == pytest.approx(0.9649843, rel=1e-3)


def test_an_estimate():
    settings = {"kind": "prior_mean", "refine": {"steps": 6}, "window": 21, "train_fraction": 0.8, "substeps": 2}
    model, data = STUDY.model.model_validate(settings), STUDY.simulate(DATA)
    (made,) = STUDY.train([Job("a", model, STUDY.segment(model.segmentation(), data))])
    predictor = STUDY.apply(model, made)
    logarithm, half_width = predictor.intervals(predictor.estimate(data))
    estimate = [1.2395608, 2.8910745, 32.0284371, 0.2533504, 0.1218970, 0.1726527]
    assert np.exp(logarithm[0]) == pytest.approx(estimate, rel=1e-4)
    assert half_width[0] == pytest.approx([0.1094499, 0.1279883, 0.1206000, 0.1193634, 0.1217720, 0.6535597], rel=1e-3)
