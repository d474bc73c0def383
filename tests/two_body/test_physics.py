"""Exact orbits against closed forms, conservation laws, symmetries and an independent integrator."""

from itertools import pairwise
from time import process_time

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.two_body.elements_of_states import states_to_elements
from trainers.two_body.config import DatasetConfig
from trainers.two_body.orbits.kepler import (
    TURN,
    Elements,
    eccentric_anomaly,
    elements_to_states,
    mean_anomaly,
    perifocal_axes,
    period,
    states_at,
)
from trainers.two_body.orbits.presets import PRESETS
from trainers.two_body.orbits.units import EARTH_RADIUS_KM, TIME_UNIT_S
from trainers.two_body.problems.two_body import acceleration, invariants
from trainers.two_body.simulate import simulate

ECCENTRICITIES = (0.0, 1e-9, 0.1, 0.3, 0.5, 0.7, 0.8487, 0.95, 0.99, 0.999)


def orbits(e, a=1.7, i=0.4, raan=1.0, argument=2.0, nu=0.0):
    return Elements(*(np.atleast_1d(np.float64(value)) for value in np.broadcast_arrays(a, e, i, raan, argument, nu)))


def revolution(elements, points=360):
    first = mean_anomaly(elements.true_anomaly, elements.eccentricity)
    return states_at(elements, first[:, None] + TURN * np.arange(points + 1) / points)


def integrate(start, times, field=acceleration):
    """Step from time to time with an independent method, DOP853."""
    states = [start]
    for begin, end in pairwise(times):
        states.append(
            solve_ivp(
                lambda t, y: np.concatenate([y[3:], field(y[:3], y[3:])]),
                (begin, end),
                states[-1],
                method="DOP853",
                rtol=2.3e-14,
                atol=1e-16,
            ).y[:, -1]
        )
    return np.array(states)


# Kepler's equation


def test_kepler_equation_holds_to_machine_precision_everywhere():
    rng = np.random.default_rng(0)
    e = np.concatenate([rng.random(50_000), 1.0 - 10.0 ** rng.uniform(-3, 0, 50_000)])
    m = rng.permutation(np.concatenate([rng.uniform(-20, 20, 50_000), 10.0 ** rng.uniform(-12, 0.4, 50_000)]))
    anomaly = eccentric_anomaly(m, e)
    wide, exact = anomaly.astype(np.longdouble), e.astype(np.longdouble)
    residual = wide - exact * np.sin(wide) - m
    slope = 1.0 - exact * np.cos(wide)
    rounding = np.finfo(float).eps * (np.abs(anomaly) * slope + np.abs(m))
    assert np.max(np.abs(residual) / (rounding + 1e-17 * np.abs(m))) < 8.0


@pytest.mark.parametrize(
    ("m", "e", "expected"),
    [
        (0.0, 0.999, 0.0),
        (np.pi, 0.5, np.pi),
        (-np.pi, 0.5, -np.pi),
        (3 * TURN, 0.9, 3 * TURN),
        (1.0, 0.0, 1.0),
        (np.pi / 2 - 0.6, 0.6, np.pi / 2),
    ],
)
def test_kepler_equation_known_solutions(m, e, expected):
    assert eccentric_anomaly(np.float64(m), np.float64(e)) == pytest.approx(expected, abs=2e-15)


@pytest.mark.parametrize("e", ECCENTRICITIES)
def test_mean_anomaly_undoes_the_true_anomaly(e):
    nu = np.linspace(-3.1, 9.2, 200)
    states = states_at(orbits(np.full(200, e), nu=nu), mean_anomaly(nu, e)[:, None])[:, 0]
    p, q = perifocal_axes(orbits(e))
    back = np.arctan2(states[:, :3] @ q, states[:, :3] @ p).ravel()
    assert np.abs(np.angle(np.exp(1j * (back - nu)))).max() < 1e-12


# closed forms: quantity, value, tolerance


