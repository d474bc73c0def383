"""Preference dynamics: infer the parameters, the initial state and the future of an ODE from its observed series.

n actions with desire u = max(v, mu) and effort a = max(m, 0) follow v' = g - Pi a, m' = u - Gamma a. A network reads
(u, a) and estimates g, mu, Pi, Gamma, v0, m0 and the next values; least squares through the exact solution may refine
its estimate. Read in this order: config, system/ (equations, solution), simulate, segment, series/ (inputs, features),
models/, losses, train, refinement/, apply, intervals, evaluate (comparison, metrics, tables), figures; fit for series
of your own.
"""

from trainers.preference_dynamics.config import PRESETS, DatasetConfig, ModelConfig
from trainers.study import Study

STUDY = Study(
    name="preference_dynamics",
    title="Parameters of behaviour from its time series",
    framework="torch",
    package="trainers.preference_dynamics",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets=PRESETS,
    headline=(
        "unknowns_mse",
        "unknowns_rmse",
        "mse",
        "unknowns_median",
        "forecast_rmse",
        "series_error",
        "coverage_90",
        "flagged",
        "failures",
    ),
)
