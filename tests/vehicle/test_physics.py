"""The simulator against closed forms, symmetries, an independent solver and its own order of convergence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.vehicle.cars import F1TENTH, SINGLETRACK, drive, states, swerving, whole_prior
from trainers.vehicle.cars import CLASS_OF, PUBLISHED
from trainers.vehicle.dynamics import singletrack
from trainers.vehicle.dynamics.registry import DYNAMICS, dynamics_named
from trainers.vehicle.dynamics.rollout import rollout

G = 9.81


def field(state, control, p=F1TENTH, step=1e-3):
    with jax.enable_x64(True):
        named = {name: jnp.asarray(np.broadcast_to(value, state.shape[1:])) for name, value in p.items()}
        control = jnp.asarray(np.broadcast_to(np.reshape(control, (2, -1)), (2, state.shape[1])))
        return np.asarray(singletrack.field(jnp.asarray(state), control, named, SINGLETRACK.limits, step))


def printed(state, a, p):
    """The equations above the switch as the source prints them, for one state."""
    _, _, delta, v, psi, r, b = state
    lf, lr, h = p["lf"], p["lr"], p["h"]
    wheelbase, front, rear = lf + lr, G * lr - a * h, G * lf + a * h
    yaw = (
        p["mu"]
        * p["m"]
        / (p["I"] * wheelbase)
        * (
            lf * p["C_Sf"] * front * delta
            + (lr * p["C_Sr"] * rear - lf * p["C_Sf"] * front) * b
            - (lf**2 * p["C_Sf"] * front + lr**2 * p["C_Sr"] * rear) * r / v
        )
    )
    slip = (
        p["mu"]
        / (v * wheelbase)
        * (
            p["C_Sf"] * front * delta
            - (p["C_Sr"] * rear + p["C_Sf"] * front) * b
            + (p["C_Sr"] * rear * lr - p["C_Sf"] * front * lf) * r / v
        )
        - r
    )
    return np.array([v * np.cos(psi + b), v * np.sin(psi + b), 0.0, a, r, yaw, slip])


def test_above_the_switch_the_field_is_the_printed_one():
    random = np.random.default_rng(0)
    for name in PUBLISHED:
        for _ in range(20):
            state = states(steering_angle=random.normal() * 0.2, speed=random.uniform(1.5, 12), yaw=random.normal(),
                           yaw_rate=random.normal(), slip_angle=random.normal() * 0.1)  # fmt: skip
            a = random.uniform(-4, 4)
            ours = field(state, [0.0, a], PUBLISHED[name])[:, 0]
            assert ours == pytest.approx(printed(state[:, 0], a, PUBLISHED[name]), rel=1e-12, abs=1e-12)


def test_a_slow_car_that_rolls_follows_the_printed_kinematics():
    v, delta, rate, a, p = 0.4, 0.2, 0.5, 0.7, F1TENTH
    wheelbase = p["lf"] + p["lr"]
    b = np.arctan(p["lr"] * np.tan(delta) / wheelbase)
    r = v * np.cos(b) * np.tan(delta) / wheelbase
    made = field(states(steering_angle=delta, speed=v, yaw_rate=r, slip_angle=b), [rate, a])[:, 0]
    slip = p["lr"] / (wheelbase * np.cos(delta) ** 2) * rate / (1 + (p["lr"] * np.tan(delta) / wheelbase) ** 2)
    turn = (a * np.cos(b) * np.tan(delta) - v * np.sin(b) * np.tan(delta) * slip
            + v * np.cos(b) * rate / np.cos(delta) ** 2) / wheelbase  # fmt: skip
    assert made == pytest.approx([v * np.cos(b), v * np.sin(b), rate, a, r, turn, slip], rel=1e-12)


@pytest.mark.parametrize("c", [2.0, 0.25])
def test_what_cannot_be_identified_changes_no_bit(c):
    base = drive(F1TENTH, states(speed=3.0), swerving(40))
    friction = {**F1TENTH, "mu": F1TENTH["mu"] * c, "C_Sf": F1TENTH["C_Sf"] / c, "C_Sr": F1TENTH["C_Sr"] / c}
    mass = {**F1TENTH, "m": F1TENTH["m"] * c, "I": F1TENTH["I"] * c}
    assert np.array_equal(drive(friction, states(speed=3.0), swerving(40)), base)
    assert np.array_equal(drive(mass, states(speed=3.0), swerving(40)), base)
    assert not np.array_equal(drive({**F1TENTH, "h": 0.08}, states(speed=3.0), swerving(40)), base)


def test_the_mirror_image_of_a_run_is_a_run():
    start, control = states(speed=3.0, steering_angle=0.1, yaw=0.3, yaw_rate=0.2, slip_angle=0.01), swerving(40)
    mirror = np.array([1, -1, -1, 1, -1, -1, -1])[:, None]
    mirrored = drive(F1TENTH, mirror * start, control * [-1, 1])
    assert np.array_equal(mirrored, mirror * drive(F1TENTH, start, control))


def test_a_larger_car_runs_slower_by_froude():
    s, start, control = 4.0, states(speed=3.0, steering_angle=0.05), swerving(40, push=0.5)
    longer = {name: value * {"lf": s, "lr": s, "h": s, "I": s**2}.get(name, 1.0) for name, value in F1TENTH.items()}
    root = s**0.5
    units = np.array([s, s, 1, root, 1, 1 / root, 1])[:, None]
    scaled = drive(longer, units * start, control / [root, 1], step=0.05 * root)
    assert scaled == pytest.approx(units * drive(F1TENTH, start, control), rel=1e-10, abs=1e-10)


def test_the_plane_has_no_preferred_place_or_direction():
    start, control = states(speed=3.0, steering_angle=0.1), swerving(40)
    turned = start.copy()
    turned[0], turned[1], turned[4] = 5.0, -2.0, 0.7
    base, moved = drive(F1TENTH, start, control), drive(F1TENTH, turned, control)
    x = 5.0 + np.cos(0.7) * base[:, 0] - np.sin(0.7) * base[:, 1]
    y = -2.0 + np.sin(0.7) * base[:, 0] + np.cos(0.7) * base[:, 1]
    assert moved[:, 0] == pytest.approx(x, abs=1e-10) and moved[:, 1] == pytest.approx(y, abs=1e-10)
    assert moved[:, [2, 3, 5, 6]] == pytest.approx(base[:, [2, 3, 5, 6]], abs=1e-12)


def test_a_straight_run_is_uniformly_accelerated():
    t = 0.05 * np.arange(41)
    made = drive(F1TENTH, states(speed=2.0), np.tile([0.0, 1.5], (40, 1)))[..., 0]
    assert made[:, 0] == pytest.approx(2 * t + 0.75 * t**2, rel=1e-12)
    assert np.array_equal(made[:, [1, 2, 4, 5, 6]], np.zeros((41, 5)))


def test_a_steady_turn_has_its_closed_form():
    v, delta, p = 4.0, 0.05, F1TENTH
    wheelbase = p["lf"] + p["lr"]
    k = (1 / p["C_Sf"] - 1 / p["C_Sr"]) / (p["mu"] * G)
    r = v * delta / (wheelbase + k * v**2)
    b = delta * (p["lr"] - v**2 / (p["mu"] * G * p["C_Sr"])) / (wheelbase + k * v**2)
    made = drive(p, states(speed=v, steering_angle=delta), np.zeros((80, 2)))[-1, :, 0]
    assert made[5] == pytest.approx(r, rel=1e-10) and made[6] == pytest.approx(b, rel=1e-10)
    assert r == pytest.approx(0.53363, abs=5e-6)


@pytest.mark.parametrize("v", [0.2, 0.8, 1.2])
def test_a_slow_turn_is_near_rolling(v):
    """Also where tyres and rolling are mixed: a speed of 0 is approached from either side alike."""
    p, delta = F1TENTH, 0.02
    wheelbase = p["lf"] + p["lr"]
    made = drive(p, states(speed=v, steering_angle=delta), np.zeros((80, 2)))[-1, :, 0]
    assert made[5] == pytest.approx(v * delta / wheelbase, rel=0.015)
    k = 1 / (p["mu"] * G * p["C_Sr"] * p["lr"])
    assert made[6] == pytest.approx(p["lr"] * delta / wheelbase, rel=0.01 + k * v**2)


@pytest.mark.parametrize(("v", "oscillates"), [(1.5, False), (5.0, True), (10.0, True)])
def test_the_lateral_motion_is_stable_and_oscillates_at_speed(v, oscillates):
    columns = [field(states(speed=v, **{name: 1e-3}), [0.0, 0.0])[5:, 0] / 1e-3 for name in ("yaw_rate", "slip_angle")]
    roots = np.linalg.eigvals(np.stack(columns, axis=1))
    assert (roots.real < 0).all() and (np.abs(roots.imag) > 0).any() == oscillates


def test_the_error_of_a_step_falls_with_its_fourth_power():
    start, control = states(speed=3.0, steering_angle=0.1), np.tile([0.2, 0.5], (20, 1))
    runs = [drive(F1TENTH, start, control, substeps=n)[-1] for n in (8, 16, 128)]
    order = np.log2(np.abs(runs[0] - runs[2]).max() / np.abs(runs[1] - runs[2]).max())
    assert 3.7 < order < 4.8


def test_the_simulator_agrees_with_an_adaptive_solver_over_the_prior():
    cars, start, control = (
        whole_prior(12, 1),
        states(speed=np.linspace(3, 8, 12), steering_angle=0.02),
        swerving(20, 3, 0.1),
    )
    ours = drive(cars, start, control, substeps=100)
    for k in range(12):
        p = {name: float(values[k]) for name, values in cars.items()}
        state, off = start[:, k], 0.0
        for rate, a in control:

            def right(_, y, rate=rate, a=a, p=p):
                return printed(y, a, p) + np.array([0, 0, rate, 0, 0, 0, 0])

            state = solve_ivp(right, (0, 0.05), state, rtol=1e-11, atol=1e-12).y[:, -1]
        if np.abs(state[5]) < 25:  # beyond, a car spins, and we say so
            off = np.abs(ours[-1, :, k] - state).max() / max(1.0, np.abs(state).max())
        assert off < 1e-6, p


def test_limits_hold_what_would_push_beyond_them():
    limits = SINGLETRACK.limits
    made = drive(F1TENTH, states(speed=6.0), np.tile([9.0, 30.0], (60, 1)))[..., 0]
    assert made[:, 2].max() <= limits.steering + limits.steering_rate * 0.05 / 20 and made[-1, 2] >= limits.steering
    assert np.diff(made[:, 2]).max() <= limits.steering_rate * 0.05 + 1e-12
    assert made[:, 3].max() <= limits.fastest + 0.1
    gain = np.diff(made[:, 3]) / 0.05
    assert gain[0] <= limits.acceleration and gain[-20] < limits.acceleration * limits.switch / made[-21, 3] * 1.01
    back = drive(F1TENTH, states(speed=0.5), np.tile([0.0, -5.0], (60, 1)))[..., 0]
    assert back[-1, 3] == pytest.approx(limits.slowest, abs=0.02) and np.isfinite(back).all()


def prior_rollouts(count: int, seed: int, dynamics=SINGLETRACK):
    """Cars of the whole box driven hard, a third of them from rest, others creeping, backwards or fast; gradients."""
    random = np.random.default_rng(seed)
    layout = dynamics.layout
    flat = random.uniform(layout.low[:, None], layout.high[:, None], (layout.size, count)).astype(np.float32)
    speed = np.where(random.uniform(size=count) < 0.3, 0.0, random.uniform(-3, 20, count))
    speed = np.where(random.uniform(size=count) < 0.2, random.uniform(-0.01, 1.6, count), speed)
    start = states(speed=speed, steering_angle=random.uniform(-0.4, 0.4, count), yaw=random.uniform(-3, 3, count),
                   yaw_rate=random.normal(size=count), slip_angle=0.2 * random.normal(size=count))  # fmt: skip
    start = start.astype(np.float32)
    control = random.normal(size=(20, 2, count)).astype(np.float32) * np.array([2.0, 5.0], np.float32)[:, None]

    def size(flat, start):
        made = rollout(dynamics, start, control, layout.named(flat), 0.05, 5)
        return jnp.sum(jnp.sqrt(1 + made**2)), made

    (_, made), gradients = jax.jit(jax.value_and_grad(size, argnums=(0, 1), has_aux=True))(flat, start)
    return np.asarray(made), [np.asarray(g) for g in gradients]


@pytest.mark.training
@pytest.mark.parametrize(("name", "count"), [("singletrack", 10_000), ("pacejka", 2_000)])
def test_no_rollout_of_ten_thousand_over_the_whole_prior_is_nan_nor_its_gradient(name, count):
    made, gradients = prior_rollouts(count, 0, dynamics_named(name))
    assert np.isfinite(made).all() and all(np.isfinite(gradient).all() for gradient in gradients)
    assert np.abs(made[:, 5]).max() < 60 and (made[0, 3] == 0).sum() > count / 10


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "vehicle_class"),
    [
        *((name, "rc") for name in DYNAMICS if name != "singletrack"),
        ("singletrack", "full_size"),
        ("singletrack", "miniature"),
        ("pacejka", "full_size"),
    ],
)
def test_no_rollout_of_ten_thousand_is_nan_with_any_dynamics_or_class(name, vehicle_class):
    controls = ("steering_rate", "throttle") if name == "pacejka-throttle" else ("steering_rate", "acceleration")
    made, gradients = prior_rollouts(10_000, 1, dynamics_named(name, vehicle_class, controls=controls))
    assert np.isfinite(made).all() and all(np.isfinite(gradient).all() for gradient in gradients)
    assert (made[0, 3] == 0).sum() > 1000, "some start from standstill"


@pytest.mark.training
def test_the_gradient_of_a_rollout_agrees_with_finite_differences():
    control, start = swerving(20), states(speed=3.0, steering_angle=0.1)
    layout = SINGLETRACK.layout
    flat = layout.flat(F1TENTH)

    def end(flat):
        named = {name: values[None] for name, values in layout.named(flat).items()}
        made = rollout(SINGLETRACK, jnp.asarray(start), jnp.asarray(control)[..., None], named, 0.05, 10)
        return jnp.sum(made[-1] * jnp.arange(1.0, 8.0)[:, None])

    with jax.enable_x64(True):
        gradient = np.asarray(jax.jit(jax.grad(end))(jnp.asarray(flat)))
        value = jax.jit(end)
        for k in range(layout.size):
            h = 1e-6 * flat[k]
            step = np.eye(layout.size)[k] * h
            difference = (float(value(jnp.asarray(flat + step))) - float(value(jnp.asarray(flat - step)))) / (2 * h)
            assert gradient[k] == pytest.approx(difference, rel=1e-5, abs=1e-6)
    named = dict(zip(layout.names, gradient, strict=True))
    unseen = F1TENTH["mu"] * named["mu"] - F1TENTH["C_Sf"] * named["C_Sf"] - F1TENTH["C_Sr"] * named["C_Sr"]
    assert abs(unseen) < 1e-9 * abs(F1TENTH["mu"] * named["mu"])
    assert abs(F1TENTH["m"] * named["m"] + F1TENTH["I"] * named["I"]) < 1e-9 * abs(F1TENTH["m"] * named["m"])


def test_pacejka_tyres_at_small_slip_are_linear_ones():
    car = {**F1TENTH, "m_over_I": F1TENTH["m"] / F1TENTH["I"]}
    for axle in ("f", "r"):
        car |= {f"B_{axle}": F1TENTH[f"C_S{axle}"] / 1.3, f"C_{axle}": 1.3, f"D_{axle}": F1TENTH["mu"]}
        car |= {f"E_{axle}": -0.5, f"Sh_{axle}": 0.0, f"Sv_{axle}": 0.0}
    start, control = states(speed=3.0), swerving(40, steering=0.02, push=0.2)
    twin = drive(car, start, control, dynamics=dynamics_named("pacejka"))
    linear = drive(F1TENTH, start, control)
    assert np.abs(twin - linear).max() < 2e-3
    start, hard = states(speed=6.0), swerving(40, steering=1.5, push=0.0)
    lateral = []
    for made in (drive(car, start, hard, dynamics=dynamics_named("pacejka")), drive(F1TENTH, start, hard)):
        course = made[:, 4, 0] + made[:, 6, 0]
        lateral.append(np.abs(made[1:, 3, 0] * np.diff(course) / 0.05).max())
    assert lateral[0] < 1.2 * F1TENTH["mu"] * G < lateral[1], "Pacejka tyres saturate, linear ones do not"


def test_published_sets_lie_in_the_class_that_they_belong_to():
    for name, vehicle_class in CLASS_OF.items():
        layout = dynamics_named("singletrack", vehicle_class).layout
        flat = layout.flat(PUBLISHED[name])
        inside = (flat >= layout.low) & (flat <= layout.high)
        assert inside.all(), (name, np.array(layout.names)[~inside])
    assert PUBLISHED["f1tenth"]["m"] / PUBLISHED["f1tenth"]["I"] == pytest.approx(79, abs=0.5)


@pytest.mark.parametrize(("command", "channel"), [("steering_angle_command", 2), ("speed_command", 3)])
def test_a_command_is_what_the_car_has_at_the_next_point(command, channel):
    names = (command, "acceleration") if channel == 2 else ("steering_rate", command)
    dynamics = dynamics_named("singletrack", controls=names)
    commands = np.zeros((10, 2))
    commands[:, channel - 2] = 0.1 if channel == 2 else 2.2
    made = drive(F1TENTH, states(speed=2.0), commands, dynamics=dynamics)[..., 0]
    assert made[1:, channel] == pytest.approx(np.full(10, 0.1 if channel == 2 else 2.2), rel=1e-12)
