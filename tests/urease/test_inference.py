"""Least squares, the exact posterior and Fisher information against closed forms, a grid and the sheet."""

from functools import cache

import numpy as np
import pytest

from trainers.urease.bounded import from_normal, to_normal
from trainers.urease.config import DatasetConfig, SegmentationConfig
from trainers.urease.curves.curves import Curves, curves_of
from trainers.urease.inference.importance import exact_posterior
from trainers.urease.inference.laplace import with_laplace
from trainers.urease.inference.least_squares import least_squares
from trainers.urease.inference.likelihood import Likelihood
from trainers.urease.inference.quick_likelihood import quick_likelihood, quick_nuisances
from trainers.urease.kinetics.families import FAMILIES
from trainers.urease.scores.distances import c2st, crps
from trainers.urease.scores.identifiability import fisher_contraction
from trainers.urease.segment import segment
from trainers.urease.simulate import simulate


@cache
def likelihood(prefix: float = 60.0, count: int = 6, bins: int = 30, **settings) -> tuple[Likelihood, np.ndarray]:
    data = simulate(DatasetConfig(trajectories=max(count, 2), duration=prefix, seed=11, **settings))
    config = SegmentationConfig(durations=(prefix,), bins=bins, components=0)
    meta = segment(config, data).meta
    names = tuple(name for role in ("unknown", "nuisance") for name in str(meta[role]).split(",") if name)
    curves, _ = curves_of(config, data, meta)
    theta = np.stack([data.parameters[name] for name in names], axis=1)
    low, high = data.arrays["prior_low"], data.arrays["prior_high"]
    return Likelihood(curves.take(slice(0, count)), prefix, names, low, high, meta), theta[:count]


def test_residuals_at_the_truth_are_the_noise():
    for family in ("v1", "v2", "v3"):
        one, theta = likelihood(family=family, count=40)
        r = one.residuals(to_normal(theta, one.low, one.high))
        assert r.std() == pytest.approx(1.0, abs=0.05) and abs(r.mean()) < 0.1


def test_points_after_the_prefix_do_not_count():
    one, theta = likelihood(family="v2")
    short = one._replace(prefix=30.0)
    assert short.residuals(to_normal(theta, one.low, one.high)).shape[1] == short.points < one.points


def test_least_squares_finds_the_truth_of_curves_without_noise():
    # almost without, since the noise sets the unit of the misfit; a point for each reading
    one, theta = likelihood(family="v2", noise=1e-4, prefix=300.0, bins=1000)
    found = least_squares(one, 2, prior=False)
    error = np.abs(from_normal(found.z, one.low, one.high) - theta) / (one.high - one.low)
    assert error[:, 0].max() < 1e-3 and np.median(error[:, 1]) < 5e-3 and found.misfit.max() < 2


def test_with_the_prior_an_unknown_without_data_stays_in_the_middle():
    one, _ = likelihood(family="v3", prefix=10.0)
    with_prior, without = (least_squares(one, 2, prior=prior) for prior in (True, False))
    assert np.abs(with_prior.z[:, 1]).max() < 0.5
    spread = np.sqrt(np.einsum("ndd->nd", with_prior.covariance))
    assert spread[:, 1] == pytest.approx(1.0, abs=0.1)
    assert (without.misfit <= with_prior.misfit + 0.05).all()


def test_least_squares_uses_the_box_of_the_nuisances_and_not_their_truth():
    one, _ = likelihood(family="v3", count=6)
    found = least_squares(one, 2, prior=True)
    nuisances = from_normal(found.z, one.low, one.high)[:, 2:]
    assert ((nuisances > one.low[2:]) & (nuisances < one.high[2:])).all() and len(one.names) == 8


