"""Urease: from the first seconds of a pH curve, infer enzyme activity and deactivation, and forecast the rest.

A batch of urea and urease turns alkaline at a rate that depends on its pH; a probe with offset, drift and lag reads
it. A network reads a prefix of 10 to 300 seconds and the known conditions, and returns the joint posterior of the
unknowns. Read in this order: config, kinetics/ (rate law, charge balance, master curve, stiff integration, probe,
families), simulate, curves/, segment, models/, bounded, losses, train, calibrate, inference/ (least squares, exact
posterior, trees), apply, scores/, evaluate, figures; fit for curves of your own.
"""

from trainers.study import Study
from trainers.urease.config import DatasetConfig, ModelConfig
from trainers.urease.presets import PRESETS

STUDY = Study(
    name="urease",
    title="Enzyme activity from the first seconds of a pH curve",
    framework="torch",
    package="trainers.urease",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets=PRESETS,
    headline=(
        "crps",
        "error_activity",
        "error_k_d",
        "coverage_90",
        "forecast_rmse",
        "forecast_coverage_90",
        "c2st_exact",
    ),
    observed=("pH",),
)
