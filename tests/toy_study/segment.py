"""Cut oscillations into segments."""

import numpy as np

from tests.toy_study.config import SegmentationConfig
from trainers.study import Segments, Trajectories


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Split by trajectory, cut into windows that do not overlap, and fit the largest value as scale."""
    count, points, _ = trajectories.y.shape
    training = count if validation else max(1, round(config.train_fraction * count))
    other = validation or trajectories
    train, held_out = np.arange(training), np.arange(0 if validation else training, len(other.t))
    scale = np.abs(trajectories.y[train]).max()
    phases, counts = [], []
    for length in config.segment_lengths:
        parts = {"train": _cut(trajectories, train, length), "validation": _cut(other, held_out, length)}
        phases.append({f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()})
        sizes = {f"{part}_segments": len(arrays["t"]) for part, arrays in parts.items()}
        counts.append({"phase": len(counts), "segment_length": length, "segment_ratio": length / points, **sizes})
    meta = {"problem": str(trajectories.meta["problem"])}
    return Segments(tuple(phases), train, held_out, tuple(counts), {"scale": np.array(scale)}, meta)


def _cut(trajectories: Trajectories, selection: np.ndarray, length: int) -> dict[str, np.ndarray]:
    pieces = trajectories.t.shape[1] // length
    t = trajectories.t[selection, : pieces * length].reshape(-1, length)
    y = trajectories.y[selection, : pieces * length].reshape(-1, length, 2)
    return {"t": t, "y": y}
