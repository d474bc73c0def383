"""Vehicle: physical parameters of a car from windows of its driving, through a differentiable simulation.

A network maps features of a window to bounded parameters, the car is simulated with them, and the error of its rollout
trains the network. Only combinations of parameters are identifiable; they are estimated per car with intervals, refined
by Gauss-Newton through the same simulation, and judged by rolling out the rest of the runs. Read in this order: config,
cars, dynamics/ (states, parameters, singletrack, rollout, registry, excitation), simulate, windows/, segment, models,
losses, phase_data, train, estimates/ (estimate, coordinates, gauss_newton), apply, evaluate (scoring, tables), figures.
"""

from trainers.study import Study
from trainers.vehicle.config import PRESETS, DatasetConfig, ModelConfig

STUDY = Study(
    name="vehicle",
    title="Parameters of cars through their simulation",
    framework="jax",
    package="trainers.vehicle",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets=PRESETS,
    headline=(
        "fde_2s",
        "ade_2s",
        "fde_1s",
        "combinations_error",
        "coverage_90",
        "nan_rate",
    ),
    order=500,
)
