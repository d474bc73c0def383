import numpy as np
import pytest
import scipy.stats

from trainers.common import statistics

SAMPLES = {
    "lognormal": np.random.default_rng(0).lognormal(size=4000),
    "normal": np.random.default_rng(1).normal(3.0, 2.0, size=501),
    "few": np.array([1.0, 2.0, 2.5, 9.0]),
}


@pytest.mark.parametrize("x", SAMPLES.values(), ids=SAMPLES)
def test_moments_and_quartiles_agree_with_scipy(x):
    summary = statistics.describe(x)
    assert summary["skewness"] == pytest.approx(scipy.stats.skew(x))
    assert summary["mean"] == pytest.approx(scipy.stats.tmean(x))
    assert summary["standard_deviation"] == pytest.approx(np.sqrt(scipy.stats.moment(x, 2)))
    first, median, third = scipy.stats.mstats.mquantiles(x, alphap=1, betap=1)
    assert (summary["quartile_1"], summary["median"], summary["quartile_3"]) == pytest.approx((first, median, third))
    assert third - first == pytest.approx(scipy.stats.iqr(x))
    assert summary["n"] == len(x)


def test_pearson_and_bowley_of_a_sample_worked_by_hand():
    x = np.array([1.0, 1.0, 1.0, 2.0, 10.0])
    assert statistics.pearson_2(x) == pytest.approx(3 * (3.0 - 1.0) / np.sqrt(12.4))
    assert statistics.quartiles(x) == (1.0, 1.0, 2.0)
    assert statistics.bowley(x) == 1.0


def test_the_histogram_mode_finds_the_peak_of_a_density_and_ignores_a_far_outlier():
    x = np.random.default_rng(2).gamma(4.0, size=20000)  # mode 3, median 3.67, mean 4
    assert statistics.histogram_mode(x) == pytest.approx(3.0, abs=0.3)
    assert statistics.histogram_mode(np.append(x, 1e12)) == pytest.approx(3.0, abs=0.3)
    assert statistics.pearson_1(x) == pytest.approx((x.mean() - statistics.histogram_mode(x)) / x.std())


def test_values_that_are_not_finite_do_not_count():
    x = SAMPLES["lognormal"]
    dirty = np.concatenate([x, [np.nan, np.inf, -np.inf]]).reshape(1, -1)
    assert statistics.describe(dirty) == statistics.describe(x)


@pytest.mark.parametrize("x", [np.array([]), np.array([np.nan])])
def test_nothing_finite_gives_nan_and_n_0(x):
    summary = statistics.describe(x)
    assert summary.pop("n") == 0
    assert all(np.isnan(value) for value in summary.values())


def test_a_constant_sample_has_no_asymmetry():
    summary = statistics.describe(np.full(7, 0.1))
    assert summary["mean"] == pytest.approx(0.1)
    assert all(np.isnan(summary[name]) for name in ("skewness", "pearson_1", "pearson_2", "bowley"))


def test_a_rollout_fails_where_it_is_not_finite_or_ten_times_as_far_as_the_data():
    rollout = np.array([[1.0, 9.9, 10.0], [1.0, 10.1, 1.0], [1.0, np.nan, 1.0], [1.0, 2.0, np.inf]])[..., None]
    present = np.ones(rollout.shape[:2], bool)
    failed = statistics.failed_steps(rollout, np.abs(rollout[..., 0]), 1.0, present)
    assert failed.tolist() == [-1, 1, 1, 2]
    present[1, 1] = present[2, 1] = False
    assert statistics.failed_steps(rollout, np.abs(rollout[..., 0]), 1.0, present).tolist() == [-1, -1, -1, 2]
    kept = statistics.without_failures(rollout, failed)
    assert np.array_equal(kept[0], rollout[0]) and np.isnan(kept[1:]).all()


def test_outliers_are_what_a_box_plot_draws_beyond_its_whiskers():
    box = np.concatenate([np.linspace(0, 1, 98), [-5.0, 9.0, np.nan]])
    assert statistics.outliers(box) == pytest.approx(2.0)
    assert statistics.outliers(np.linspace(0, 1, 50)) == 0
    assert np.isnan(statistics.outliers(np.array([np.nan])))
    normal = np.random.default_rng(2).normal(size=200_000)
    assert statistics.outliers(normal) == pytest.approx(0.698, abs=0.05)
