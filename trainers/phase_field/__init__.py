"""Phase field: the statistics of a decomposing microstructure as a curve over time, generated from a first snapshot.

The Cahn-Hilliard equation `dc/dt = M lap(f'(c) - kappa lap c)` separates a mixture into two phases. Each snapshot
becomes a radial two-point statistic and a few scores; models continue the curve of scores from its first point, and
tell at what time a given structure is reached. Read in this order: config, system/ (energy, grid, stepping), simulate,
microstructure/ (two_point, basis), segment, models/, losses, train, baselines, apply, time_posterior, evaluate
(comparison, tables), figures.
"""

from trainers.phase_field.config import PRESETS, DatasetConfig, ModelConfig
from trainers.study import Study

STUDY = Study(
    name="phase_field",
    title="Microstructure statistics of a decomposing mixture",
    framework="torch",
    package="trainers.phase_field",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets=PRESETS,
    headline=("mae", "autocorrelation_error", "profile_error", "length_error", "time_error", "time_coverage_90"),
    order=300,
)
