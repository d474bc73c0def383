"""Principal components of the points of a prefix: few numbers that hold what a curve says above its noise.

Activity moves all points together, deactivation bends the curve a little: in raw points the second is a small
difference of large numbers, and a network needs very long to find it. Components, each scaled to unit variance over the
training curves, show both alike. They are taken of two views of a curve: the rise of pH in units of the noise of a
point, and the logarithm of the clock by time, log(tau/t), in which all conditions look alike.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

VIEWS = 2

FLOOR = (0.0, 1e-4)
"""Added to the variance of a component: the rise has noise of variance 1 in itself."""

EARLIEST = 0.3
"""Times below this count as this in log(tau/t) [s]."""

SMALLEST_NOISE = 1e-4
"""Noise below this counts as this [pH]."""


def principal_components(views: Array, t: Array, durations: tuple[float, ...], count: int) -> dict[str, Array]:
    """Return the mean (V, K, L) and the scaled components (V, K, L, count) of points in K prefixes.

    views (V, N, L) of the training curves at times t (L,). A prefix of fewer points has fewer components: the others
    are 0.
    """
    inside = t <= np.array(durations)[:, None] * (1 + 1e-9)
    mean = np.where(inside, views.mean(axis=1)[:, None], 0.0)
    basis = np.zeros((len(views), len(durations), len(t), count))
    for v, view in enumerate(views):
        centred = view - view.mean(axis=0)
        covariance = centred.T @ centred / len(view)
        for k, part in enumerate(inside):
            variance, vectors = np.linalg.eigh(covariance[np.ix_(part, part)])
            size = min(count, int(part.sum()))
            # the largest first, of a sign that does not depend on the library
            vectors, variance = vectors[:, ::-1][:, :size], np.maximum(variance[::-1][:size], 0.0) + FLOOR[v]
            vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
            scale = np.where(variance > 1e-9, np.sqrt(np.maximum(variance, 1e-9)), np.inf)
            basis[v, k, part, :size] = vectors / scale
    return {"component_mean": mean.astype(np.float32), "component_basis": basis.astype(np.float32)}
