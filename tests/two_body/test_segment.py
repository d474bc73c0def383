"""Windows, segments, splits and units."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers.common.splits import split
from trainers.study import Trajectories
from trainers.two_body.config import DatasetConfig, SegmentationConfig, SegmentationPhase
from trainers.two_body.segment import segment
from trainers.two_body.simulate import NAMES, UNITS, simulate


def cut(trajectories, length=18, window=(0.0, 1.0), **options):
    options = {"normalisation": "canonical", **options}
    phases = (SegmentationPhase(segment_length=length, window=window),)
    return segment(SegmentationConfig(phases=phases, **options), trajectories)


def ramp(orbits=3, points=360, lengths=None, **options):
    """States that say where they come from: x is the orbit plus the point's share of it."""
    t = np.tile(np.arange(points, dtype=float), (orbits, 1))
    y = np.repeat((np.arange(orbits)[:, None] + t / points)[..., None], 6, axis=2)
    for orbit, length in enumerate(lengths or []):
        t[orbit, length:], y[orbit, length:] = np.nan, np.nan
    return Trajectories(t=t, y=y, names=NAMES, units=UNITS, time_unit="TU", **options)


@pytest.mark.parametrize(
    ("length", "per_orbit", "in_tenth", "ratio"),
    [(4, 90, 9, 1.111), (10, 36, 3, 2.778), (18, 20, 2, 5.0), (20, 18, 1, 5.556), (24, 15, 1, 6.667)],
)
def test_segment_counts_for_each_length(length, per_orbit, in_tenth, ratio):
    whole, tenth = cut(ramp(2), length).counts[0], cut(ramp(2), length, (0.0, 0.1)).counts[0]
    assert (whole["train_segments"], tenth["train_segments"]) == (2 * per_orbit, 2 * in_tenth)
    assert whole["dropped_overrun"] == 0
    assert tenth["dropped_overrun"] == 2 * (36 % length > 0)
    assert 100 * whole["segment_ratio"] == pytest.approx(ratio, abs=5e-4)


def test_segments_are_consecutive_and_share_no_point():
    phase = cut(ramp(3), 10).phases[0]
    assert phase["train/y"].shape == (108, 10, 6) and phase["train/t"].shape == (108, 10)
    assert np.all(np.diff(phase["train/t"], axis=1) == 1.0)
    points = np.round((phase["train/y"][..., 0]) * 360).astype(int)
    assert np.array_equal(np.sort(points, axis=None), np.arange(3 * 360))
    assert np.array_equal(phase["train/trajectory"], np.floor(phase["train/y"][:, 0, 0]))


def test_the_window_is_taken_before_cutting():
    times = cut(ramp(1), 10, (0.5, 0.75)).phases[0]["train/t"]
    assert times[0, 0] == 180.0 and times[-1, -1] == 269.0 and len(times) == 9


@pytest.mark.parametrize("points", [10, 100, 360, 997])
def test_adjoining_windows_share_no_point_and_lose_none(points):
    edges = [k / 10 for k in range(11)]
    pieces = [cut(ramp(1, points), 2, pair).phases[0]["train/t"] for pair in pairwise(edges)]
    times = np.concatenate([piece.ravel() for piece in pieces])
    assert len(set(times)) == len(times)
    if points in (10, 100, 360):
        starts = [piece.min() for piece in pieces if piece.size]
        assert starts == [np.round(edge * points) for edge, piece in zip(edges, pieces, strict=False) if piece.size]


@pytest.mark.parametrize(
    ("length", "dropped"), [(200, "dropped_overrun"), (91, "dropped_overrun"), (90, "dropped_nan")]
)
def test_a_phase_without_usable_segments_is_counted_and_not_refused(length, dropped):
    trajectories = ramp(1, 120, [90])
    trajectories.y[0, 42, 3] = np.nan
    segments = cut(trajectories, length)
    assert not segments.usable
    assert segments.counts[0]["train_segments"] == 0 and segments.counts[0][dropped] == 1
    assert segments.phases[0]["train/y"].shape == (0, length, 6)
    assert segments.phases[0]["validation/t"].shape == (0, length)


@pytest.mark.parametrize("normalisation", ["canonical", "largest"])
@pytest.mark.parametrize("split_by", ["orbit", "segment"])
def test_data_of_nan_alone_are_counted_and_not_refused(normalisation, split_by):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segments = cut(ramp(2, 30, [0, 0]), 5, normalisation=normalisation, split_by=split_by, train_fraction=0.5)
    assert not segments.usable and segments.counts[0]["total_orbits"] == 2
    assert segments.counts[0]["dropped_nan"] == segments.counts[0]["dropped_overrun"] == 0, "no points, no segments"


