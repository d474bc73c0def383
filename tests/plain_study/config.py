"""Configuration of the plain study: every stage can be made to last."""

from typing import Annotated, ClassVar

from pydantic import Field

from tests.toy_study import config as toy
from tests.toy_study.config import Phase
from trainers.study import ModelConfigBase

Pause = Annotated[float, Field(ge=0)]


class DatasetConfig(toy.DatasetConfig):
    """Oscillations of random amplitude and phase."""

    pause: Pause = 0.0
    """How long the simulation waits [s]."""
    compute: Pause = 0.0
    """How long the simulation computes, in Python [s]."""
    fail: bool = False
    """Whether the second part of the simulation fails."""
    additions: Annotated[int, Field(ge=0)] = 0
    """Additions that the simulation does in one call of C, which lets no other thread of its process run."""


class SegmentationConfig(toy.SegmentationConfig):
    """What cutting needs to know."""

    pause: Pause = 0.0


class ModelConfig(ModelConfigBase):
    """A linear map of the state over one step."""

    shared: ClassVar[tuple[str, ...]] = ("seed", "phases[*].learning_rate", "pause", "memory")

    train_fraction: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Part of the trajectories that trains [1]."""
    pause: Pause = 0.0
    """How long every report of the training waits [s]."""
    segment_pause: Pause = 0.0
    """How long cutting waits [s]."""
    evaluate_pause: Pause = 0.0
    """How long the evaluation waits [s]."""
    memory: bool = False
    """Whether the training asks for more memory than there is, half-way."""
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] = (Phase(),)
    """The curriculum; a learning rate above 2 diverges."""

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        lengths = tuple(phase.segment_length for phase in self.phases)
        return SegmentationConfig(segment_lengths=lengths, train_fraction=self.train_fraction, pause=self.segment_pause)


PRESETS = {"few": DatasetConfig(trajectories=4), "test": DatasetConfig(trajectories=4, seed=1000)}
