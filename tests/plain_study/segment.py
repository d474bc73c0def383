"""Cut oscillations into segments, as the toy study does."""

import time

from tests.plain_study.config import SegmentationConfig
from tests.toy_study import segment as toy
from trainers.study import Segments, Trajectories


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Split by trajectory, cut into windows that do not overlap, and fit the largest value as scale."""
    time.sleep(config.pause)
    return toy.segment(config, trajectories, validation)
