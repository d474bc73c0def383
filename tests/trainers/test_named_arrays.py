"""Named arrays: `below` reverses `prefixed`."""

import numpy as np

from trainers.common.named_arrays import below, prefixed

ARRAYS = {"a": np.arange(3.0), "b/c": np.float32([1, 2])}


def test_below_reverses_prefixed():
    stored = prefixed("best", ARRAYS) | prefixed("bestial", {"d": np.zeros(1)}) | {"best": np.zeros(1)}
    assert stored.keys() == {"best/a", "best/b/c", "bestial/d", "best"}
    group = below("best", stored)
    assert group.keys() == ARRAYS.keys()
    assert all(group[name] is ARRAYS[name] for name in ARRAYS)
