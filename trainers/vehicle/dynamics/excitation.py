"""What drivers do to a car so that its parameters show: steering and speed over time, as controls.

Steering is a sum of sines of random frequency and phase, as large as the tyres bear at the speed of the run; the speed
swings about that of the run. Both are followed exactly: the controls are their differences over each point of the data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainers.vehicle.cars import Limits

Array = np.ndarray

GRAVITY = 9.81

GRIP = (0.3, 0.7)
"""Range of the largest lateral acceleration of a run in parts of mu g [1]; a linear tyre is a fair model so far."""

STEERING_BAND, SPEED_BAND = (0.2, 1.5), (0.1, 0.5)
"""Frequencies of steering and speed [Hz]."""

SPEED_SWING = (0.1, 0.3)
"""Range of the swing of the speed in parts of the run's [1]."""


def multi_sine(random: np.random.Generator, t: Array, band: tuple[float, float], sines: int = 4) -> Array:
    """Return a sum of sines (T,) of random frequency [Hz] within a band, its largest value 1."""
    frequency = np.exp(random.uniform(np.log(band[0]), np.log(band[1]), sines))
    phase, size = random.uniform(0, 2 * np.pi, sines), random.uniform(0.3, 1.0, sines)
    wave = (size[:, None] * np.sin(2 * np.pi * frequency[:, None] * t + phase[:, None])).sum(axis=0)
    return wave / np.abs(wave).max()


def swinging(random: np.random.Generator, t: Array, speed: float) -> Array:
    """Return a speed (T,) that swings about that of the run [m/s]."""
    return speed * (1 + random.uniform(*SPEED_SWING) * multi_sine(random, t, SPEED_BAND))


def from_rest(random: np.random.Generator, t: Array, speed: float) -> Array:
    """Return a speed (T,) that begins at rest, reaches that of the run half-way, and ends at rest [m/s]."""
    return speed * np.sin(np.pi * (t - t[0]) / (t[-1] - t[0])) ** 2


SPEEDS: dict[str, Callable[[np.random.Generator, Array, float], Array]] = {
    "multi_sine": swinging,
    "from_rest": from_rest,
}
"""Excitations by name: how the speed of a run goes on."""


def controls(
    random: np.random.Generator, excitation: str, t: Array, speed: float, turning: Array, limits: Limits
) -> tuple[Array, Array, Array]:
    """Return controls (T - 1, 2), the first steering angle and the first speed of a run.

    turning (2,): the wheelbase [m] and mu of the car, which say how much steering its tyres bear.
    """
    wheelbase, mu = turning
    pace = np.clip(SPEEDS[excitation](random, t, speed), 0.0, limits.fastest)
    lateral = random.uniform(*GRIP) * mu * GRAVITY
    largest = min(0.8 * limits.steering, lateral * wheelbase / max(pace.max(), 0.5) ** 2 * UNDERSTEER)
    steering = largest * multi_sine(random, t, STEERING_BAND)
    step = np.diff(t)
    rate = np.clip(np.diff(steering) / step, -limits.steering_rate, limits.steering_rate)
    return np.stack([rate, np.diff(pace) / step], axis=1), steering[:1], pace[:1]


UNDERSTEER = 1.5
"""Steering beyond that of rolling which slip asks for at speed [1]."""
