"""Data of one's own: what they declare is compared, converted or refused, and ids are read as they are written."""

import numpy as np
import pandas as pd
import pytest

from assets.stages.freshness import Planner
from assets.stages.make import run
from assets.store.contract_files import read_trajectories
from assets.store.store import Store
from assets.sweeps.file_dataset import FileDataset, declared, read_file, read_labelled
from assets.sweeps.yaml_loader import SweepError
from tests.bad_inputs.inputs import FOLDER, dataset, loaded, made, path_of, settings, write
from trainers import STUDIES
from trainers.preference_dynamics.segment import segment as segment_series
from trainers.study import Trajectories
from trainers.two_body.config import SegmentationConfig, SegmentationPhase
from trainers.two_body.segment import segment

ORBITS = STUDIES["two_body"]
KM = {"units": dict.fromkeys("xyz", "km") | dict.fromkeys(("vx", "vy", "vz"), "km/s"), "time_unit": "s"}
DEGREES = {
    "semi_major_axis": "km",
    "eccentricity": "1",
    "inclination": "deg",
    "raan": "deg",
    "argument_of_perigee": "deg",
    "true_anomaly": "deg",
    "period": "s",
}


def elements(**units: str):
    own = dataset("du.csv")
    return dataset("elements.csv", parameters={name: name for name in DEGREES}, units={**own.units, **DEGREES, **units})


@pytest.mark.training
def test_orbits_in_km_and_seconds_are_those_of_the_problem(fresh_home):
    table = made(loaded(path_of("km"))).set_index("model.kind")
    assert (table["status"] == "ok").all()
    assert table["position_error"]["true_law"] < 1e-4
    assert 100 < table["position_error"]["mean_acceleration"] < 1000


