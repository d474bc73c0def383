"""The dynamics by name: field, parameters with bounds, and the combinations of them that a trajectory can identify.

Of the eight parameters of the single-track model only six combinations matter: (mu, C_Sf, C_Sr) -> (c mu, C_Sf/c,
C_Sr/c) and (m, I) -> (c m, c I) leave every trajectory alike, bit for bit where c is a power of 2. Estimates are
therefore compared, refined and given with intervals as mu C_Sf, mu C_Sr, m/I, lf, lr, h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.common.lazy import LazyModule
from trainers.vehicle.cars import CLASSES, CarClass, Limits
from trainers.vehicle.dynamics.parameters import Layout, Parameter
from trainers.vehicle.dynamics.states import CONTROLS

if TYPE_CHECKING:
    import jax.numpy as jnp

    from trainers.vehicle.dynamics import augmented, mlp, pacejka, singletrack
else:
    jnp = LazyModule("jax.numpy")
    augmented, mlp, pacejka, singletrack = (
        LazyModule(f"trainers.vehicle.dynamics.{name}") for name in ("augmented", "mlp", "pacejka", "singletrack")
    )

SINGLETRACK = ("mu", "C_Sf", "C_Sr", "lf", "lr", "h", "m", "I")
COMBINED = ("mu_C_Sf", "mu_C_Sr", "m_over_I", "lf", "lr", "h")
SIGNALS = ("steering", "acceleration", "yaw_rate", "slip_angle")

DYNAMICS = ("singletrack", "singletrack-augmented", "pacejka", "pacejka-throttle", "mlp-dynamics")
"""Names of dynamics."""


@dataclass(frozen=True, eq=False)
class Dynamics:
    """A dynamics with the parameters of one class of cars. Build it by `dynamics_named`."""

    name: str
    layout: Layout
    """Parameters that a network emits."""
    combinations: Layout
    """Combinations that trajectories identify; of mlp-dynamics none."""
    limits: Limits
    controls: tuple[str, str]
    free: np.ndarray
    """(K,) which combinations are unknown: not held at a value that was measured otherwise."""

    def field(self, state: Any, control: Any, p: Any, limits: Any, step: float) -> Any:
        """Return dy/dt (7, ...)."""
        return _FIELDS[self.name](state, control, p, limits, step)

    def as_commanded(self, state: Any, control: Any, step: float) -> tuple[Any, Any]:
        """Return the state (7, B) and the rates (2, B) that commands (2, B) ask for over one point of the data.

        steering_angle_command: the wheels take the angle at once and hold it. speed_command: a = (command - v)/dt.
        """
        steering, longitudinal = control[0], control[1]
        if self.controls[0] == "steering_angle_command":
            state = jnp.concatenate([state[:2], jnp.broadcast_to(steering, state[2].shape)[None], state[3:]])
            steering = jnp.zeros_like(state[2])
        if self.controls[1] == "speed_command":
            longitudinal = (longitudinal - state[3]) / step
        return state, jnp.stack([jnp.broadcast_to(part, state[2].shape) for part in (steering, longitudinal)])

    def combine(self, named: Mapping[str, Any]) -> np.ndarray:
        """Return the combinations (K, ...) of parameters by name."""
        if "mu" not in named:
            return self.combinations.flat(named)
        products = {"mu_C_Sf": named["mu"] * named["C_Sf"], "mu_C_Sr": named["mu"] * named["C_Sr"]}
        return self.combinations.flat({**named, **products, "m_over_I": named["m"] / named["I"]})

    def parameters_of(self, combinations: Any) -> dict[str, Any]:
        """Return parameters by name that have these combinations (K, ...): mu and m at their defaults."""
        named = self.combinations.named(combinations)
        if "mu_C_Sf" not in named:
            return named
        default = self.layout.named(self.layout.default)
        mu, m = (jnp.full_like(named["lf"], default[name]) for name in ("mu", "m"))
        rest = {name: value for name, value in named.items() if name not in ("mu_C_Sf", "mu_C_Sr", "m_over_I")}
        tyres = {"C_Sf": named["mu_C_Sf"] / mu, "C_Sr": named["mu_C_Sr"] / mu}
        return {"mu": mu, "m": m, "I": m / named["m_over_I"], **tyres, **rest}


_FIELDS = {
    "singletrack": lambda *arguments: singletrack.field(*arguments),
    "singletrack-augmented": lambda *arguments: augmented.field(*arguments),
    "pacejka": lambda *arguments: pacejka.field(*arguments),
    "pacejka-throttle": lambda *arguments: pacejka.throttle_field(*arguments),
    "mlp-dynamics": lambda *arguments: mlp.field(*arguments),
}


def dynamics_named(
    name: str,
    vehicle_class: str = "rc",
    hidden: int = 16,
    controls: tuple[str, str] = CONTROLS,
    held: Mapping[str, float] | None = None,
) -> Dynamics:
    """Return a dynamics by name, the same object for the same arguments.

    hidden: units of mlp-dynamics. held: combinations that are known otherwise, with their values.

    Raises:
        ValueError: an unknown name, class or combination.
    """
    return _dynamics(name, vehicle_class, hidden, tuple(controls), tuple(sorted((held or {}).items())))


@lru_cache(maxsize=64)
def _dynamics(
    name: str, vehicle_class: str, hidden: int, controls: tuple[str, str], held: tuple[tuple[str, float], ...]
) -> Dynamics:
    if name not in DYNAMICS:
        raise ValueError(f"unknown dynamics {name!r}; expected one of {', '.join(DYNAMICS)}")
    box = CLASSES[vehicle_class]
    combined: tuple[Parameter, ...] = ()
    if name == "mlp-dynamics":
        layout = Layout(mlp.parameters(hidden))
    elif name.startswith("pacejka"):
        combined = _pacejka(box, throttle=name == "pacejka-throttle")
        layout = Layout(combined)
    else:
        extra = _gains(box) if name == "singletrack-augmented" else ()
        layout, combined = Layout((*_singletrack(box), *extra)), (*_combined(box), *extra)
    known = dict(held)
    if strangers := sorted(set(known) - {parameter.name for parameter in combined}):
        expected = ", ".join(parameter.name for parameter in combined) or "none"
        raise ValueError(f"held names {', '.join(strangers)}; {name} has {expected}")
    combined = tuple(p.fixed_at(known[p.name]) if p.name in known else p for p in combined)
    layout = Layout([p.fixed_at(known[p.name]) if p.name in known else p for p in layout.parameters])
    free = np.array([parameter.name not in known for parameter in combined], bool)
    return Dynamics(name, layout, Layout(combined), box.limits, controls, free)


def _box(box: CarClass, name: str, unit: str, scale: str = "linear") -> Parameter:
    low, high = box.ranges[name]
    return Parameter(name, unit, low, high, (low * high) ** 0.5 if scale == "log" else (low + high) / 2, scale=scale)


def _singletrack(box: CarClass) -> tuple[Parameter, ...]:
    """Return the eight parameters; I within what m and m/I leave."""
    mass, per = box.ranges["m"], box.ranges["m_over_I"]
    units = {"mu": "1", "C_Sf": "1/rad", "C_Sr": "1/rad", "lf": "m", "lr": "m", "h": "m"}
    plain = tuple(_box(box, name, unit) for name, unit in units.items())
    middle = ((mass[0] * mass[1]) / (per[0] * per[1])) ** 0.5
    inertia = Parameter("I", "kg m^2", mass[0] / per[1], mass[1] / per[0], middle, scale="log")
    return (*plain, _box(box, "m", "kg", "log"), inertia)


def _combined(box: CarClass) -> tuple[Parameter, ...]:
    """Return the six combinations, with the bounds that those of the parameters give."""
    mu = box.ranges["mu"]
    stiffness = []
    for axle in ("f", "r"):
        low, high = box.ranges[f"C_S{axle}"]
        middle = (mu[0] + mu[1]) * (low + high) / 4
        stiffness.append(Parameter(f"mu_C_S{axle}", "1/rad", mu[0] * low, mu[1] * high, middle, scale="log"))
    geometry = tuple(_box(box, name, "m") for name in ("lf", "lr", "h"))
    return (*stiffness, _box(box, "m_over_I", "1/m^2", "log"), *geometry)


def _gains(box: CarClass) -> tuple[Parameter, ...]:
    units = {"steering": "rad", "acceleration": "m/s^2", "yaw_rate": "rad/s^2", "slip_angle": "rad/s"}
    gains = tuple(Parameter(f"gain_{signal}", "1", 0.7, 1.3, 1.0) for signal in SIGNALS)
    bias = {"steering": 0.05, "acceleration": 0.5, "yaw_rate": 0.5, "slip_angle": 0.05}
    return (*gains, *(Parameter(f"bias_{name}", unit, -bias[name], bias[name], 0.0) for name, unit in units.items()))


def _pacejka(box: CarClass, throttle: bool) -> tuple[Parameter, ...]:
    tyres = [
        Parameter(f"{name}_{axle}", unit, *box.pacejka[name])
        for axle in ("f", "r")
        for name, unit in {"B": "1/rad", "C": "1", "D": "1", "E": "1", "Sh": "rad", "Sv": "m/s^2"}.items()
    ]
    body = (*(_box(box, name, "m") for name in ("lf", "lr", "h")), _box(box, "m_over_I", "1/m^2", "log"))
    units = {"Cm1": "m/s^2", "Cm2": "1/s", "Cr0": "m/s^2", "Cr2": "1/m"}
    drive = [Parameter(name, unit, *box.drive[name]) for name, unit in units.items()] if throttle else []
    return (*tyres, *body, *drive)
