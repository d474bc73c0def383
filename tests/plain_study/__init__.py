"""Plain study: a linear map learns one step of a harmonic oscillator, in NumPy alone.

It exists for tests with hundreds of trainings: each takes milliseconds, and a worker starts at once.
"""

from tests.plain_study.config import PRESETS, DatasetConfig, ModelConfig
from trainers.study import Study

STUDY = Study(
    name="plain",
    title="One step of an oscillator, linear",
    framework="numpy",
    package="tests.plain_study",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets=PRESETS,
    headline=("step_error",),
)