@pytest.mark.parametrize("e", ECCENTRICITIES)
def test_orbits_match_the_closed_forms(e):
    a = 1.7
    y = revolution(orbits(e, a))[0]
    radius, speed = np.linalg.norm(y[:, :3], axis=1), np.linalg.norm(y[:, 3:], axis=1)
    axial = np.cross(y[:, :3], y[:, 3:])
    table = {
        "perigee a(1-e)": (radius.min(), a * (1 - e), 1e-12),
        "apogee a(1+e)": (radius.max(), a * (1 + e), 1e-12),
        "vis-viva v^2": (speed**2, 2 / radius - 1 / a, 1e-11),
        "angular momentum": (np.linalg.norm(axial, axis=1), np.sqrt(a * (1 - e**2)), 1e-11),
        "plane": (axial[:, 2] / np.linalg.norm(axial, axis=1), np.cos(0.4), 1e-12),
        "third law T": (period(np.float64(a)) ** 2 / a**3, 4 * np.pi**2, 1e-14),
        "closes": (y[-1] / np.abs(y).max(0), y[0] / np.abs(y).max(0), 1e-9),
    }
    for quantity, (actual, expected, tolerance) in table.items():
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance, err_msg=quantity)


@pytest.mark.parametrize("e", [0.0, 0.3, 0.8])
def test_equal_areas_in_equal_times(e):
    y = revolution(orbits(e, nu=1.0), points=20_000)[0]
    areas = 0.5 * np.linalg.norm(np.cross(y[:-1, :3], y[1:, :3]), axis=1)
    ellipse = np.pi * 1.7**2 * np.sqrt(1 - e**2)
    np.testing.assert_allclose(areas, ellipse / 20_000, rtol=3e-4)
    assert areas.sum() == pytest.approx(ellipse, rel=1e-5)


def test_acceleration_follows_the_inverse_square():
    position = np.array([[1.0, 4.0, 0.0], [2.0, 0.0, 0.0], [2.0, 0.0, 0.5]])
    value = acceleration(position, np.zeros_like(position))
    radius = np.linalg.norm(position, axis=0)
    np.testing.assert_allclose(np.linalg.norm(value, axis=0), radius**-2.0, rtol=1e-15)
    np.testing.assert_allclose((value * position).sum(0), -1 / radius, rtol=1e-15)


def test_units_are_the_canonical_ones():
    assert pytest.approx(806.811, abs=5e-4) == TIME_UNIT_S
    assert pytest.approx(7.90537, abs=5e-6) == EARTH_RADIUS_KM / TIME_UNIT_S


@pytest.mark.parametrize(("a", "turns"), [(1.03136, 6.581), (2.0, 17.772), (4.0, 50.265), (6.61071, 106.795)])
def test_periods_match_reference_values(a, turns):
    assert period(np.float64(a)) == pytest.approx(turns, abs=6e-4)


# independent integrator


@pytest.mark.parametrize("e", [0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95])
def test_an_independent_integrator_agrees_to_1e_11(e):
    elements = orbits(e, nu=np.pi)
    exact = revolution(elements, points=24)[0]
    times = period(elements.semi_major_axis)[0] * np.arange(25) / 24
    reference = integrate(exact[0], times)
    gap = np.abs(reference - exact)
    assert gap[:, :3].max() / 1.7 < 1e-11
    assert np.max(np.linalg.norm(gap[:, 3:], axis=1) / np.linalg.norm(exact[:, 3:], axis=1)) < 1e-11


def test_the_integrator_agrees_through_perigee_at_the_largest_eccentricity():
    elements = orbits(0.999, nu=np.pi)
    exact = revolution(elements, points=24)[0]
    reference = integrate(exact[0], period(elements.semi_major_axis)[0] * np.arange(25) / 24)
    assert np.abs(reference - exact)[:, :3].max() < 1e-9


# symmetries


@pytest.mark.parametrize("e", [0.0, 0.5, 0.95])
def test_motion_is_symmetric_under_time_reversal(e):
    forward = states_at(orbits(e), np.linspace(0, 3, 40)[None])[0]
    backward = states_at(orbits(e), -np.linspace(0, 3, 40)[None])[0]
    p, q = (axis[:, 0] for axis in perifocal_axes(orbits(e)))
    np.testing.assert_allclose(forward[:, :3] @ p, backward[:, :3] @ p, atol=1e-14)
    np.testing.assert_allclose(forward[:, :3] @ q, -(backward[:, :3] @ q), atol=1e-14)
    np.testing.assert_allclose(forward[:, 3:] @ q, backward[:, 3:] @ q, atol=1e-13)


def test_rotating_the_node_rotates_the_orbit():
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    y, turned = revolution(orbits(0.6))[0], revolution(orbits(0.6, raan=1.0 + angle))[0]
    np.testing.assert_allclose(turned[:, :3], y[:, :3] @ turn.T, atol=1e-14)
    np.testing.assert_allclose(turned[:, 3:], y[:, 3:] @ turn.T, atol=1e-14)


