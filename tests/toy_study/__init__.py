"""Toy study: a small network learns one step of a harmonic oscillator, `dx/dt = v, dv/dt = -x`.

It exists for tests: its `behaviour` makes a training diverge, crash, hang, run out of memory or take its time.
"""

from tests.toy_study.config import PRESETS, DatasetConfig, ModelConfig
from trainers.study import Study

STUDY = Study(
    name="toy",
    title="One step of an oscillator",
    framework="torch",
    package="tests.toy_study",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets=PRESETS,
    headline=("step_error",),
)
