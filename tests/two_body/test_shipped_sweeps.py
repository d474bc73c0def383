"""Sweeps of the literature, and controlled comparisons: what they vary and what they keep."""

from collections import Counter

import numpy as np
import pytest

from assets.sweeps.older_format import convert
from assets.sweeps.sweep_file import load_sweep
from tests.documents import ROOT
from tests.two_body.test_older_format import block
from trainers.two_body.config import DatasetConfig
from trainers.two_body.orbits.presets import PRESETS
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


def test_the_sweep_of_576_is_the_older_file_in_the_reading_with_two_windows(tmp_path):
    """The solver apart, and the family of datasets under its present name."""
    text = block("00").read_text()
    bare = f"{' ' * 24}[0.0,1.0],\n"
    assert text.count(bare) == 1
    (tmp_path / "older.yaml").write_text(text.replace(bare, f"{' ' * 24}[[0.0,1.0]],\n"))
    (tmp_path / "new.yaml").write_text(convert(tmp_path / "older.yaml").replace("method: tsit5", "method: planned"))

    def configurations(path):
        rows = [row.configuration for row in load_sweep(path).rows]
        solver = rows[0].model.model_copy().solver.model_copy(update={"rtol": 1e-6, "atol": 1e-8})
        return Counter(
            (repr(one.dataset), repr(one.model.model_copy(update={"solver": solver}).model_dump())) for one in rows
        )

    ours = configurations(SWEEPS / "sweep_2bp_12_10.yaml")
    assert len(ours) == 576 and ours == configurations(tmp_path / "new.yaml")


@pytest.mark.parametrize(
    ("name", "settings"),
    [("baseline", {}), ("fixednu0", {"true_anomaly": 0.0}), ("circular", {"family": "circular"})],
)
def test_sensitivity_sweeps_vary_orbits_and_segments_and_are_tested_on_all_families(name, settings):
    sweep = load_sweep(SWEEPS / f"sensitivity_{name}.yaml")
    cells = {(row.axes["dataset.orbits"], row.axes["model.phases[0].segment_length"]) for row in sweep.rows}
    assert len(sweep.rows) == 3 * len(cells) == 60
    for row in sweep.rows:
        assert row.configuration.dataset == DatasetConfig(orbits=row.axes["dataset.orbits"], **settings)
    models = {row.configuration.model.model_copy(update={"phases": (), "seed": 0}) for row in sweep.rows}
    assert len(models) == 1 and {sum(p.steps for p in row.configuration.model.phases) for row in sweep.rows} == {1000}
    tests = [DatasetConfig.model_validate(dict(item.config)) for item in sweep.tests.values() if item]
    assert [(test.family, test.true_anomaly, test.orbits) for test in tests] == [
        ("complex", "random", 100), ("complex", 0.0, 100), ("circular", "random", 100),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 4, 5, 10, 16, 100])
def test_test_sets_from_periapsis_are_the_orbits_of_the_others(count):
    fixed = PRESETS[f"complex_TBP_planar_fixnu0_{count}_test"]
    assert fixed == PRESETS[f"complex_TBP_planar_{count}_test"].model_copy(update={"true_anomaly": 0.0})
