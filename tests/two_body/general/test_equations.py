"""Systems from equations: what is accepted, and whether the simulation solves them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.integrate import solve_ivp

from trainers.two_body.config import DatasetConfig
from trainers.two_body.general.equations import Equations
from trainers.two_body.general.systems import SYSTEMS, load_system
from trainers.two_body.orbits.presets import PRESETS
from trainers.two_body.simulate import simulate

DECAY = {"derivatives": ["dx/dt = -k*x"], "constants": {"k": 0.5}, "start": {"x": [1, 2]}, "duration": 4.0}


def test_the_systems_that_ship():
    assert SYSTEMS == ("driven_pendulum", "lorenz", "lotka_volterra", "van_der_pol")
    assert {f"{name}_10_{side}" for name in SYSTEMS for side in ("train", "test")} <= set(PRESETS)


def test_a_system_in_a_few_lines_follows_its_closed_form():
    data = simulate(DatasetConfig(equations=DECAY, orbits=3, points=50))
    assert data.names == ("x",) and data.t[0, -1] == pytest.approx(4 * 49 / 50)
    np.testing.assert_allclose(data.y[..., 0], data.y[:, :1, 0] * np.exp(-0.5 * data.t), rtol=1e-9)
    assert ((data.y[:, 0] >= 1) & (data.y[:, 0] <= 2)).all()


def test_a_file_of_the_tree_and_the_same_lines_in_a_sweep_give_the_same_bits():
    lines = load_system("lorenz").model_dump(mode="json")
    named = simulate(DatasetConfig(problem="lorenz", orbits=2, points=30))
    assert np.array_equal(named.y, simulate(DatasetConfig(equations=lines, orbits=2, points=30)).y)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_first_trajectories_of_a_larger_set_and_its_parts_are_the_same_bits(name):
    small, large = (simulate(DatasetConfig(problem=name, orbits=count, points=20)) for count in (2, 3))
    assert np.array_equal(small.y, large.y[:2])


def test_parts_join_to_the_whole_set():
    config = DatasetConfig(equations=DECAY, orbits=150, points=5)
    assert config.parts() == 2
    parts = [simulate(config, part) for part in range(2)]
    assert np.array_equal(np.concatenate([part.y for part in parts]), simulate(config).y)


@pytest.mark.parametrize("name", SYSTEMS)
def test_another_solver_gives_the_same_motion(name):
    """Radau with the inputs held, and the right-hand side compiled by JAX."""
    system = load_system(name)
    data = simulate(DatasetConfig(problem=name, orbits=1, points=40, duration=2.0))
    inputs = np.zeros((40, 0)) if data.inputs is None else data.inputs[0]
    with jax.enable_x64(True):
        compiled = jax.jit(lambda y, u: system.derivative(y, u, jnp))
        state, states = data.y[0, 0], [data.y[0, 0]]
        for first, last, held in zip(data.t[0, :-1], data.t[0, 1:], inputs[:-1], strict=True):
            field = lambda t, y, held=held: np.asarray(compiled(jnp.asarray(y), jnp.asarray(held)))  # noqa: E731
            state = solve_ivp(field, (first, last), state, method="DOP853", rtol=1e-8, atol=1e-9).y[:, -1]
            states.append(state)
    np.testing.assert_allclose(states, data.y[0], atol=1e-5 * np.abs(data.y[0]).max())


def test_an_invariant_is_conserved_and_a_wrong_one_is_noticed():
    config = DatasetConfig(problem="lotka_volterra", orbits=3, points=50)
    assert (simulate(config).drift["volterra"] < 1e-7).all()
    wrong = load_system("lotka_volterra").model_dump(mode="json") | {"invariants": {"sum": "prey + predators"}}
    assert (simulate(DatasetConfig(equations=wrong, orbits=3, points=50)).drift["sum"] > 0.1).all()


def test_a_trajectory_settles_before_its_first_point():
    y = simulate(DatasetConfig(problem="van_der_pol", orbits=20, points=2)).y[:, 0]
    lines = load_system("van_der_pol").model_dump(mode="json") | {"settle": 60.0}
    settled = simulate(DatasetConfig(equations=lines, orbits=20, points=100)).y
    assert np.abs(y[:, 0]).max() > 2.1 > np.abs(settled[..., 0]).max()
    assert np.abs(settled[..., 0]).max(axis=1) == pytest.approx(np.full(20, 2.02), abs=0.03)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"derivatives": ["x' = 1"]}, "no equation; expected dx/dt = "),
        ({"derivatives": ["dx/dt = -k*y"]}, "names y, which is not defined; defined are: k, x"),
        ({"derivatives": ["dx/dt = x", "dx/dt = -x"]}, "x is defined twice"),
        ({"derivatives": ["dx/dt = -k*x + t"]}, "names t, which is not defined"),
        ({"start": {"y": [0, 1]}}, "start is given for"),
        ({"start": {"x": [2, 1]}}, r"the range of x is \[2.0, 1.0\]"),
        ({"constants": {"k": 1, "sin": 2}}, "'sin' cannot be a name"),
        ({"constants": {"k": "1/0"}}, "no finite number"),
        ({"units": {"k": "1/s"}}, "units are given for k; expected states and inputs"),
        ({"inputs": {"u": {}}, "invariants": {"c": "x"}}, "invariants are given beside inputs"),
        ({"derivatives": ["dx/dt = __import__('os')"]}, "holds .*os.*; expected numbers, names"),
    ],
)
def test_lines_that_are_wrong_are_refused_with_the_reason(changes, text):
    with pytest.raises(ValidationError, match=text):
        Equations.model_validate(DECAY | changes)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"problem": "lorenz", "planar": False}, "planar is False, which a system's trajectories do not have"),
        ({"problem": "lorenz", "equations": DECAY}, "equations are given beside problem lorenz"),
        ({"duration": 2.0}, "duration is 2.0, which orbits do not have"),
        ({"equations": DECAY, "eccentricity": (0.0, 0.1)}, "eccentricity is"),
        ({"problem": "lorentz"}, "unknown problem 'lorentz'; nearest: lorenz"),
    ],
)
def test_settings_of_orbits_and_of_systems_do_not_mix(settings, text):
    with pytest.raises(ValidationError, match=text):
        DatasetConfig.model_validate(settings)


def test_motion_that_diverges_is_one_line():
    for right in ("x**2", "1/0 + x", "10.0**400*x"):
        lines = DECAY | {"derivatives": [f"dx/dt = {right}"], "constants": {}, "duration": 10.0}
        with pytest.raises(ValueError, match=r"trajectory 0 cannot be integrated .* it diverges or is too stiff"):
            simulate(DatasetConfig(equations=lines, orbits=1, points=5))
