"""Cut oscillations into segments, as the toy study does."""

from tests.toy_study import segment as toy
from tests.toy_study.config import SegmentationConfig
from trainers.study import Segments, Trajectories


def segment(config: SegmentationConfig, trajectories: Trajectories) -> Segments:
    """Split by trajectory, cut into windows that do not overlap, and fit the largest value as scale."""
    return toy.segment(config, trajectories)