def test_km_become_the_units_of_the_problem():
    in_km, in_du = (ORBITS.accept(read_file(one)) for one in (dataset("km.csv", **KM), dataset("du.csv")))
    np.testing.assert_allclose(in_km.y, in_du.y, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(in_km.t, in_du.t, rtol=1e-12)
    assert (in_km.units, in_km.time_unit) == (in_du.units, in_du.time_unit) == (("DU",) * 3 + ("DU/TU",) * 3, "TU")
    assert in_km.meta["mu"] == 1.0 and in_km.meta["time_unit_s"] == pytest.approx(806.811, abs=1e-3)


@pytest.mark.training
def test_columns_in_another_order_are_put_in_order(fresh_home):
    table = made(loaded(path_of("order")))
    assert table["position_error"].tolist() == [pytest.approx(0, abs=1e-4)]


def test_elements_in_km_and_degrees_are_converted():
    parameters = ORBITS.accept(read_file(elements())).parameters
    first = pd.read_csv(FOLDER / "data/elements.csv").iloc[0]
    assert parameters["semi_major_axis"][0] == pytest.approx(first["semi_major_axis"] / 6378.137, rel=1e-12)
    assert parameters["inclination"][0] == pytest.approx(np.deg2rad(first["inclination"]), rel=1e-12)


REFUSED = [
    (
        dataset("km.csv", **KM, meta={"problem": "two_body", "mu": 1.0}),
        r"meta.mu is 1 in the units of the data; expected 398600.4418",
    ),
    (dataset("km.csv", **KM, meta={"problem": "two_body", "mu": 42828.4}), r"meta.mu is 42828.4"),
    (dataset("du.csv", meta={"problem": "two_body", "mu": 398600.4418}), "meta.mu is 398600.4418 .* expected 1, "),
    (dataset("du.csv", meta={"problem": "two_body", "time_unit_s": 1.0}), "meta.time_unit_s is 1 in"),
    (dataset("du.csv", meta={}), "meta has no problem; expected one of cr3bp"),
    (dataset("du.csv", meta={"problem": "two-body"}), "meta.problem is 'two-body'; expected one of two_body"),
    (dataset("du.csv", time_unit="km"), "the time is in 'km'; expected 'TU' or a unit that converts to it"),
    (dataset("du.csv", columns={"x": "x", "q": "y"}, units={"x": "DU", "q": "DU"}), "channel 'q' is unknown"),
    (dataset("du.csv", columns={"x": "x", "y": "y"}, units={"x": "DU", "y": "DU"}), "the data lack z, vx, vy, vz"),
    (dataset("du.csv", inputs={"thrust": "x"}, units={**dataset("du.csv").units, "thrust": "1"}), "inputs are given"),
    (elements(semi_major_axis="kg"), "parameter 'semi_major_axis' is in 'kg'"),
    (elements(inclination="parsecs per"), "parameter 'inclination' is in 'parsecs per'; expected 'rad'"),
]


@pytest.mark.parametrize(("own", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
def test_what_is_declared_wrongly_is_refused_where_the_sweep_is_read(own, problem, tmp_path):
    with pytest.raises(ValueError, match=problem) as refused:
        ORBITS.accept(declared(own))
    assert "\n" not in str(refused.value)
    text = own.model_dump(mode="json", exclude_defaults=True)
    for number, content in enumerate(({"base": {"dataset": text}}, {"tests": [{"own": text}]})):
        file = write(tmp_path, {"study": "two_body", **content}, f"own{number}")
        with pytest.raises(SweepError, match=problem) as found:
            loaded(file)
        assert [line.split(": ")[1] for line in found.value.problems] == [("dataset", "tests")[number]]


AGAINST_THE_DATA = [
    (dataset("km.csv"), r"the data accelerate .* times as much as problem two_body says"),
    (dataset("du.csv", meta={"problem": "harmonic_oscillator"}), "times as much as problem harmonic_oscillator says"),
    (dataset("du.csv", columns={**dataset("du.csv").columns, "vx": "vy", "vy": "vx"}), "times as much"),
    (elements(semi_major_axis="DU", period="TU"), "the elements of trajectory 0 give a first state .* away"),
    (elements(true_anomaly="rad"), "the elements of trajectory 0 give a first state .* away"),
]


@pytest.mark.parametrize(("own", "problem"), AGAINST_THE_DATA, ids=[problem for _, problem in AGAINST_THE_DATA])
def test_what_the_data_contradict_is_refused_when_they_are_read(own, problem):
    ORBITS.accept(declared(own))
    with pytest.raises(ValueError, match=problem):
        ORBITS.accept(read_file(own))


def test_a_row_without_an_id_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"nanid.csv: 'orbit' is empty at row \d+; expected the name of a trajectory"):
        read_file(dataset("nanid.csv"))


def test_ids_are_text_as_it_is_written(tmp_path):
    trajectories, labels = read_labelled(dataset("na_text.csv"))
    assert labels == ("NA", "AA", "BB", "CC") and len(trajectories.t) == 4
    renamed = pd.read_csv(FOLDER / "data/na_text.csv", keep_default_na=False)
    renamed["orbit"] = renamed["orbit"].map({"NA": "NA", "AA": "null", "BB": "01", "CC": "1"})
    renamed.to_csv(tmp_path / "own.csv", index=False)
    own = dataset("na_text.csv").model_dump(exclude={"content_sha256"}) | {"file": str(tmp_path / "own.csv")}
    assert read_labelled(FileDataset.model_validate(own)).labels == ("NA", "null", "01", "1")


def test_a_trajectory_without_a_number_is_refused_by_its_name():
    with pytest.raises(ValueError, match=r"empty.npz: trajectory \d holds no finite value"):
        read_file(dataset("empty.npz"))


def series(file: str) -> Trajectories:
    """Return series of desires and efforts, x and vx of a file, with made-up unknowns."""
    own = dataset(file, columns={"u_0": "x", "a_0": "vx"}, units={"u_0": "1", "a_0": "1"}, time_unit="1", meta={})
    made_of = STUDIES["preference_dynamics"].accept(read_file(own))
    names = ("g_0", "mu_0", "Pi_0,0", "Gamma_0,0", "v0_0", "m0_0")
    parameters = {name: np.linspace(0.1, 1.0, len(made_of.t)) for name in names}
    return Trajectories(made_of.t, made_of.y, made_of.names, made_of.units, "1", parameters=parameters)


def test_series_at_other_times_are_refused_where_they_are_cut():
    config = STUDIES["preference_dynamics"].model(train_fraction=0.5).segmentation()
    with pytest.raises(ValueError, match="the series have different times; expected the same for all of them"):
        segment_series(config, series("irreg.csv"))
    uneven = series("uneq.csv")
    whole = np.isfinite(uneven.y).all(axis=(1, 2))
    assert 0 < whole.sum() < len(whole)
    segments = segment_series(config, uneven)
    assert segments.counts[0]["dropped_nan"] == (~whole).sum() and np.isfinite(segments.fitted["t"]).all()


def test_windows_are_parts_of_the_own_length_of_each_trajectory():
    uneven = ORBITS.accept(read_file(dataset("uneq.csv")))
    lengths = np.isfinite(uneven.t).sum(axis=1)
    assert len(set(lengths)) > 1
    config = SegmentationConfig(phases=(SegmentationPhase(segment_length=2, window=(0.5, 1.0)),))
    segments = segment(config, uneven)
    for orbit, length in enumerate(lengths):
        first = segments.phases[0]["train/t"][segments.phases[0]["train/trajectory"] == orbit][:, 0]
        expected = uneven.t[orbit, length // 2 : length - 1 : 2] / segments.fitted["time_unit"]
        np.testing.assert_allclose(first, expected)


def test_a_dataset_is_read_again_when_the_code_that_reads_it_changes(fresh_home, monkeypatch):
    item = loaded(path_of("order")).rows[0].configuration.item.dataset
    store = Store()
    assert run(item, Planner(store).fingerprint(item), store).status == "ok"
    assert read_trajectories(store.open(*item.address)).names == ("x", "y", "z", "vx", "vy", "vz")
    assert Planner(store).verdict(item).state == "fresh"
    monkeypatch.setattr("assets.stages.freshness.reading_version", lambda: "another")
    planner = Planner(store)
    assert planner.verdict(item).reason == "the code of stage `simulate` changed"
    monkeypatch.undo()
    assert planner.reread_code() and planner.verdict(item).state == "fresh"


def test_the_description_of_a_test_set_is_that_of_the_report():
    assert settings("km")["tests"][0]["own"]["meta"] == {"problem": "two_body", "mu": 398600.4418}


def test_one_column_is_not_two_channels():
    with pytest.raises(ValueError, match="columns names x twice; expected a column of its own for each"):
        dataset("du.csv", columns={**dataset("du.csv").columns, "y": "x"})


def test_data_of_any_state_stay_as_they_are_and_are_no_orbits():
    other = dataset("du.csv", columns={"a": "x", "b": "vx"}, units={"a": "V", "b": "A"}, time_unit="h", meta={})
    free = dataset("du.csv", meta={"problem": "data"})
    for own in (other, free):
        data = read_file(own)
        assert ORBITS.accept(data) is data
        config = SegmentationConfig(phases=(SegmentationPhase(segment_length=6),))
        with pytest.raises(ValueError, match=r"expected .*general_ode|choose model.kind: general_ode"):
            segment(config, data)
    with pytest.raises(ValueError, match=r"meta.problem is .lorentz.; expected one of lorenz"):
        ORBITS.accept(declared(dataset("du.csv", meta={"problem": "lorentz"})))
