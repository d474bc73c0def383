"""Two-point statistics and bases against their definitions."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from trainers.phase_field.microstructure.basis import fit_basis, scores_per_run
from trainers.phase_field.microstructure.two_point import (
    autocorrelation,
    characteristic_length,
    radial_profile,
    radii,
    shell_sizes,
)


def fields(size=32, count=3, seed=0):
    return np.random.default_rng(seed).normal(0.4, 0.2, (count, size, size))


def test_an_autocorrelation_is_its_definition():
    (c,) = fields(8, 1)
    x = (c - c.mean()) / c.std()
    slow = np.array([[(x * np.roll(x, (-i, -j), (0, 1))).mean() for j in range(8)] for i in range(8)])
    np.testing.assert_allclose(autocorrelation(c[None])[0], slow, atol=1e-12)


def test_an_autocorrelation_is_one_at_lag_zero_even_and_of_mean_zero():
    maps = autocorrelation(fields())
    assert (maps[:, 0, 0] == 1).all() and maps.max() == 1
    np.testing.assert_allclose(maps[:, 1:, 1:], maps[:, :0:-1, :0:-1], atol=1e-12)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), 0, atol=1e-12)


@pytest.mark.parametrize(
    "change", [lambda c: np.roll(c, (3, 9), (1, 2)), lambda c: 5 * c + 2, lambda c: -c, lambda c: 1 - c]
)
def test_an_autocorrelation_ignores_shift_scale_and_sign(change):
    np.testing.assert_allclose(autocorrelation(change(fields())), autocorrelation(fields()), atol=1e-12)


def test_white_noise_has_the_profile_of_a_point():
    profile = radial_profile(autocorrelation(fields(128, 4)))
    assert (profile[:, 0] == 1).all() and np.abs(profile[:, 1:]).max() < 0.02


def test_a_constant_field_is_refused():
    with pytest.raises(ValueError, match="a field is constant"):
        autocorrelation(np.full((1, 8, 8), 0.3))


def test_a_profile_averages_the_cells_of_each_distance():
    maps = np.random.default_rng(1).normal(size=(2, 12, 12))
    lag = np.minimum(np.arange(12), 12 - np.arange(12))
    distance = np.rint(np.sqrt(lag[:, None] ** 2 + lag[None, :] ** 2))
    slow = np.array([[one[distance == r].mean() for r in range(6)] for one in maps])
    np.testing.assert_allclose(radial_profile(maps), slow, atol=1e-12)
    assert shell_sizes(12).tolist() == [(distance == r).sum() for r in range(6)]
    assert radii(12).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_length_of_a_wave_is_about_a_quarter_of_its_period():
    radius = np.arange(64.0)
    profile = np.cos(2 * np.pi * radius / 20)[None]
    assert characteristic_length(profile, radius)[0] == pytest.approx(5.0, abs=1e-9)
    assert characteristic_length(np.array([[1.0, 0.5, -0.5]]), radius[:3])[0] == pytest.approx(1.5)
    assert np.isnan(characteristic_length(np.ones((1, 64)), radius)[0])


def test_a_basis_is_orthonormal_and_explains_everything_at_full_rank():
    rows = np.random.default_rng(0).normal(size=(50, 6)) * [5, 3, 2, 1, 1, 0.1]
    basis = fit_basis(rows, 6)
    np.testing.assert_allclose(basis.vectors @ basis.vectors.T, np.eye(6), atol=1e-12)
    assert basis.explained.sum() == pytest.approx(1) and (np.diff(basis.explained) < 0).all()
    np.testing.assert_allclose(basis.rows(basis.scores(rows)), rows, atol=1e-12)
    few = fit_basis(rows, 2)
    np.testing.assert_allclose(few.explained, PCA(2).fit(rows).explained_variance_ratio_, rtol=1e-9)
    assert (few.vectors.max(axis=1) == np.abs(few.vectors).max(axis=1)).all(), "signs are settled"


def test_more_components_than_data_are_refused():
    with pytest.raises(ValueError, match="components is 7; rows of shape"):
        fit_basis(np.zeros((50, 6)), 7)


def test_scores_per_run_are_those_of_a_pca_of_the_run_alone():
    maps = np.random.default_rng(0).normal(size=(20, 100)).cumsum(axis=0)
    scores, explained = scores_per_run(maps, 5)
    reference = PCA(5).fit(maps)
    np.testing.assert_allclose(np.abs(scores), np.abs(reference.transform(maps)), atol=1e-9)
    np.testing.assert_allclose(explained, reference.explained_variance_ratio_, rtol=1e-9)
