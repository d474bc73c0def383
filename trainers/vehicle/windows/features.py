"""What a network sees of a window, all of it unchanged when the window is shifted or turned in the plane.

Features go by windows: state (W, L, 7), control (W, L - 1, 2) -> (W, F).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray

BODY = (2, 3, 5, 6)
"""States in the car's frame: steering angle, speed, yaw rate, slip angle."""

SLOW = 0.5
"""Speed below which nothing is divided by it [m/s]."""

RIDGE = 1e-2
"""Ridge penalty of a regression, in parts of the mean square of its regressors [1]."""


def signals(state: Array, control: Array, step: float) -> Array:
    """Return steering angle, speed, yaw rate and slip angle at all points, and both controls at all but the last."""
    count, points = state.shape[:2]
    seen = state[..., BODY].reshape(count, points * len(BODY)), control.reshape(count, (points - 1) * 2)
    return np.concatenate(seen, axis=1)


def regression(state: Array, control: Array, step: float) -> Array:
    """Return the coefficients of the linear tyre model, fitted to the differences of each window, and its level.

    `r' = c1 delta + c2 b + c3 r/v` and `b' + r = (c4 delta + c5 b + c6 r/v)/v`, by ridge regression; large coefficients
    are compressed (asinh). Beside them the logarithms of both residuals, of the mean speed, and of the mean size of
    steering, yaw rate, acceleration and slip. Noise in the regressors pulls coefficients towards 0; the network learns
    by how much.
    """
    middle = (state[:, 1:] + state[:, :-1]) / 2
    delta, v, r, b = (middle[..., k] for k in BODY)
    v = np.maximum(v, SLOW)
    change = np.diff(state, axis=1) / step
    tyres = np.stack([delta, b, r / v], axis=-1)
    yaw, yaw_residual = _ridge(tyres, change[..., 5])
    slip, slip_residual = _ridge(tyres / v[..., None], change[..., 6] + r)
    acceleration = control[..., 1]
    level = [np.log(v.mean(axis=1)), *(np.log(np.abs(x).mean(axis=1) + 1e-3) for x in (delta, r, acceleration, b))]
    sizes = [np.arcsinh(yaw), np.arcsinh(slip), np.log(np.stack([yaw_residual, slip_residual], axis=1) + 1e-6)]
    return np.concatenate([*sizes, np.stack(level, axis=1)], axis=1)


FEATURES: dict[str, Callable[[Array, Array, float], Array]] = {"signals": signals, "regression": regression}
"""Features by name."""


def features_of(names: Sequence[str], mode: str, state: Array, control: Array, step: float) -> Array:
    """Return the features (W, F) of windows; mode with_state puts the first state in the car's frame beside them."""
    parts = [FEATURES[name](state, control, step) for name in names]
    if mode == "with_state":
        parts.append(state[:, 0, BODY])
    return np.concatenate(parts, axis=1)


def _ridge(x: Array, y: Array) -> tuple[Array, Array]:
    """Return coefficients (W, K) of y (W, T) on x (W, T, K), and the root mean square of what is left (W,)."""
    gram, moment = np.einsum("wtk,wtl->wkl", x, x), np.einsum("wtk,wt->wk", x, y)
    size = np.sqrt(np.maximum(np.einsum("wkk->wk", gram), 1e-12))
    scaled = gram / size[:, :, None] / size[:, None, :] + RIDGE * np.eye(x.shape[2])
    coefficients = np.linalg.solve(scaled, (moment / size)[..., None])[..., 0] / size
    residual = y - np.einsum("wtk,wk->wt", x, coefficients)
    return coefficients, np.sqrt((residual**2).mean(axis=1))
