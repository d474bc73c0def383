"""Measure the golden numbers of the study; run as a module, this writes them to `golden.json`.

`python -m tests.two_body.golden` is for a change that is meant to move the numbers, and for nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from trainers.study import Job, Trained
from trainers.two_body.config import DatasetConfig, Loss, ModelConfig, Phase, Solver
from trainers.two_body.evaluate import evaluate
from trainers.two_body.segment import segment
from trainers.two_body.simulate import simulate
from trainers.two_body.train import train

FILE = Path(__file__).with_suffix(".json")

TOLERANCES = {
    "segment": 1e-10,
    "learning_rate": 1e-6,
    "first_loss": 1e-5,
    "loss": 1e-3,
    "validation_loss": 1e-3,
    "gradient_norm": 3e-3,
    "weights": 1e-4,
    "solver_steps": 0.0,
    "summary": 1e-2,
    "baseline": 1e-9,
}
"""Relative tolerance per quantity.

One machine gives the same bits every time; another need not, as BLAS and XLA choose their order of summation by the
vector width of the CPU. Between SSE4.2 and AVX-512 (`--xla_cpu_max_isa`) the largest differences were 4e-5 of a loss,
1.4e-4 of a gradient norm, 1e-6 of a weight and 1e-3 of an evaluation, which amplifies those of the weights along whole
orbits; each tolerance is ten to thirty times that. `segment` and `baseline` are short and in double precision.
"""

SIGNED = ModelConfig(
    output_layer="mlp_4D_signed",
    width=16,
    activation="tanh",
    optimiser="adamw",
    weight_decay=1e-3,
    clip_norm=5.0,
    batch_size=8,
    train_fraction=0.7,
    validate_every=2,
    loss=Loss(name="percent_error_plus_nmse", sign_flip=0.1),
    phases=(
        Phase(steps=20, learning_rate=1e-2, schedule="cosine", segment_length=5, window=(0.0, 0.6)),
        Phase(steps=48, learning_rate=0.03, schedule="plateau", segment_length=8),
    ),
    seed=3,
)
"""A signed head, two phases, batches drawn from strata, validation, and a plateau whose rate is halved."""

UNIT = ModelConfig(
    feature_layer="rinv_rhat_vr_vt",
    output_layer="mlp_4D_logmag_unit_exp",
    width=16,
    depth=1,
    activation="prelu",
    validate_every=10,
    solver=Solver(method="rk4"),
    loss=Loss(name="percent_error_with_attraction", weigh_by="angle"),
    phases=(Phase(steps=60, learning_rate=3e-3, schedule="warmup_cosine", segment_length=6),),
)
"""A unit head, another solver, all segments in one batch, no validation set, more steps than a compiled call takes."""

CONFIGURATIONS = {
    "signed": SIGNED,
    "unit": UNIT,
    "mean_acceleration": UNIT.model_copy(update={"kind": "mean_acceleration"}),
}


def measure() -> dict[str, dict[str, float | list[float]]]:
    """Return the numbers of every configuration: configuration -> `quantity/name` -> number or list of numbers."""
    orbits = simulate(DatasetConfig(orbits=4, points=48, eccentricity=(0.0, 0.5), seed=5))
    test = simulate(DatasetConfig(orbits=3, points=48, eccentricity=(0.0, 0.5), seed=6))
    numbers: dict[str, dict[str, float | list[float]]] = {}
    for name, config in CONFIGURATIONS.items():
        segments = segment(config.segmentation(), orbits)
        (trained,) = train([Job(name, config, segments)])
        assert isinstance(trained, Trained), trained
        number: dict[str, float | list[float]] = {
            f"segment/{key}": _size(values) for key, values in segments.phases[-1].items() if values.size
        }
        history = trained.history
        if len(history):
            number["first_loss/0"] = float(history["loss"].iloc[0])
            number["solver_steps/sum"] = float(trained.counts["solver_steps"])
            for column in ("loss", "validation_loss", "learning_rate", "gradient_norm"):
                number[f"{column}/0"] = history[column].dropna().astype(float).tolist()
        number |= {f"weights/{key}": _size(values) for key, values in trained.weights.items()}
        summary = evaluate(config, trained, test).summary.set_index("metric")["value"]
        number |= {
            f"{'baseline' if metric.startswith('baseline') else 'summary'}/{metric}": float(value)
            for metric, value in summary.items()
            if np.isfinite(value)
        }
        numbers[name] = number
    return numbers


def _size(values: np.ndarray) -> float:
    """Return the norm of an array; a sum of signed entries would cancel."""
    return float(np.linalg.norm(np.asarray(values, np.float64)))


if __name__ == "__main__":
    FILE.write_text(json.dumps(measure(), indent=1) + "\n")
