"""Configurations of the toy study."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trainers.study import Config, DatasetConfigBase, ModelConfigBase, PhaseBase


class DatasetConfig(DatasetConfigBase):
    """Oscillations of random amplitude and phase."""

    trajectories: Annotated[int, Field(ge=1)] = 8
    """Number of trajectories; the first k of a larger set with the same seed are the smaller set."""
    points: Annotated[int, Field(ge=2)] = 32
    """Points per trajectory, 0.2 time units apart."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of amplitudes and phases [integer]."""

    def parts(self) -> int:
        """Return how many parts the simulation has: one for each 100 trajectories."""
        return -(-self.trajectories // 100)


class Phase(PhaseBase):
    """One training phase."""

    steps: Annotated[int, Field(ge=1)] = 60
    """Optimiser steps."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.05
    """Learning rate of Adam [1/step]."""
    segment_length: Annotated[int, Field(ge=2)] = 8
    """Points per segment."""


class SegmentationConfig(Config):
    """What cutting needs to know."""

    segment_lengths: tuple[int, ...] = (8,)
    train_fraction: float = 0.75


class ModelConfig(ModelConfigBase):
    """A network of one hidden layer, or the constant baseline."""

    shared: ClassVar[tuple[str, ...]] = ("seed", "phases[*].learning_rate", "behaviour")

    kind: Literal["network", "constant"] = "network"
    """network: learned; constant: predicts no change."""
    width: Annotated[int, Field(ge=1)] = 8
    """Units of the hidden layer."""
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Part of the trajectories that trains [1]."""
    behaviour: Literal["train", "diverge", "crash", "hang", "memory", "raise", "print", "slow"] = "train"
    """What happens half-way: crash ends the process, hang stops saying anything, slow waits at every report."""
    together: Annotated[int, Field(ge=1)] = 1
    """Trainings that are handed over in one call."""
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] = (Phase(),)
    """The curriculum, in order."""

    def at_once(self) -> int:
        """Return how many trainings are handed over in one call."""
        return self.together

    def segmentation(self) -> SegmentationConfig:
        """Project the fields that `segment` needs."""
        lengths = tuple(phase.segment_length for phase in self.phases)
        return SegmentationConfig(segment_lengths=lengths, train_fraction=self.train_fraction)

    def extendable(self) -> bool:
        """Return True: the learning rate is constant."""
        return True


PRESETS = {"few": DatasetConfig(trajectories=4), "test": DatasetConfig(trajectories=4, seed=1000)}
