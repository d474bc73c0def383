"""Problems without a closed-form solution in the code: invariants, closed forms, and a common contract."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.two_body.elements_of_states import states_to_elements
from trainers.two_body.config import DatasetConfig
from trainers.two_body.integrators import dopri8
from trainers.two_body.problems import PROBLEMS, cr3bp, j2, load_problem
from trainers.two_body.simulate import simulate

NEAR = {"semi_major_axis": (60_000.0, 180_000.0), "eccentricity": (0.0, 0.3), "revolutions": 2.0}


@cache
def dataset(problem, orbits=5, **options):
    return simulate(DatasetConfig(problem=problem, orbits=orbits, points=90, planar=False, **options))


def options(problem):
    return NEAR if problem == "cr3bp" else {}


def test_every_file_is_a_problem():
    assert set(PROBLEMS) == {"cr3bp", "harmonic_oscillator", "j2", "two_body"}
    with pytest.raises(ValueError, match="nearest: cr3bp"):
        DatasetConfig(problem="cr3pb")


@pytest.mark.training
@pytest.mark.parametrize("name", PROBLEMS)
def test_numpy_and_jax_give_the_same_acceleration(name):
    y = dataset(name, **options(name)).y.reshape(-1, 6).T
    law = load_problem(name).acceleration
    with jax.enable_x64(True):
        compiled = np.asarray(jax.jit(law)(jnp.asarray(y[:3]), jnp.asarray(y[3:])))
    np.testing.assert_allclose(compiled, law(y[:3], y[3:]), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(law(y[:3, 7], y[3:, 7]), law(y[:3], y[3:])[:, 7], rtol=1e-14)
    assert law(jnp.asarray(y[:3], jnp.float32), jnp.asarray(y[3:], jnp.float32)).dtype == jnp.float32


@pytest.mark.parametrize("name", PROBLEMS)
def test_invariants_are_conserved(name):
    trajectories = dataset(name, **options(name))
    assert trajectories.meta["problem"] == name
    assert trajectories.drift
    assert all(np.all(change < 1e-11) for change in trajectories.drift.values()), trajectories.drift


@pytest.mark.parametrize("name", PROBLEMS)
def test_invariants_have_no_time_derivative(name):
    """Along the field, dI/dt = grad I . dy/dt is zero."""
    problem = load_problem(name)
    y = dataset(name, **options(name)).y.reshape(-1, 6).T

    def rate(state):
        change = jnp.concatenate([state[3:], problem.acceleration(state[:3], state[3:])])
        return jax.jvp(problem.invariants, (state,), (change,))[1]

    with jax.enable_x64(True):
        rates = jax.jit(rate)(jnp.asarray(y))
    assert all(np.abs(rate).max() < 1e-11 for rate in rates.values()), rates


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_first_orbits_of_a_larger_set_are_the_smaller_set(name):
    small, large = dataset(name, **options(name)), dataset(name, orbits=70, **options(name))
    assert np.array_equal(small.y, large.y[:5])


def test_the_oscillator_follows_its_closed_form():
    trajectories = dataset("harmonic_oscillator")
    start, t = trajectories.y[:, :1], trajectories.t[:, :, None]
    position = start[..., :3] * np.cos(t) + start[..., 3:] * np.sin(t)
    velocity = start[..., 3:] * np.cos(t) - start[..., :3] * np.sin(t)
    np.testing.assert_allclose(trajectories.y, np.concatenate([position, velocity], axis=2), atol=1e-11)


def test_the_oscillator_draws_its_ellipse():
    trajectories = dataset("harmonic_oscillator")
    a, e = trajectories.parameters["semi_major_axis"], trajectories.parameters["eccentricity"]
    b, y = a * np.sqrt(1 - e**2), trajectories.y
    np.testing.assert_allclose((y**2).sum(axis=2), np.tile((a**2 + b**2)[:, None], 90), rtol=1e-11)
    np.testing.assert_allclose(np.linalg.norm(np.cross(y[:, 0, :3], y[:, 0, 3:]), axis=1), a * b, rtol=1e-12)


@pytest.fixture
def few_steps(monkeypatch):
    """Tests that integrate the two-body law share one compiled program, so each of them needs the same limit."""
    monkeypatch.setattr(dopri8, "MOST_STEPS", 1000)


@pytest.mark.usefixtures("few_steps")
def test_integration_agrees_with_the_exact_orbit():
    exact = dataset("two_body")
    integrated = dopri8.integrate_orbits(
        load_problem("two_body").acceleration, np.ascontiguousarray(exact.y[:, 0]), exact.t
    )
    np.testing.assert_allclose(integrated, exact.y, atol=2e-10)


def test_j2_turns_the_node_at_the_secular_rate():
    """Mean dRAAN/dt = -3/2 J2 n cos i / (a^2 (1-e^2)^2), to first order in J2."""
    trajectories = simulate(
        DatasetConfig(
            problem="j2", orbits=5, points=90, planar=False, revolutions=20.0, family="circular",
            semi_major_axis=(12_000.0, 14_000.0),
        )
    )  # fmt: skip
    a, i = trajectories.parameters["semi_major_axis"], trajectories.parameters["inclination"]
    node = np.unwrap(states_to_elements(trajectories.y.reshape(-1, 6)).raan.reshape(5, 90), axis=1)
    rates = np.array([np.polyfit(t, angle, 1)[0] for t, angle in zip(trajectories.t, node, strict=True)])
    expected = -1.5 * j2.J2 * a**-1.5 * np.cos(i) / a**2
    np.testing.assert_allclose(rates, expected, rtol=0.02)


def test_j2_acceleration_is_the_gradient_of_its_potential():
    y = dataset("j2").y.reshape(-1, 6)[::31]
    with jax.enable_x64(True):
        gradient = jax.jit(jax.vmap(jax.grad(lambda r: j2.invariants((*r, 0.0, 0.0, 0.0))["energy"])))(y[:, :3])
    np.testing.assert_allclose(j2.acceleration(y[:, :3].T, y[:, 3:].T).T, -gradient, atol=1e-14)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_triangular_lagrange_points_are_at_rest(sign):
    point = np.array([0.5 - cr3bp.MASS_RATIO, sign * np.sqrt(0.75), 0.0])
    assert np.abs(cr3bp.acceleration(point, np.zeros(3))).max() < 1e-15
    constant = cr3bp.invariants(np.concatenate([point, np.zeros(3)]))["jacobi_constant"]
    assert constant == pytest.approx(3.0 - cr3bp.MASS_RATIO * (1 - cr3bp.MASS_RATIO), abs=1e-14)


def test_the_first_lagrange_point_lies_where_the_literature_puts_it():
    x = np.array([0.836915])
    below, above = (cr3bp.acceleration(np.array([*(x + d), 0.0, 0.0]), np.zeros(3))[0] for d in (-1e-5, 1e-5))
    assert below < 0.0 < above


def test_near_the_earth_the_moon_hardly_matters():
    trajectories = simulate(DatasetConfig(problem="cr3bp", orbits=3, points=90, semi_major_axis=(20_000.0, 30_000.0)))
    free = simulate(DatasetConfig(problem="two_body", orbits=3, points=90, semi_major_axis=(20_000.0, 30_000.0)))
    far = np.linalg.norm(trajectories.y[..., :3] + [cr3bp.MASS_RATIO, 0, 0], axis=2) * cr3bp.DISTANCE_KM / 6378.137
    np.testing.assert_allclose(far, np.linalg.norm(free.y[..., :3], axis=2), rtol=2e-3)


def test_the_rotating_frame_has_coriolis_and_centrifugal_acceleration():
    """A free point far from both bodies goes straight in axes at rest: turning axes see -2 w x v - w x (w x r)."""
    position, velocity = np.array([1e6, 2e6, 0.0]), np.array([3.0, -4.0, 5.0])
    axis = np.array([0.0, 0.0, 1.0])
    expected = -2 * np.cross(axis, velocity) - np.cross(axis, np.cross(axis, position))
    np.testing.assert_allclose(cr3bp.acceleration(position, velocity), expected, rtol=1e-12, atol=1e-9)


@pytest.mark.usefixtures("few_steps")
def test_a_collision_is_an_error_that_names_the_orbit():
    start = np.array([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="trajectory 1 could not be integrated"):
        dopri8.integrate_orbits(load_problem("two_body").acceleration, start, np.tile(np.linspace(0, 3.0, 90), (2, 1)))


def test_every_problem_has_a_training_and_a_test_preset() -> None:
    from trainers.two_body.orbits.presets import PRESETS
    from trainers.two_body.problems import PROBLEMS

    named = {(preset.problem, name.rsplit("_", 1)[-1]) for name, preset in PRESETS.items()}
    assert {(problem, side) for problem in PROBLEMS for side in ("train", "test")} <= named