def test_a_phase_without_segments_does_not_affect_the_others():
    phases = (SegmentationPhase(segment_length=18, window=(0, 0.01)), SegmentationPhase(segment_length=18))
    segments = segment(SegmentationConfig(phases=phases), ramp(2))
    assert [row["train_segments"] for row in segments.counts] == [0, 40]


def test_gaps_are_dropped_and_counted_and_padding_is_no_part_of_a_trajectory():
    trajectories = ramp(3, 100, [100, 55, 20])
    trajectories.y[0, 42, 3] = np.nan
    segments = cut(trajectories, 10)
    assert np.isfinite(segments.phases[0]["train/y"]).all() and np.isfinite(segments.phases[0]["train/t"]).all()
    assert np.bincount(segments.phases[0]["train/trajectory"]).tolist() == [9, 5, 2]
    assert segments.counts[0]["dropped_nan"] == 1 and segments.counts[0]["dropped_overrun"] == 1
    second_half = cut(ramp(3, 100, [100, 55, 20]), 10, (0.5, 1.0))
    assert np.bincount(second_half.phases[0]["train/trajectory"]).tolist() == [5, 2, 1]


@pytest.mark.parametrize(
    ("orbits", "fraction", "train", "validation"),
    [(1, 0.8, 1, 0), (10, 1.0, 10, 0), (10, 0.8, 8, 2), (2, 0.8, 1, 1), (10, 0.01, 1, 9), (10, 0.99, 9, 1)],
)
def test_split_by_orbit(orbits, fraction, train, validation):
    segments = cut(ramp(orbits), train_fraction=fraction)
    row = segments.counts[0]
    assert (row["train_orbits"], row["validation_orbits"], row["total_orbits"]) == (train, validation, orbits)
    assert (row["train_segments"], row["validation_segments"]) == (20 * train, 20 * validation)
    assert row["leaking_orbits"] == 0
    assert set(segments.phases[0]["train/trajectory"]) == set(segments.train)
    assert set(segments.phases[0]["validation/trajectory"]) == set(segments.validation)


def test_split_by_segment_counts_leaking_orbits():
    segments = cut(ramp(5), train_fraction=0.8, split_by="segment")
    row, both = segments.counts[0], set(segments.train) & set(segments.validation)
    assert (row["train_segments"], row["validation_segments"]) == (80, 20)
    assert row["leaking_orbits"] == len(both) > 0


def test_split_by_segment_keeps_its_validation_segments_through_equal_phases():
    phases = (SegmentationPhase(), SegmentationPhase())
    first, second = segment(
        SegmentationConfig(phases=phases, train_fraction=0.8, split_by="segment"), ramp(4)
    ).phases  # fmt: skip
    assert np.array_equal(first["validation/y"], second["validation/y"])


def test_the_split_is_the_same_in_all_phases_and_differs_between_seeds():
    phases = (SegmentationPhase(segment_length=4, window=(0, 0.1)), SegmentationPhase(segment_length=18))
    splits = [
        segment(SegmentationConfig(phases=phases, train_fraction=0.5, split_seed=seed), ramp(20)) for seed in (0, 0, 1)
    ]
    assert all(set(phase["train/trajectory"]) == set(splits[0].train) for phase in splits[0].phases)
    assert np.array_equal(splits[0].train, splits[1].train) and not np.array_equal(splits[0].train, splits[2].train)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.floats(0.001, 1.0), st.integers(0, 2**63))
