"""Principal components: one basis for all runs, and the source's basis of each run by itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Basis(NamedTuple):
    """An orthonormal basis of statistics: `scores = (row - centre) @ vectors.T`."""

    centre: Array
    """(D,) mean row."""
    vectors: Array
    """(K, D) rows of unit length, the one of most variance first."""
    explained: Array
    """(K,) part of the variance that each explains [1]."""

    def scores(self, rows: Array) -> Array:
        """Return the scores (..., K) of rows (..., D)."""
        return np.asarray((rows - self.centre) @ self.vectors.T)

    def rows(self, scores: Array) -> Array:
        """Return the rows (..., D) that scores (..., K) stand for."""
        return np.asarray(self.centre + scores @ self.vectors)


def fit_basis(rows: Array, components: int) -> Basis:
    """Fit K principal components to rows (n, D); each vector's largest entry is positive, so that signs are settled.

    Raises:
        ValueError: more components are asked for than rows or columns allow.
    """
    if components > min(rows.shape):
        raise ValueError(f"components is {components}; rows of shape {rows.shape} allow at most {min(rows.shape)}")
    centre = rows.mean(axis=0)
    scatter = (rows - centre).T @ (rows - centre)
    variance, vectors = np.linalg.eigh(scatter)
    variance, vectors = variance[::-1][:components], vectors[:, ::-1][:, :components].T
    return Basis(centre, _signed(vectors), np.maximum(variance, 0.0) / np.trace(scatter))


def scores_per_run(maps: Array, components: int) -> tuple[Array, Array]:
    """Return scores (T, K) of one run's maps (T, D) in a basis fitted to this run alone, and what it explains (K,).

    This is the source's way. Each run has axes of its own with signs of their own: scores of two runs cannot be
    compared, and since the basis is thrown away, they lead back to no map.
    """
    centred = maps - maps.mean(axis=0)
    variance, vectors = np.linalg.eigh(centred @ centred.T)
    variance, vectors = np.maximum(variance[::-1], 0.0), vectors[:, ::-1]
    scores = vectors[:, :components] * np.sqrt(variance[:components])
    return np.asarray(scores), variance[:components] / variance.sum()


def _signed(vectors: Array) -> Array:
    largest = np.abs(vectors).argmax(axis=1)
    return np.asarray(vectors * np.sign(vectors[np.arange(len(vectors)), largest])[:, None])
