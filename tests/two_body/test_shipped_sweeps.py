"""Controlled comparisons in sweeps: segmentations at equal numbers of steps, and a grid of true anomalies."""

import numpy as np
import pytest

from assets.sweeps.sweep_file import load_sweep
from tests.documents import ROOT
from trainers.two_body.config import DatasetConfig
from trainers.two_body.simulate import simulate

SWEEPS = ROOT / "sweeps" / "two_body"


def test_segmentation_variants_differ_only_in_their_cuts():
    sweep = load_sweep(SWEEPS / "segments.yaml")
    models = {row.axes["segments"]: row.configuration.model for row in sweep.rows}
    assert len(models) == 5 and len(sweep.rows) == 15
    assert {sum(phase.steps for phase in model.phases) for model in models.values()} == {600}
    cut = {name: [(p.segment_length, p.window[1]) for p in model.phases] for name, model in models.items()}
    assert cut == {
        "length_6": [(6, 1)], "length_18": [(18, 1)], "length_60": [(60, 1)],
        "lengths_6_18_60": [(6, 1), (18, 1), (60, 1)], "growing_window": [(18, 0.33), (18, 0.66), (18, 1)],
    }  # fmt: skip
    phases = [phase for model in models.values() for phase in model.phases]
    assert {(phase.learning_rate, phase.schedule) for phase in phases} == {(1e-3, "warmup_cosine")}
    assert len({model.model_copy(update={"phases": (), "seed": 0}) for model in models.values()}) == 1


def test_a_grid_of_true_anomalies_changes_only_the_first_point():
    sweep = load_sweep(SWEEPS / "anomalies.yaml")
    tests = {name: DatasetConfig.model_validate(dict(item.config)) for name, item in sweep.tests.items() if item}
    free = simulate(tests.pop("complex_3d_10_test").model_copy(update={"points": 4}))
    assert [config.true_anomaly for config in tests.values()] == list(range(0, 360, 45))
    for config in tests.values():
        orbits = simulate(config.model_copy(update={"points": 4}))
        for name in ("semi_major_axis", "eccentricity", "inclination", "raan", "argument_of_perigee"):
            assert np.array_equal(orbits.parameters[name], free.parameters[name])
        assert orbits.parameters["true_anomaly"] == pytest.approx(np.full(10, np.deg2rad(config.true_anomaly)))
    assert not any(row.configuration.model.planar_constraint for row in sweep.rows)
