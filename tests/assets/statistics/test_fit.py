"""A stored model on data of one's own: read, compared with the training data, named as in the file, never assumed."""

import numpy as np
import pandas as pd
import pytest

from assets.statistics.sweep_table import Loaded, load
from assets.store.store import Missing, Store
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig
from tests.toy_study.items import make, make_inputs, toy_model
from trainers import STUDIES

FILE = {"columns": {"x": "pos", "v": "vel"}, "units": {"x": "m", "v": "m/s"}, "time_unit": "s", "trajectory": "run"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(tmp_path_factory.mktemp("fit") / "home"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        store = Store()
        make_inputs(store, toy_model())
        make(store, toy_model())
        yield store


@pytest.fixture
def model(store) -> Loaded:
    return load("toy", toy_model().hash, store)


def oscillation(amplitude: float, points: int = 20) -> pd.DataFrame:
    t = 0.2 * np.arange(points)
    return pd.DataFrame({"t": t, "pos": amplitude * np.cos(t), "vel": -amplitude * np.sin(t)})


@pytest.fixture
def own(tmp_path):
    """Write oscillations to a file and describe it."""

    def write(rows: pd.DataFrame | None = None, **changes):
        if rows is None:
            parts = {"NA": oscillation(1.0), "01": oscillation(0.7, points=12)}
            rows = pd.concat([part.assign(run=name) for name, part in parts.items()])
        rows.to_csv(tmp_path / "own.csv", index=False)
        return {"file": str(tmp_path / "own.csv"), **FILE} | changes

    return write


def test_estimates_bear_the_names_of_the_file(model, own):
    result = model.fit(own())
    assert list(result.estimates["trajectory"]) == ["NA", "01"] and result.level == 0.9
    assert np.allclose(result.estimates["estimate"], [1.0, 0.7])
    curves = result.tables["fit_curves"]
    assert set(curves["trajectory"]) == {"NA", "01"} and len(curves[curves["trajectory"] == "01"]) == 2 * 11


def test_what_was_read_stands_beside_the_estimates(model, own):
    settings = own()
    data = model.fit(settings).data
    assert data["file"] == settings["file"] and len(data["content_sha256"]) == 64
    assert data["columns"] == FILE["columns"] and data["units"] == FILE["units"]


def test_channels_may_be_declared_in_any_order(model, own):
    turned = model.fit(own(columns={"v": "vel", "x": "pos"}))
    pd.testing.assert_frame_equal(turned.estimates, model.fit(own()).estimates)


def test_trajectories_in_memory_are_fitted_by_their_numbers(model):
    from dataclasses import replace

    data = STUDY.simulate(DatasetConfig(trajectories=3, seed=7))
    result = model.fit(replace(data, parameters={}, parameter_units={}))
    assert list(result.estimates["trajectory"]) == ["0", "1", "2"] and result.data == {}
    assert np.allclose(result.estimates["estimate"], data.parameters["amplitude"])


def test_data_beyond_the_training_data_have_a_caveat(model, own):
    result = model.fit(own(oscillation(50.0).assign(run="far")))
    assert list(result.estimates["caveat"]) == ["larger than in training"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"units": {"x": "km", "v": "m/s"}}, "channel 'x' is in 'km'; the model was trained on 'm': convert"),
        ({"time_unit": "h"}, "the time is in 'h'; the model was trained on 's'"),
        ({"columns": {"x": "pos"}, "units": {"x": "m"}}, "the data have no channel v \\[m/s\\]; the model needs x, v"),
        ({"columns": {"x": "pos", "w": "vel"}, "units": {"x": "m", "w": "1"}}, "channel 'w' is none of the model's"),
        ({"inputs": {"u": "vel"}, "units": FILE["units"] | {"u": "N"}}, "control input 'u' is none of the model's: it"),
        (
            {"constants": {"amplitude": 1.0}, "units": FILE["units"] | {"amplitude": "m"}},
            "parameter 'amplitude' is given, but the model estimates it",
        ),
        ({"columns": {"x": "position", "v": "vel"}}, "has no 'position'; it has 't', 'pos', 'vel', 'run'; nearest to"),
        ({"units": {"x": "m"}}, "units are given for \\['x'\\]"),
        ({"time_unit": None}, "time_unit: given None; expected text"),
        ({"colour": "red"}, "colour: unknown key 'colour'; nearest: "),
        ({"file": "nowhere.csv"}, "nowhere.csv is not there"),
    ],
)
def test_what_does_not_agree_with_the_training_data_is_refused_in_one_line(model, own, changes, text):
    with pytest.raises(ValueError, match=text) as error:
        model.fit(own(**changes))
    assert "\n" not in str(error.value)


def test_every_field_that_is_wrong_is_named(model, own):
    with pytest.raises(ValueError) as error:
        model.fit(own(time_unit=3, columns=4))
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["columns", "time_unit"]


def test_a_series_that_the_study_cannot_use_is_refused(model, own):
    with pytest.raises(ValueError, match="trajectory 0 has 3 points; expected at least 4"):
        model.fit(own(oscillation(1.0, points=3).assign(run="short")))


def test_without_the_training_data_nothing_is_compared_and_nothing_estimated(store, model, own):
    from assets.statistics.sweep_table import dataset_address

    address = dataset_address(store, "toy", model.manifest)
    place = store.path(*address)
    place.rename(place.with_name("elsewhere"))
    try:
        with pytest.raises(Missing, match="is not in the store; run its sweep"):
            model.fit(own())
    finally:
        place.with_name("elsewhere").rename(place)
