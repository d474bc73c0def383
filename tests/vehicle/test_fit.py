"""Logs of one's own: combinations with intervals, caveats, rollouts; other time steps; what cannot be fitted."""

from dataclasses import replace

import numpy as np
import pytest

from assets.sweeps.file_dataset import FileDataset, read_file
from tests.documents import ROOT
from tests.vehicle.cars import F1TENTH, SINGLETRACK
from trainers.common.measurements import conform
from trainers.study import Job, Trained, Trajectories
from trainers.vehicle import STUDY
from trainers.vehicle.config import DatasetConfig, ModelConfig
from trainers.vehicle.dynamics.registry import COMBINED
from trainers.vehicle.segment import combinations_of
from trainers.vehicle.windows.other_step import at_step

pytestmark = pytest.mark.training

MODEL = ModelConfig(kind="prior_mean", refine={"steps": 8}, train_fraction=0.5)
DATA = STUDY.simulate(DatasetConfig(cars=20, runs=1, points=82, seed=0))
LOG = DatasetConfig(cars=2, runs=1, points=164, seed=7, speeds=(4.0,))


@pytest.fixture(scope="module")
def model() -> Trained:
    (made,) = STUDY.train([Job("a", MODEL, STUDY.segment(MODEL.segmentation(), DATA))])
    return made


def own(data: Trajectories) -> Trajectories:
    """Leave out what a user would not know."""
    return replace(data, parameters={}, parameter_units={}, roles={})


@pytest.fixture(scope="module")
def fitted(model):
    data = STUDY.simulate(LOG)
    return data, STUDY.fit(MODEL, model, own(data))


def test_every_log_gets_its_combinations_with_units_and_intervals(fitted):
    data, made = fitted
    rows = made.estimates
    assert rows["parameter"].tolist() == [*COMBINED] * 2 and rows["trajectory"].tolist() == [0] * 6 + [1] * 6
    assert dict(zip(rows["parameter"], rows["unit"], strict=False))["m_over_I"] == "1/m^2"
    truth = combinations_of(data).ravel()
    inside = (rows["lower"] <= truth) & (truth <= rows["upper"])
    assert inside.mean() >= 0.75 and (rows["lower"] < rows["estimate"]).all()
    firm = ~rows["parameter"].isin(["h"])
    off = np.log(rows["estimate"] / truth)[firm]
    assert np.sqrt((off**2).mean()) < 0.25, "8 s of one speed"


def test_a_log_of_two_cars_is_said_to_be_of_another_kind_of_car(fitted, model):
    data, made = fitted
    assert not made.estimates["caveat"].str.contains("disagree").any()
    both = replace(own(data), **{name: getattr(data, name)[:1].copy() for name in ("t", "y", "inputs")})
    both.y[:, 82:], both.inputs[:, 82:] = data.y[1:, 82:], data.inputs[1:, 82:]
    caveats = STUDY.fit(MODEL, model, both).estimates["caveat"]
    assert caveats.str.contains("times as much as noise explains: another kind of car").all()


def test_rollouts_stand_beside_the_log(fitted):
    data, made = fitted
    curves = made.tables["fit_curves"]
    assert set(curves) == {"trajectory", "t", "channel", "measured", "predicted", "lower", "upper"}
    yaw_rate = curves[(curves["channel"] == "yaw_rate") & (curves["trajectory"] == 1)]
    assert len(yaw_rate) == 164 and np.array_equal(yaw_rate["measured"], data.y[1, :, 5])
    assert (yaw_rate["measured"] - yaw_rate["predicted"]).std() < 0.1
    parameters = made.tables["parameters"]
    assert {"mu", "C_Sf", "C_Sr", "lf", "lr", "h", "m", "I"} == set(parameters["parameter"])


def test_a_finer_log_is_thinned_and_one_that_does_not_divide_is_interpolated(model):
    fine = STUDY.fit(MODEL, model, own(STUDY.simulate(LOG.model_copy(update={"time_step": 1, "points": 820}))))
    between = STUDY.fit(MODEL, model, own(STUDY.simulate(LOG.model_copy(update={"time_step": 2, "points": 410}))))
    assert not fine.estimates["caveat"].str.contains("interpolated").any()
    assert between.estimates["caveat"].str.startswith("interpolated to 0.05 s").all()
    truth = combinations_of(STUDY.simulate(LOG)).ravel()
    for made in (fine, between):
        inside = (made.estimates["lower"] <= truth) & (truth <= made.estimates["upper"])
        assert inside.mean() >= 0.75


def test_a_log_at_another_step_is_the_same_log():
    fine = STUDY.simulate(LOG.model_copy(update={"time_step": 2, "points": 401, "noise": 0.0}))
    made = at_step(own(fine), 0.05)
    assert made.t[0] == pytest.approx(0.05 * np.arange(161)) and made.y.shape == (2, 161, 7)
    steering = made.y[0, :1, 2] + np.concatenate([[0.0], 0.05 * np.cumsum(made.inputs[0, :-1, 0])])
    assert steering == pytest.approx(np.interp(made.t[0], fine.t[0], fine.y[0, :, 2]), abs=2e-4)


def test_a_car_unlike_those_of_the_training_is_called_so(model):
    log = own(STUDY.simulate(LOG.model_copy(update={"friction": (0.15,), "cars": 1})))
    rows = STUDY.fit(MODEL, model, log).estimates.set_index("parameter")
    assert "outside of the training cars" in rows.loc["mu_C_Sf", "caveat"]


def test_what_is_known_is_called_known(model):
    known = MODEL.model_copy(update={"known": {"lf": 0.2}})
    row = STUDY.fit(known, model, own(STUDY.simulate(LOG))).estimates.set_index("parameter").loc["lf"].iloc[0]
    assert row["estimate"] == pytest.approx(0.2) and row["lower"] == row["upper"] and "known" in row["caveat"]


def test_a_log_that_is_too_short_is_refused_in_one_line(model):
    with pytest.raises(ValueError, match="trajectory 0 has no whole window of 2 s; expected a longer log"):
        STUDY.fit(MODEL, model, own(STUDY.simulate(LOG.model_copy(update={"points": 30}))))


def test_dynamics_without_combinations_cannot_be_fitted(model):
    learned = ModelConfig(dynamics="mlp-dynamics")
    with pytest.raises(ValueError, match=r"no weights|has no combinations of parameters"):
        STUDY.fit(learned, model, own(STUDY.simulate(LOG)))


def test_the_example_is_a_published_car(model):
    """Through the reader of one's own files, with every channel and unit declared."""
    channels = dict(zip((*DATA.names, *DATA.input_names), (*DATA.units, *DATA.input_units), strict=True))
    log = read_file(
        FileDataset.model_validate(
            {
                "file": str(ROOT / "examples" / "vehicle_log.csv"),
                "time": "t",
                "time_unit": "s",
                "columns": {name: name for name in DATA.names},
                "inputs": {name: name for name in DATA.input_names},
                "units": channels,
            }
        )
    )
    rows = STUDY.fit(MODEL, model, conform(log, DATA)).estimates.set_index("parameter")
    truth = dict(zip(COMBINED, SINGLETRACK.combine(F1TENTH), strict=True))
    for name in ("mu_C_Sf", "mu_C_Sr", "lf", "lr", "m_over_I"):
        assert rows.loc[name, "estimate"] == pytest.approx(truth[name], rel=0.15), name