def test_splits_are_disjoint_complete_and_never_without_training(count, fraction, seed):
    train, validation = split(count, fraction, seed)
    assert np.array_equal(np.sort(np.concatenate([train, validation])), np.arange(count))
    assert len(train) >= 1
    assert (len(validation) == 0) == (count == 1 or fraction == 1.0)
    assert np.all(np.diff(train) > 0) and np.all(np.diff(validation) > 0)
    assert all(np.array_equal(a, b) for a, b in zip((train, validation), split(count, fraction, seed), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    length=st.integers(2, 15),
    edges=st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda pair: pair[0] < pair[1]),
    fraction=st.floats(0.1, 1.0),
    split_by=st.sampled_from(["orbit", "segment"]),
)
def test_every_candidate_segment_is_used_or_counted_as_dropped(lengths, length, edges, fraction, split_by):
    segments = cut(ramp(len(lengths), 40, lengths), length, edges, train_fraction=fraction, split_by=split_by)
    row = segments.counts[0]
    windows = [[int(np.floor(edge * size + 1e-9)) for edge in edges] for size in lengths]
    used = row["train_segments"] + row["validation_segments"]
    assert used + row["dropped_overrun"] + row["dropped_nan"] == sum(
        -(-(last - first) // length) for first, last in windows
    )
    assert used == sum((last - first) // length for first, last in windows)
    for side in ("train", "validation"):
        assert segments.phases[0][f"{side}/y"].shape == (row[f"{side}_segments"], length, 6)
        assert np.isfinite(segments.phases[0][f"{side}/y"]).all()


def test_canonical_units_do_not_change_the_data():
    trajectories = simulate(DatasetConfig(orbits=3))
    segments = cut(trajectories, 360)
    assert np.array_equal(segments.phases[0]["train/y"], trajectories.y)
    assert segments.fitted["length_unit"] == 1.0 and segments.fitted["time_unit"] == 1.0


def test_largest_units_bring_the_training_radii_to_one_and_keep_mu():
    trajectories = simulate(DatasetConfig(orbits=6))
    segments = cut(trajectories, 360, normalisation="largest", train_fraction=0.5)
    y, t = segments.phases[0]["train/y"], segments.phases[0]["train/t"]
    radius = np.linalg.norm(y[..., :3], axis=2)
    assert radius.max() == pytest.approx(1.0, rel=1e-15)
    np.testing.assert_allclose(segments.fitted["radius_range"], [radius.min(), radius.max()], rtol=1e-14)
    assert segments.fitted["length_unit"] == np.linalg.norm(trajectories.y[segments.train][..., :3], axis=2).max()
    semi = trajectories.parameters["semi_major_axis"][segments.train] / segments.fitted["length_unit"]
    np.testing.assert_allclose(t[:, 1] * 360, 2 * np.pi * semi**1.5, rtol=1e-12)
    energy = 0.5 * (y[..., 3:] ** 2).sum(2) - 1 / radius
    np.testing.assert_allclose(energy, np.tile(-0.5 / semi[:, None], 360), rtol=1e-11)


def test_largest_units_without_mu_bring_the_speeds_to_one():
    segments = cut(ramp(2), normalisation="largest")
    assert np.linalg.norm(segments.phases[0]["train/y"][..., 3:], axis=2).max() == pytest.approx(1.0)


def test_the_range_of_the_training_states_is_reported():
    trajectories = simulate(DatasetConfig(orbits=6))
    segments = cut(trajectories, train_fraction=0.5)
    states = trajectories.y[segments.train].reshape(-1, 6)
    np.testing.assert_array_equal(segments.fitted["state_minimum"], states.min(axis=0))
    np.testing.assert_array_equal(segments.fitted["state_maximum"], states.max(axis=0))


def test_states_with_other_channels_are_refused():
    flat = Trajectories(np.zeros((1, 9)), np.zeros((1, 9, 4)), ("x", "y", "vx", "vy"), ("m",) * 4, "s")
    with pytest.raises(ValueError, match="six channels"):
        cut(flat)


@pytest.mark.parametrize("split_by", ["orbit", "segment"])
def test_all_orbits_train_with_separate_validation_data(split_by):
    phases = (SegmentationPhase(segment_length=6), SegmentationPhase(segment_length=12))
    config = SegmentationConfig(phases=phases, train_fraction=0.5, split_by=split_by, tolerance=1e-8)
    training, other = (simulate(DatasetConfig(orbits=count, points=36, seed=count)) for count in (4, 3))
    segments = segment(config, training, other)
    alone = segment(SegmentationConfig(phases=phases, tolerance=1e-8), training)
    own = segment(SegmentationConfig(phases=phases, normalisation="canonical"), other)
    assert (list(segments.train), list(segments.validation)) == ([0, 1, 2, 3], [0, 1, 2])
    assert all(np.array_equal(segments.fitted[name], alone.fitted[name]) for name in alone.fitted)
    units = np.repeat(
        [segments.fitted["length_unit"], segments.fitted["length_unit"] / segments.fitted["time_unit"]], 3
    )
    for phase, whole, others, row in zip(segments.phases, alone.phases, own.phases, segments.counts, strict=True):
        assert all(np.array_equal(phase[name], whole[name]) for name in whole if name.startswith("train/"))
        assert np.allclose(phase["validation/y"] * units, others["train/y"], rtol=1e-12)
        assert (row["train_orbits"], row["validation_orbits"], row["leaking_orbits"]) == (4, 3, 0)
        assert row["validation_segments"] == len(phase["validation/y"]) == len(phase["validation/steps"])
