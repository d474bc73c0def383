"""Times of structures of one's own."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from assets.sweeps.file_dataset import FileDataset, read_file
from assets.sweeps.yaml_loader import read_document
from trainers.common.measurements import conform
from trainers.phase_field.config import PRESETS, DatasetConfig, ModelConfig
from trainers.phase_field.fit import fit
from trainers.phase_field.segment import segment
from trainers.phase_field.simulate import simulate
from trainers.phase_field.train import train
from trainers.study import Job, Trajectories

ROOT = Path(__file__).parents[2]
SETTINGS = {"grid": 32, "snapshots": 31, "duration": 12.0, "step": 0.1}
CONFIG = ModelConfig(kind="ridge", train_fraction=0.75)
OWN = simulate(DatasetConfig(trajectories=6, seed=8, **SETTINGS))


@cache
def trained():
    data = simulate(DatasetConfig(trajectories=80, seed=5, **SETTINGS))
    return next(train([Job("one", CONFIG, segment(CONFIG.segmentation(), data))]))


def own(chosen=(0, 5, 12, 25), t=None, y=None, **parameters):
    """Return some snapshots of each run, at times of their order alone."""
    index = list(chosen)
    times = np.tile(np.arange(len(index), dtype=float), (6, 1)) if t is None else t
    named = {**OWN.parameters, **parameters}
    return Trajectories(times, OWN.y[:, index] if y is None else y, OWN.names, OWN.units, "1", parameters=named)


def test_the_times_of_structures_are_found_without_being_told():
    rows = fit(CONFIG, trained(), own()).estimates
    assert rows["parameter"].tolist() == ["time_1", "time_2", "time_3"] * 6
    true = np.tile(OWN.t[0, [5, 12, 25]], 6)
    assert np.abs(rows["estimate"] - true).mean() < 1.5 < np.abs(6.0 - true).mean()
    assert ((rows["lower"] <= rows["estimate"]) & (rows["estimate"] <= rows["upper"])).all()
    assert ((rows["lower"] - 1e-9 <= true) & (true <= rows["upper"] + 1e-9)).mean() > 0.6


def test_the_curves_have_a_band_and_the_measured_scores():
    result = fit(CONFIG, trained(), own())
    table = result.tables["fit_curves"]
    one = table[(table["trajectory"] == 2) & (table["channel"] == "score_1")]
    assert one["measured"].notna().sum() == 3 and len(one) == 30 + 3 and one["t"].is_monotonic_increasing
    assert (one["lower"] <= one["predicted"]).all() and (one["predicted"] <= one["upper"]).all()
    assert np.abs(one["measured"] - one["predicted"]).dropna().max() < 0.2
    deduced = result.estimates["estimate"][result.estimates["trajectory"] == 2]
    assert sorted(deduced) == one["t"][one["measured"].notna()].tolist()


def test_what_the_model_does_not_know_has_a_caveat():
    strange = OWN.y[:, [0, 5]].copy()
    strange[0, 1] = -strange[0, 1] * 3
    rows = fit(CONFIG, trained(), own(y=strange, t=np.tile([0.0, 1.0], (6, 1)))).estimates
    assert "no point of the predicted curve is like this structure" in rows["caveat"][0]
    assert not rows["caveat"][1:].str.contains("no point").any()
    mobile = {"mobility": OWN.parameters["mobility"] + [3, 0, 0, 0, 0, 0]}
    rows = fit(CONFIG, trained(), own(**mobile)).estimates
    assert "mobility is" in rows["caveat"][0] and "outside of the training data" in rows["caveat"][0]
    assert not rows["caveat"][3:].str.contains("mobility").any()
    late = fit(CONFIG, trained(), own(chosen=(0, 30))).estimates
    assert late["caveat"].str.contains("later than the model's last time, 12").any()


def test_a_trajectory_without_a_second_snapshot_is_refused():
    t, y = np.full((6, 2), np.nan), np.full((6, 2, 16), np.nan)
    t[:, 0], y[:, 0] = 0.0, OWN.y[:, 0]
    with pytest.raises(ValueError, match="trajectory 0 has 1 snapshots; expected a first one and at least one more"):
        fit(CONFIG, trained(), own(t=t, y=y))


def test_a_parameter_that_is_missing_is_refused():
    measured = Trajectories(OWN.t[:, :3], OWN.y[:, :3], OWN.names, OWN.units, "1", parameters={"mean": np.ones(6)})
    with pytest.raises(ValueError, match="parameters lack mobility, gradient_coefficient"):
        fit(CONFIG, trained(), measured)


TIMES = [4, 15, 10, 28, 7, 22]
"""True times of the structures in the example, which does not say them."""


def test_the_example_that_is_shipped():
    """Thirty runs are few, so that the times are rough; they are told apart from chance, 7.5, all the same."""
    description = read_document(ROOT / "examples" / "microstructures.yaml").data
    data = simulate(PRESETS["train"].model_copy(update={"trajectories": 30}))
    config = ModelConfig(kind="nearest", neighbours=3, first_scores=False, train_fraction=0.7)
    model = next(train([Job("one", config, segment(config.segmentation(), data))]))
    measured = conform(read_file(FileDataset(**{**description, "file": str(ROOT / description["file"])})), data)
    rows = fit(config, model, measured).estimates
    assert rows["trajectory"].nunique() == 3 and np.abs(rows["estimate"] - TIMES).mean() < 4
