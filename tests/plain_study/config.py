"""Configuration of the plain study."""

from typing import Annotated, ClassVar

from pydantic import Field

from tests.toy_study.config import Phase, SegmentationConfig
from trainers.study import ModelConfigBase


class ModelConfig(ModelConfigBase):
    """A linear map of the state over one step."""

    shared: ClassVar[tuple[str, ...]] = ("seed", "phases[*].learning_rate", "pause", "memory")

    train_fraction: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Part of the trajectories that trains [1]."""
    pause: Annotated[float, Field(ge=0)] = 0.0
    """How long every report waits [s]."""
    memory: bool = False
    """Whether memory runs out half-way."""
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] = (Phase(),)
    """The curriculum; a learning rate above 2 diverges."""

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        lengths = tuple(phase.segment_length for phase in self.phases)
        return SegmentationConfig(segment_lengths=lengths, train_fraction=self.train_fraction)

    def prefixes(self) -> "tuple[ModelConfig, ...]":
        """Return this configuration cut after each phase but the last, shortest first."""
        return tuple(self.model_copy(update={"phases": self.phases[:k]}) for k in range(1, len(self.phases)))
