"""Points of prefixes, the clock's tables, splits, and bad input."""

from dataclasses import replace

import numpy as np
import pytest

from trainers.urease.config import DatasetConfig, ModelConfig, SegmentationConfig
from trainers.urease.curves.clock import RISE, clock_tables
from trainers.urease.curves.curves import curves_of
from trainers.urease.curves.points import adaptive_points, bin_edges, binned, interpolated
from trainers.urease.kinetics.families import reactors_of
from trainers.urease.kinetics.solution import solve
from trainers.urease.segment import segment
from trainers.urease.simulate import simulate

DATA = simulate(DatasetConfig(trajectories=50, seed=3))
USUAL = SegmentationConfig()


def test_the_sheets_rule_of_adaptive_points():
    assert [adaptive_points(prefix) for prefix in (30.0, 60.0, 300.0)] == [100, 200, 1000]
    assert adaptive_points(30.0, 1.0) == 30


def test_bins_end_at_every_prefix_and_widen_with_it():
    edges = bin_edges((10.0, 30.0, 60.0, 120.0, 300.0), 30, 1.0)
    assert {0.0, 10.0, 30.0, 60.0, 120.0, 300.0} <= set(edges.round(9)) and len(edges) - 1 == 79
    widths = np.diff(edges[1:])
    assert widths[:30] == pytest.approx(1.0) and widths[-1] == pytest.approx(10.0) and (np.diff(widths) > -1e-9).all()


def test_bins_are_means_of_their_readings_and_know_how_many():
    t = np.arange(0, 301.0)
    assert np.array_equal(bin_edges((300.0,), 30, 1.0), bin_edges((30.0, 300.0), 30, 1.0))
    points = binned(t, bin_edges((30.0, 300.0), 30, 1.0))
    assert points.readings.sum() == 301 and points.weights.sum(axis=1) == pytest.approx(1)
    values = np.sin(t)
    assert (points.weights @ values)[-1] == pytest.approx(values[291:].mean()) and points.t[-1] == 295.5
    assert points.t[:31] == pytest.approx(np.arange(31))


def test_interpolated_points_are_the_sources():
    t = 1.0005 * np.arange(40)
    points, values = interpolated(t, 30.0, 100), np.cos(t)
    assert points.weights @ values == pytest.approx(np.interp(np.linspace(0, 30, 100), t, values))


def test_points_finer_than_the_readings_are_refused_or_warned_of():
    fine = SegmentationConfig(durations=(30.0,), sampling="adaptive")
    with pytest.raises(ValueError, match=r"100 points in 30 s from readings every 1 s.*expected at most 31"):
        segment(fine, DATA)
    with pytest.warns(UserWarning, match="correlates the noise"):
        made = segment(fine.model_copy(update={"finer": "warn"}), DATA)
    assert made.phases[0]["train/reading"].shape == (40, 100)
    # the simulation's own grid does not change a fixed number of points
    fixed = segment(SegmentationConfig(durations=(30.0,), sampling="points", points=30), DATA)
    assert fixed.phases[0]["train/reading"].shape == (40, 30)


def test_segments_split_by_curve_and_hold_the_truth():
    made = segment(USUAL, DATA)
    arrays = made.phases[0]
    assert len(made.train) == 40 and not set(made.train) & set(made.validation)
    assert np.array_equal(arrays["train/truth"][:, 1], DATA.parameters["k_d"][made.train])
    assert arrays["train/nuisance"].shape == (40, 6) and made.meta["unknown"] == "fraction,k_d"
    assert made.fitted["prior_high"][:2] == pytest.approx([1.0, 5e-3])


def test_what_is_fitted_comes_from_training_curves_alone():
    made = segment(USUAL, DATA)
    other = replace(DATA, y=DATA.y.copy())
    other.y[made.validation] += 1.0
    again = segment(USUAL, other)
    assert all(np.array_equal(made.fitted[name], again.fitted[name]) for name in made.fitted)


def test_quiet_points_are_readings_without_noise_offset_and_drift():
    exact = simulate(DatasetConfig(trajectories=50, seed=3, noise=0.0))
    arrays, made = segment(USUAL, exact).phases[0], segment(USUAL, exact)
    offset, drift = (exact.parameters[name][made.train, None] for name in ("pH_offset", "pH_drift"))
    late = arrays["train/t"] > 60  # any lag of at most 5 s has passed
    line = offset + drift * (arrays["train/t"] - exact.parameters["tau_probe"][made.train, None])
    assert (arrays["train/quiet"] + line)[late] == pytest.approx(arrays["train/reading"][late], abs=2e-5)


def test_the_clocks_table_is_that_of_the_reactor():
    known = {name: values[:8] for name, values in DATA.parameters_as("known").items()}
    tables = clock_tables(known)
    reactors = reactors_of({**known, "E0": np.full(8, 0.02), "k_d": np.zeros(8)})
    t = np.array([5.0, 50.0, 500.0])
    rise = solve(reactors, t) - reactors.initial_ph[:, None]
    for k in range(8):
        assert np.exp(np.interp(np.log(rise[k]), np.log(RISE), tables[k])) == pytest.approx(0.02 * t, rel=0.06)


def test_irregular_and_missing_readings_become_the_points_that_they_support():
    t, y = DATA.t.copy(), DATA.y.copy()
    t[1] = np.sort(np.random.default_rng(0).uniform(0, 300, 301))
    y[2, 100:120], y[3, 200:], t[3, 200:] = np.nan, np.nan, np.nan
    curves, _ = curves_of(USUAL, replace(DATA, t=t, y=y), segment(USUAL, DATA).meta)
    regular, _ = curves_of(USUAL, DATA, segment(USUAL, DATA).meta)
    assert np.allclose(curves.reading[0], regular.reading[0])
    assert curves.readings[2].sum() == 281 and curves.readings[3].sum() == 200
    assert np.isfinite(curves.reading).all() and not curves.up_to(300.0)[3, -1] and curves.up_to(300.0)[0].all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"names": ("acidity", "pH_noise_free")}, "expected one named pH"),
        ({"arrays": {}}, "train on simulations, fit your own"),
        (
            {"parameters": {"k_d": DATA.parameters["k_d"]}, "roles": {}, "parameter_units": {}},
            "expected the known conditions substrate",
        ),
    ],
)
def test_curves_that_cannot_be_used_are_refused_in_one_line(change, text):
    meta = segment(USUAL, DATA).meta
    with pytest.raises(ValueError, match=text):
        if "arrays" in change:
            segment(USUAL, replace(DATA, **change))
        else:
            curves_of(USUAL, replace(DATA, **change), meta)


def test_training_curves_of_different_times_are_refused():
    t = DATA.t.copy()
    t[0] += 1
    with pytest.raises(ValueError, match="expected the same for all"):
        segment(USUAL, replace(DATA, t=t))


def test_only_what_segments_depend_on_is_projected():
    assert ModelConfig(seed=3, learning_rate=1e-4, filters=(4,)).segmentation() == ModelConfig().segmentation()
    assert ModelConfig(durations=(30.0,)).segmentation() != ModelConfig().segmentation()
