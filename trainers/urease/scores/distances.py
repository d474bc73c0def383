"""Scores of posterior samples against a truth, and distances between two sets of samples."""

from __future__ import annotations

import warnings

import numpy as np

Array = np.ndarray


def crps(samples: Array, truth: Array) -> Array:
    """Return `E|X - y| - E|X - X'|/2` of samples (S, ...) and truths (...): the continuous ranked probability score.

    It is smallest on average for the true distribution: both a large error and a wrong width cost. The second term is
    unbiased for any S. Source: Gneiting & Raftery 2007, JASA 102:359.
    """
    count = len(samples)
    ordered = np.sort(samples, axis=0)
    weight = (2 * np.arange(1, count + 1) - count - 1).reshape(-1, *[1] * truth.ndim)
    return np.asarray(np.abs(samples - truth).mean(axis=0) - (weight * ordered).sum(axis=0) / (count * (count - 1)))


def c2st(first: Array, second: Array, seed: int = 1, folds: int = 5) -> float:
    """Return the share of samples (S, P) of two sets that a classifier assigns to the right one: 1/2 if they are alike.

    A multilayer perceptron of two layers of 10 P units on standardised samples, cross-validated in five folds, as in
    sbibm. Source: Lopez-Paz & Oquab 2017, arXiv 1610.06545; Lueckmann et al. 2021, arXiv 2101.04653.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neural_network import MLPClassifier

    spread = first.std(axis=0)
    mean, scale = first.mean(axis=0), np.where(spread > 0, spread, 1.0)
    both = (np.concatenate([first, second]) - mean) / scale
    label = np.repeat([0, 1], [len(first), len(second)])
    units = 10 * first.shape[1]
    network = MLPClassifier((units, units), max_iter=1000, solver="adam", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        score = cross_val_score(network, both, label, cv=KFold(folds, shuffle=True, random_state=seed))
    return float(score.mean())