def test_the_period_scales_with_the_size():
    small, large = revolution(orbits(0.4, a=1.0))[0], revolution(orbits(0.4, a=4.0))[0]
    np.testing.assert_allclose(large[:, :3], 4.0 * small[:, :3], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(large[:, 3:], small[:, 3:] / 2.0, rtol=1e-12, atol=1e-14)


# elements <-> states


def test_elements_survive_the_round_trip():
    rng = np.random.default_rng(1)
    u = rng.random((6, 2000))
    elements = orbits(0.01 + 0.98 * u[1], 1 + 6 * u[0], 0.05 + 3.0 * u[2], TURN * u[3], TURN * u[4], TURN * u[5])
    recovered = states_to_elements(elements_to_states(elements))
    sensitivity = 1.0 / (elements.eccentricity * (1.0 - elements.eccentricity) * np.sin(elements.inclination))
    for name in Elements._fields:
        gap = getattr(recovered, name) - getattr(elements, name)
        gap = np.angle(np.exp(1j * gap)) if name not in ("semi_major_axis", "eccentricity") else gap
        assert np.max(np.abs(gap) / sensitivity) < 2e-14, name


@pytest.mark.parametrize("inclination", [0.0, 0.3, np.pi])
@pytest.mark.parametrize("e", [0.0, 0.5])
def test_states_survive_the_round_trip_where_angles_are_undefined(e, inclination):
    states = elements_to_states(orbits(np.full(12, e), i=inclination, raan=0.3, nu=np.arange(12) * 0.5))
    elements = states_to_elements(states)
    np.testing.assert_allclose(elements_to_states(elements), states, atol=1e-13)
    if e == 0.0:
        assert np.all(elements.argument_of_perigee == 0.0)
    if inclination in (0.0, np.pi):
        np.testing.assert_allclose(np.angle(np.exp(1j * elements.raan)), 0.0, atol=1e-12)


def test_an_open_orbit_has_no_elements():
    with pytest.raises(ValueError, match="energy < 0"):
        states_to_elements(np.array([[1.0, 0.0, 0.0, 0.0, 1.5, 0.0]]))


# datasets

FAMILIES = {
    "complex": {"family": "complex"},
    "turned": {"family": "complex", "apse": "random"},
    "simple": {"family": "simple"},
    "circular": {"family": "circular"},
    "fixed": {"true_anomaly": 20.0},
    "3d": {"planar": False},
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("count", [1, 3, 50])
def test_the_first_orbits_of_a_larger_set_are_the_smaller_set(name, count):
    small, large = (simulate(DatasetConfig(orbits=n, seed=5, **FAMILIES[name])) for n in (count, 401))
    assert np.array_equal(small.y, large.y[:count])
    assert np.array_equal(small.t, large.t[:count])
    assert all(np.array_equal(small.parameters[key], large.parameters[key][:count]) for key in small.parameters)
    assert all(np.array_equal(small.drift[key], large.drift[key][:count]) for key in small.drift)


@pytest.mark.parametrize("name", FAMILIES)
def test_families_keep_their_ranges(name):
    trajectories = simulate(DatasetConfig(orbits=2000, points=16, **FAMILIES[name]))
    p = trajectories.parameters
    largest = {"circular": 0.0, "simple": 0.3}.get(name, 0.99)
    assert p["semi_major_axis"].min() >= 1.0313 and p["semi_major_axis"].max() <= 6.6108
    assert p["eccentricity"].min() >= 0.0 and p["eccentricity"].max() <= largest
    assert np.all(p["semi_major_axis"] * (1 - p["eccentricity"]) > 1.0)
    assert np.linalg.norm(trajectories.y[..., :3], axis=-1).min() > 1.0 - 1e-12
    assert (np.abs(trajectories.y[..., [2, 5]]).max() == 0.0) == (name != "3d")
    assert all(np.all(change < trajectories.drift_tolerance) for change in trajectories.drift.values())
    if name == "fixed":
        assert np.all(p["true_anomaly"] == np.deg2rad(20.0))
    else:
        assert np.histogram(p["true_anomaly"], 8, (0, TURN))[0].min() > 180


def test_apse_lines_are_aligned_or_random_as_configured():
    aligned, turned = (simulate(DatasetConfig(orbits=200, points=4, apse=apse)) for apse in ("aligned", "random"))
    assert np.all(aligned.parameters["argument_of_perigee"] == 0.0)
    assert np.histogram(turned.parameters["argument_of_perigee"], 4, (0, TURN))[0].min() > 30


def test_orbit_normals_are_uniform_on_the_sphere():
    cosines = np.cos(simulate(DatasetConfig(orbits=4000, points=2, planar=False)).parameters["inclination"])
    assert np.histogram(cosines, 8, (-1, 1))[0].min() > 400


def test_variants_share_the_elements_that_they_do_not_fix():
    free = simulate(DatasetConfig(orbits=20, seed=3)).parameters
    fixed = simulate(DatasetConfig(orbits=20, seed=3, true_anomaly=0.0)).parameters
    turned = simulate(DatasetConfig(orbits=20, seed=3, apse="random")).parameters
    solid = simulate(DatasetConfig(orbits=20, seed=3, planar=False)).parameters
    circular = simulate(DatasetConfig(orbits=20, seed=3, family="circular")).parameters
    for other, same in (
        (fixed, ("semi_major_axis", "eccentricity")),
        (turned, ("semi_major_axis", "eccentricity", "true_anomaly")),
        (solid, ("semi_major_axis", "eccentricity", "true_anomaly")),
        (circular, ("semi_major_axis", "true_anomaly")),
    ):
        assert all(np.array_equal(free[name], other[name]) for name in same)


def test_the_printed_orbit_matches_the_literature():
    trajectories = simulate(PRESETS["TBP_complex_planar_1"])
    a, e = trajectories.parameters["semi_major_axis"][0], trajectories.parameters["eccentricity"][0]
    assert a * (1 - e) == pytest.approx(3.472, abs=5e-4)
    assert a * (1 + e) == pytest.approx(7.616, abs=5e-4)
    assert np.rad2deg(trajectories.parameters["true_anomaly"][0]) == pytest.approx(322.23, abs=5e-3)
    assert a * (1 - e) * EARTH_RADIUS_KM == pytest.approx(22145.6, abs=0.06)


def test_one_point_per_degree_of_mean_anomaly_from_the_true_anomaly_on():
    trajectories = simulate(DatasetConfig(orbits=5, seed=2, apse="random"))
    e, nu = trajectories.parameters["eccentricity"], trajectories.parameters["true_anomaly"]
    assert trajectories.y.shape == (5, 360, 6)
    np.testing.assert_allclose(trajectories.t[:, 1] * 360, trajectories.parameters["period"], rtol=1e-15)
    elements = states_to_elements(np.ascontiguousarray(trajectories.y.reshape(-1, 6)))
    mean = mean_anomaly(elements.true_anomaly.reshape(5, 360), e[:, None])
    expected = mean_anomaly(nu, e)[:, None] + np.deg2rad(np.arange(360))
    assert np.abs(np.angle(np.exp(1j * (mean - expected)))).max() < 1e-10


def test_states_repeat_after_each_revolution():
    trajectories = simulate(DatasetConfig(orbits=3, points=90, revolutions=3.0))
    np.testing.assert_allclose(trajectories.y[:, 30:60], trajectories.y[:, :30], atol=1e-12)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"family": "printed", "orbits": 10}, "set orbits: 1"),
        ({"family": "simple", "eccentricity": (0.5, 0.9)}, "ends at 0.3"),
        ({"semi_major_axis": (7000.0, 9000.0), "eccentricity": (0.5, 0.6)}, "clears the body"),
    ],
)
def test_ranges_without_orbits_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        simulate(DatasetConfig(**config))


def test_a_wrong_state_shows_in_the_drift():
    states = np.array(revolution(orbits(0.5)))
    clean = invariants(np.moveaxis(states, -1, 0))["energy"]
    states[0, 100, 3] *= 1.0 + 1e-6
    broken = invariants(np.moveaxis(states, -1, 0))["energy"]
    assert np.ptp(clean) < 1e-14 and np.ptp(broken) > 1e-8


@pytest.mark.training
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_simulates(name):
    config = PRESETS[name].model_copy(update={"orbits": min(PRESETS[name].orbits, 2), "points": 8})
    assert np.isfinite(simulate(config).y).all()


def test_a_million_points_a_second():
    config = DatasetConfig(orbits=1000)
    simulate(config)
    seconds = []
    for _ in range(3):
        start = process_time()
        simulate(config)
        seconds.append(process_time() - start)
    assert min(seconds) < 1.0, "360,000 points; about 0.1 s of CPU: other work does not count"
