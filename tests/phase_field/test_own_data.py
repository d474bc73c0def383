"""A folder of tables in the source's layout is a dataset: from fields to scores to tables to a trained network."""

from dataclasses import replace

import numpy as np
import pandas as pd

from assets.sweeps.file_dataset import FileDataset, read_file
from trainers.phase_field.config import SCORES, DatasetConfig, ModelConfig
from trainers.phase_field.evaluate import evaluate
from trainers.phase_field.segment import segment
from trainers.phase_field.simulate import simulate
from trainers.phase_field.train import train
from trainers.study import Job

SETTINGS = {"grid": 16, "snapshots": 21, "duration": 4.0, "step": 0.1, "statistics": "published"}
COLUMNS = {
    "time": "step",
    "time_unit": "steps",
    "columns": {name: name for name in SCORES},
    "parameters": {"mobility": "mobility", "gradient_coefficient": "gradient_coefficient"},
    "units": dict.fromkeys((*SCORES, "mobility", "gradient_coefficient"), "1"),
    "roles": {"mobility": "known", "gradient_coefficient": "known"},
}


def write(folder, runs):
    """Write one folder per run, named by (c0, M, kappa), as the source does."""
    for number in range(len(runs.t)):
        named = {name: values[number] for name, values in runs.parameters.items()}
        place = folder / f"{named['mean']:.5f}_{named['mobility']:.5f}_{named['gradient_coefficient']:.5f}"
        place.mkdir(parents=True)
        table = pd.DataFrame(runs.y[number], columns=runs.names)
        table.insert(0, "step", np.arange(len(table)) * 200)
        table["mobility"], table["gradient_coefficient"] = named["mobility"], named["gradient_coefficient"]
        table.to_csv(place / "scores.csv", index=False)


def test_a_folder_of_the_source_trains_its_network(tmp_path):
    made = simulate(DatasetConfig(trajectories=16, seed=1, **SETTINGS))
    write(tmp_path / "data", made)
    data = read_file(FileDataset(file=str(tmp_path / "data"), **COLUMNS))
    order = np.lexsort((made.parameters["mobility"],))
    back = np.lexsort((data.parameters["mobility"],))
    np.testing.assert_allclose(data.y[back], made.y[order], rtol=1e-6)
    assert data.t[0, -1] == 4000 and data.y.shape == (16, 21, 5)
    config = ModelConfig(
        basis="none",
        parameters=("mobility", "gradient_coefficient"),
        loss={"name": "combined", "parameters": True},
        hidden_size=4,
        train_fraction=0.75,
        phases=({"epochs": 2, "teacher_forcing": (0.7, 0.6)},),
    )
    trained = next(train([Job("own", config, segment(config.segmentation(), data))]))
    summary = evaluate(config, trained, replace(data, meta={})).summary.set_index("metric")["value"]
    assert trained.counts["parameters"] == 2 * (4 * 4 * (7 + 4 + 2) + 4 * 4 * (4 + 4 + 2)) + 7 * 5
    assert np.isfinite(summary["mae"]) and np.isfinite(summary["time_coverage_90"])
