"""The source's three programmes of five phases, row by row, and short versions of them that run."""

from pathlib import Path

import pytest

from assets.sweeps.sweep_file import load_sweep
from trainers.phase_field.config import DatasetConfig, ModelConfig
from trainers.phase_field.segment import segment
from trainers.phase_field.simulate import simulate
from trainers.phase_field.train import train
from trainers.study import Job

SWEEPS = Path(__file__).parents[2] / "sweeps" / "phase_field"

# epochs, learning rate, last rate, forcing at start and end, max lag, noise, weight decay, clipping norm
MAE = [
    (100, 1e-3, 5e-4, 0.7, 0.6, 10, 0.05, 0.01, 1.0),
    (100, 5e-4, 1e-4, 0.6, 0.5, 10, 0.04, 0.008, 0.9),
    (100, 1e-4, 5e-5, 0.5, 0.4, 10, 0.03, 0.005, 0.8),
    (100, 5e-5, 1e-5, 0.4, 0.3, 10, 0.02, 0.003, 0.7),
    (100, 1e-5, 5e-6, 0.3, 0.2, 10, 0.01, 0.002, 0.6),
]
AUTOCORRELATION = [
    (100, 1e-3, 5e-4, 0.7, 0.6, 10, 0.05, 0.01, 1.0),
    (100, 5e-4, 1e-4, 0.6, 0.5, 15, 0.05, 0.008, 1.0),
    (100, 1e-4, 5e-5, 0.5, 0.4, 15, 0.04, 0.005, 0.9),
    (100, 5e-5, 1e-5, 0.4, 0.3, 20, 0.02, 0.003, 0.7),
    (100, 1e-5, 5e-6, 0.3, 0.2, 20, 0.01, 0.002, 0.6),
]
COMBINED = [
    (100, 1e-3, 5e-4, 0.7, 0.6, 10, 0.05, 0.01, 1.0),
    (100, 5e-4, 1e-4, 0.6, 0.5, 15, 0.04, 0.008, 0.9),
    (100, 1e-4, 5e-5, 0.5, 0.4, 15, 0.03, 0.005, 0.8),
    (100, 5e-5, 1e-5, 0.4, 0.3, 20, 0.02, 0.003, 0.7),
    (100, 1e-5, 5e-6, 0.3, 0.2, 20, 0.01, 0.002, 0.6),
]
TABLES = {"mae": MAE, "autocorrelation": AUTOCORRELATION, "combined": COMBINED}


def models(sweep: str) -> dict[str, ModelConfig]:
    """Return the sequence generator of each loss with seed 0."""
    rows = [row.configuration.model for row in load_sweep(SWEEPS / f"{sweep}.yaml").rows]
    return {model.loss.name: model for model in rows if model.seed == 0 and model.kind == "lstm"}


@pytest.mark.parametrize("loss", TABLES)
def test_a_programme_is_the_table_of_the_source(loss):
    model = models("programme")[loss]
    rows = [
        (p.epochs, p.learning_rate, p.last_rate, *p.teacher_forcing, p.max_lag, p.noise, p.weight_decay, p.clip_norm)
        for p in model.phases
    ]
    assert rows == TABLES[loss]
    assert [phase.schedule for phase in model.phases] == ["warmup_cosine", *["linear"] * 4]
    assert (model.hidden_size, model.num_layers, model.dropout, model.batch_size) == (256, 2, 0.3, 32)
    assert (model.parameters, model.start) == (("mobility", "gradient_coefficient"), "best")
    assert model.loss.parameters and model.loss.alpha == 0.5 and model.checkpoint_every == 10


def test_the_shortened_programmes_differ_in_their_epochs_alone():
    for loss, model in models("losses").items():
        full = models("programme")[loss]
        assert [p.model_copy(update={"epochs": 100}) for p in model.phases] == list(full.phases)


@pytest.mark.parametrize("loss", TABLES)
def test_all_five_phases_run(loss):
    data = simulate(DatasetConfig(trajectories=12, grid=16, snapshots=26, duration=5.0, step=0.1))
    full = models("programme")[loss]
    phases = tuple(phase.model_copy(update={"epochs": 1}) for phase in full.phases)
    config = full.model_copy(update={"phases": phases, "hidden_size": 4, "train_fraction": 0.7})
    trained = next(train([Job("one", config, segment(config.segmentation(), data))]))
    assert trained.history["phase"].tolist() == [0, 1, 2, 3, 4]
    assert trained.history["noise"].tolist() == [row[6] for row in TABLES[loss]]
    assert trained.history["teacher_forcing"].tolist() == [row[3] for row in TABLES[loss]]
    assert {"phase0/best/output.bias", "phase4/last/output.bias", "best/output.bias"} <= set(trained.weights)