def test_the_exact_posterior_is_that_of_a_grid():
    """Two unknowns, no nuisance: the posterior on a fine grid of normal coordinates is exact."""
    one, _ = likelihood(family="v2", count=3, prefix=60.0)
    sampled = exact_posterior(one, 2, 2000, seed=0)
    assert sampled.effective.min() > 300
    for k in range(3):
        samples = sampled.z[:, k]
        mean, spread = samples.mean(axis=0), samples.std(axis=0)
        axes = [np.linspace(mean[p] - 6 * spread[p], mean[p] + 6 * spread[p], 81) for p in range(2)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        r = one.residuals(np.clip(grid, -8, 8), np.full(len(grid), k))
        log = -0.5 * (r**2).sum(axis=1) - 0.5 * (grid**2).sum(axis=1)
        weight = np.exp(log - log.max())
        weight /= weight.sum()
        exact_mean = weight @ grid
        exact_spread = np.sqrt(weight @ (grid - exact_mean) ** 2)
        assert mean == pytest.approx(exact_mean, abs=0.15 * exact_spread.max())
        assert spread == pytest.approx(exact_spread, rel=0.1)
        other = grid[np.random.default_rng(k).choice(len(grid), 600, p=weight)]
        assert (
            c2st(
                samples[:600],
                other + np.random.default_rng(1).uniform(-0.5, 0.5, (600, 2)) * [a[1] - a[0] for a in axes],
            )
            < 0.57
        )


SHEET = {30.0: (0.004, 0.027, 0.66, 0.98), 60.0: (0.004, 0.021, 0.29, 0.71), 300.0: (0.001, 0.010, 0.028, 0.045)}
WITH_NUISANCES = {
    30.0: (0.013, 0.094, 0.985, 0.998),
    60.0: (0.008, 0.079, 0.64, 0.92),
    300.0: (0.002, 0.034, 0.11, 0.2),
}


@pytest.mark.parametrize(("nuisances", "expected"), [(False, SHEET), (True, WITH_NUISANCES)])
def test_identifiability_is_that_of_the_sheet(nuisances, expected):
    """At S 10 mM, .01 g, 30 C, pH 6.85, k_d 2.5e-3, readings every second: ranges over the fractions .05, .3, .8."""
    family, t = FAMILIES["v3"], np.tile(np.arange(301.0), (3, 1))
    names = ("fraction", "k_d", *(family.nuisance if nuisances else ()))
    low, high = (np.array([getattr(family.ranges()[name], end) for name in names]) for end in ("low", "high"))
    known = np.tile([10, 0.01, 30, 6.85, 0.2], (3, 1))
    curves = Curves(
        np.zeros_like(t), t, np.ones_like(t), known, np.zeros((3, 48)), np.full(3, 6.85), np.zeros((3, 1, 0))
    )
    meta = {"known": ",".join(family.known), "law": "fitted", "phosphate": 0.0, "noise": 0.01}
    theta = np.tile((low + high) / 2, (3, 1))
    theta[:, 0], theta[:, 1] = (0.05, 0.3, 0.8), 2.5e-3
    ratio = fisher_contraction(Likelihood(curves, 300.0, names, low, high, meta), theta, tuple(expected))
    for k, (lowest, highest, lowest_k, highest_k) in enumerate(expected.values()):
        # the sheet rounds to one or two digits
        assert ratio[k, :, 0].min() > 0.8 * lowest and ratio[k, :, 0].max() < 1.1 * highest
        assert ratio[k, :, 1].min() > 0.95 * lowest_k and ratio[k, :, 1].max() < 1.05 * highest_k


def test_the_score_of_samples_is_that_of_a_normal_distribution():
    samples = np.random.default_rng(0).standard_normal((4000, 3))
    y = np.array([0.0, 1.0, -2.0])
    from scipy.stats import norm

    exact = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.pi**0.5
    assert crps(samples, y) == pytest.approx(exact, abs=0.03)


def test_a_classifier_tells_apart_what_differs():
    random = np.random.default_rng(0)
    one, same, shifted = random.standard_normal((3, 300, 2))
    assert c2st(one, same) == pytest.approx(0.5, abs=0.06) and c2st(one, shifted + 3) > 0.9


# -- the quick likelihood


def test_the_quick_likelihood_agrees_with_the_simulator_where_it_is_corrected():
    for family in ("v1", "v2", "v3"):
        full, theta = likelihood(family=family, prefix=300.0, count=20)
        quick = quick_likelihood(full)
        z = np.clip(to_normal(theta, full.low, full.high), -1, 1)
        part = z[:, [full.names.index(name) for name in quick.names]]
        exact = full.residuals(quick.all_coordinates(part))
        before, after = quick.residuals(part), quick.corrected(part).residuals(part)
        # the rest is the gas rate's curvature, in units of the noise
        assert np.abs(after - exact).max() < (0.3 if family == "v3" else 1e-6)
        assert family == "v2" or np.abs(before - exact).max() > 10 * np.abs(after - exact).max()


def test_the_normal_approximation_is_that_of_the_simulator():
    full, _ = likelihood(family="v3", prefix=300.0, count=20)
    reference = least_squares(full, 2, prior=True)
    curves = with_laplace(full.curves, (60.0, 300.0), full.meta, full.low, full.high)
    width = 2 + 4 + len(quick_nuisances(full.meta)) + 1
    assert curves.laplace.shape == (20, 2, width)
    centre, root = curves.laplace[:, 1, :2], curves.laplace[:, 1, 2:6].reshape(-1, 2, 2)
    spread = np.sqrt(np.einsum("ndd->nd", reference.covariance))[:, :2]
    assert np.median(np.abs(centre - reference.z[:, :2]) / spread) < 0.1
    ratio = np.sqrt(np.einsum("nde,nde->nd", root, root)) / spread
    # the correction holds at one point: where gas matters, the activity is thought a little too well known
    assert np.median(ratio, axis=0) == pytest.approx(1.0, abs=0.1)


def test_the_normal_approximation_does_not_depend_on_the_company_of_a_curve():
    full, _ = likelihood(family="v2", count=6)
    whole = with_laplace(full.curves, (60.0,), full.meta, full.low, full.high).laplace
    alone = with_laplace(full.curves.take(slice(3, 4)), (60.0,), full.meta, full.low, full.high).laplace
    assert alone[0] == pytest.approx(whole[3], rel=1e-9)
