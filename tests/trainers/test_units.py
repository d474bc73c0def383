"""Units are converted exactly or refused in one line, and data of one's own are brought to those of their study."""

import numpy as np
import pytest

from trainers import STUDIES
from trainers.common.own_data.units import convert
from trainers.study import Trajectories

EARTH = {"DU": "6378.137 km", "TU": "806.8111238242922 s"}
CONVERTED = [
    ("km", "m", 1000.0),
    ("km/h", "m/s", 1 / 3.6),
    ("deg", "rad", np.pi / 180),
    ("rpm", "rad/s", 2 * np.pi / 60),
    ("min", "s", 60.0),
    ("m s^-2", "m/s^2", 1.0),
    ("g", "kg", 1e-3),
    ("%", "1", 0.01),
    ("DU", "km", 6378.137),
    ("km/s", "DU/TU", 806.8111238242922 / 6378.137),
]


@pytest.mark.parametrize(("own", "expected", "factor"), CONVERTED)
def test_what_measures_the_same_is_converted(own, expected, factor):
    values = np.array([[0.0, 1.0], [-2.5, np.nan]])
    np.testing.assert_allclose(convert(values, own, expected, "x", EARTH), factor * values, rtol=1e-14)


def test_equal_texts_need_no_meaning_and_change_no_bit():
    values = np.array([1.0, 2.0])
    assert convert(values, "steps", "steps", "the time") is values


def test_temperatures_have_an_offset():
    np.testing.assert_allclose(convert(np.array([298.15]), "K", "C", "temperature"), [25.0], rtol=1e-14)


@pytest.mark.parametrize(
    "own",
    [
        "kg",
        "steps",
        "km km km",
        "m/",
        "s-1",
        "2 m",
        "",
        "x" * 80,
        "__import__('os')",
        "m**9**9**9",
        "m**(9**9)",
        "m^1000",
    ],
)
def test_anything_else_is_refused_in_one_line(own):
    with pytest.raises(ValueError, match="expected 'm' or a unit that converts to it") as refused:
        convert(np.ones(2), own, "m", "channel 'x'")
    assert "\n" not in str(refused.value)


def own(names: dict[str, str], time_unit: str, inputs: dict[str, str] | None = None, **parameters: tuple[float, str]):
    """Return two trajectories of three ones in the given units."""
    return Trajectories(
        t=np.tile([0.0, 1.0, 2.0], (2, 1)),
        y=np.ones((2, 3, len(names))),
        names=tuple(names),
        units=tuple(names.values()),
        time_unit=time_unit,
        inputs=np.ones((2, 3, len(inputs))) if inputs else None,
        input_names=tuple(inputs or ()),
        input_units=tuple((inputs or {}).values()),
        parameters={name: np.full(2, value) for name, (value, _) in parameters.items()},
        parameter_units={name: unit for name, (_, unit) in parameters.items()},
    )


CAR = {
    "x": "m",
    "y": "m",
    "steering_angle": "deg",
    "speed": "km/h",
    "yaw": "deg",
    "yaw_rate": "deg/s",
    "slip_angle": "rad",
}
CONTROLS = {"steering_rate": "deg/s", "acceleration": "m/s^2"}


def test_logs_of_cars_come_in_degrees_and_milliseconds():
    made = STUDIES["vehicle"].accept(own(CAR, "ms", CONTROLS, lf=(150.0, "cm"), C_Sf=(0.1, "1/deg")))
    np.testing.assert_allclose(made.y[0, 0], [1, 1, np.pi / 180, 1 / 3.6, np.pi / 180, np.pi / 180, 1], rtol=1e-14)
    np.testing.assert_allclose(made.inputs[0, 0], [np.pi / 180, 1], rtol=1e-14)
    np.testing.assert_allclose(made.t[0], [0, 1e-3, 2e-3], rtol=1e-14)
    assert made.parameters["lf"][0] == pytest.approx(1.5) and made.parameters["C_Sf"][0] == pytest.approx(18 / np.pi)
    assert made.time_unit == "s" and made.units[2:4] == ("rad", "m/s")


def test_curves_come_in_minutes_and_kelvin():
    made = STUDIES["urease"].accept(own({"pH": "1"}, "min", temperature=(298.15, "K"), substrate=(0.02, "mol/L")))
    assert made.t[0, 1] == 60 and made.parameters["temperature"][0] == pytest.approx(25)
    assert made.parameters["substrate"][0] == pytest.approx(20)


def test_series_of_desires_and_efforts_are_put_in_order():
    made = STUDIES["preference_dynamics"].accept(own({"a_0": "1", "u_0": "1"}, "1"))
    assert made.names == ("u_0", "a_0")


REFUSED = [
    ("vehicle", own({**CAR, "speed": "kg"}, "s", CONTROLS), "channel 'speed' is in 'kg'"),
    ("vehicle", own(CAR, "s", {"steering_rate": "deg/s"}), "the longitudinal input is missing or double"),
    ("urease", own({"pH": "1"}, "m"), "the time is in 'm'; expected 's'"),
    ("urease", own({"pH": "1"}, "s", {"stirring": "1"}), "inputs are given, stirring, which this study has no use for"),
    ("urease", own({"voltage": "V"}, "s"), "expected one named pH"),
    ("urease", own({"pH": "1"}, "s", k_d=(1e-3, "1/s")), "meta has no law; expected one of fitted, constant"),
    ("vehicle", own(CAR, "s", CONTROLS, initial_x=(0.0, "m")), "meta has no vehicle_class; expected one of"),
    ("preference_dynamics", own({"u_0": "1", "a_0": "m"}, "1"), "channel 'a_0' is in 'm'; expected '1'"),
    ("preference_dynamics", own({"u_0": "1", "b_0": "1"}, "1"), "channel 'b_0' is unknown"),
    ("preference_dynamics", own({"u_0": "1", "a_0": "1"}, "1", {"push": "1"}), "inputs are given, push"),
    ("phase_field", own({"r0": "m"}, "steps"), "channel 'r0' is in 'm'; expected '1'"),
    ("phase_field", own({"r0": "1"}, "steps", mobility=(1.0, "m")), "parameter 'mobility' is in 'm'"),
]


@pytest.mark.parametrize(("study", "data", "problem"), REFUSED, ids=[problem for *_, problem in REFUSED])
def test_every_study_refuses_what_it_cannot_use(study, data, problem):
    with pytest.raises(ValueError, match=problem) as refused:
        STUDIES[study].accept(data)
    assert "\n" not in str(refused.value)


def test_simulated_data_are_accepted_by_their_own_study(monkeypatch):
    for name, settings in {
        "two_body": {"orbits": 2, "points": 60},
        "preference_dynamics": {"trajectories": 3, "points": 21},
        "phase_field": {"trajectories": 2, "grid": 16, "snapshots": 3, "duration": 1.0},
        "urease": {"trajectories": 2, "interval": 10.0, "duration": 300.0},
        "vehicle": {"cars": 1, "runs": 2},
    }.items():
        study = STUDIES[name]
        data = study.simulate(study.dataset.model_validate(settings))
        made = study.accept(data)
        assert made.y is data.y or np.array_equal(made.y, data.y), name
        assert (made.names, made.units, made.time_unit) == (data.names, data.units, data.time_unit)
