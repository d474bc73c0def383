"""Data and methods that nobody here wrote: planets, satellites, another SINDy. Without the packages nothing is tested.

`pip install -c constraints.txt -e '.[anchors]'` installs them.
"""

import numpy as np
import pytest

from trainers.study import Job, Trained, Trajectories
from trainers.two_body import STUDY
from trainers.two_body.config import DatasetConfig, ModelConfig
from trainers.two_body.integrators.dopri8 import integrate_orbits
from trainers.two_body.orbits.units import EARTH_RADIUS_KM, TIME_UNIT_S
from trainers.two_body.problems import load_problem

DAY_PER_UNIT = 58.132441
"""Unit of time in which the Sun's GM is 1 au^3 per unit squared [day]: 1/k of Gauss's constant 0.01720209895."""


def train(model: ModelConfig, data: Trajectories) -> Trained:
    (outcome,) = STUDY.train([Job("a", model, STUDY.segment(model.segmentation(), data))])
    assert isinstance(outcome, Trained), outcome
    return outcome


def planets() -> Trajectories:
    """Mercury to Saturn about the Sun over one revolution each, by the series of Simon et al. (1994)."""
    erfa = pytest.importorskip("erfa")
    periods = {1: 87.97, 2: 224.70, 4: 686.98, 5: 4332.59, 6: 10759.22}
    t = np.array([np.arange(120) * days / 120 for days in periods.values()])
    states = [erfa.plan94(2451545.0, days, planet) for planet, days in zip(periods, t, strict=True)]
    y = np.array([np.concatenate([s["p"], s["v"] * DAY_PER_UNIT], axis=1) for s in states])
    return Trajectories(
        t=t / DAY_PER_UNIT,
        y=y,
        names=("x", "y", "z", "vx", "vy", "vz"),
        units=("au", "au", "au", "au/unit", "au/unit", "au/unit"),
        time_unit="unit",
        meta={"problem": "two_body", "mu": 1.0},
    )


@pytest.mark.training
def test_the_field_learned_from_planets_is_the_suns():
    """Any power of the distance: exponent and strength are learned, a r^2 / GM is 1 at every planet."""
    data = planets()
    model = ModelConfig(
        feature_layer="logr", output_layer="central_logmag_exp", depth=0, planar_constraint=False, activation="silu",
        phases=[{"steps": 1500, "learning_rate": 1e-2, "schedule": "warmup_cosine", "segment_length": 12}],
    )  # fmt: skip
    field = STUDY.apply(model, train(model, data))
    r = np.linalg.norm(data.y[..., :3], axis=2)
    strength = np.linalg.norm(field.acceleration(data.y), axis=2) * r**2
    exponent = np.polyfit(np.log(r).ravel(), np.log(strength / r**2).ravel(), 1)[0]
    print("exponent", exponent, "a r^2 / GM by planet", strength.mean(axis=1))
    assert exponent == pytest.approx(-2, abs=0.005)
    assert strength.mean(axis=1) == pytest.approx(np.ones(5), abs=0.01)


def test_the_oblate_earth_moves_a_satellite_as_sgp4_says():
    """Over one revolution the J2 problem leaves a small part of what the point mass alone misses."""
    api = pytest.importorskip("sgp4.api")
    line_1 = "1 27424U 02022A   26330.50000000  .00000010  00000-0  10000-4 0  9990"
    line_2 = "2 27424  98.2000 100.0000 0001000  90.0000 270.0000 14.57100000    07"
    satellite = api.Satrec.twoline2rv(line_1, line_2)
    minutes = np.linspace(0, 98.8, 40)
    errors, position, velocity = satellite.sgp4_array(
        np.full(40, satellite.jdsatepoch), satellite.jdsatepochF + minutes / 1440
    )
    assert not errors.any()
    scale = TIME_UNIT_S / EARTH_RADIUS_KM
    start = np.concatenate([position[0] / EARTH_RADIUS_KM, velocity[0] * scale])[None]
    misses = {}
    for problem in ("two_body", "j2"):
        ours = integrate_orbits(load_problem(problem).acceleration, start, minutes[None] * 60 / TIME_UNIT_S)
        misses[problem] = np.linalg.norm(ours[0, :, :3] * EARTH_RADIUS_KM - position, axis=1).max()
    print("largest distance from SGP4 [km]", misses)
    assert misses["two_body"] > 20 and misses["j2"] < misses["two_body"] / 10


def test_sparse_polynomials_are_those_of_pysindy():
    pysindy = pytest.importorskip("pysindy")
    data = STUDY.simulate(DatasetConfig(problem="lorenz", orbits=3, points=800, duration=4.0))
    settings = ModelConfig(kind="sindy", phases=[{"steps": 1, "segment_length": 200}])
    ours = STUDY.apply(settings, train(settings, data))
    theirs = pysindy.SINDy(optimizer=pysindy.STLSQ(threshold=0.2), feature_library=pysindy.PolynomialLibrary(degree=2))
    theirs.fit(list(data.y), t=float(data.t[0, 1]), feature_names=["x", "y", "z"])
    states = data.y.reshape(-1, 3)
    size = np.sqrt((theirs.predict(states) ** 2).mean())
    assert np.sqrt(((theirs.predict(states) - ours.derivative(states)) ** 2).mean()) < 0.01 * size
    assert (np.abs(theirs.coefficients()) > 0).sum() == (np.abs(ours.parameters) > 0).sum() == 7
