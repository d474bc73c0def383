"""Trajectories in arrays of an npz file: (N, T) each."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from assets.sweeps.file_dataset.description import FileDataset
from assets.sweeps.file_dataset.rows import Rows, need, numbers

if TYPE_CHECKING:
    import numpy as np


def read_npz(dataset: FileDataset, file: str, path: Path) -> Iterator[Rows]:
    """Yield the arrays of each trajectory, without the NaN that pads its end.

    Raises:
        ValueError: one line: the file cannot be read, lacks an array, or holds one of another shape.
    """
    import numpy as np

    if dataset.trajectory:
        raise ValueError(f"trajectory is {dataset.trajectory!r}; arrays of an npz are (N, T) and need no such column")
    arrays = {name: numbers(file, name, array) for name, array in _arrays(dataset, file, path).items()}
    series = _broadcast(dataset, file, arrays)
    lengths = _lengths(np.stack([array for name, array in series.items() if name != dataset.time]))
    for index, length in enumerate(lengths):
        rows = {name: array[index, :length] for name, array in series.items()}
        fixed = {name: np.full(length, arrays[name].reshape(-1)[index]) for name in dataset.parameters.values()}
        yield Rows(str(index), rows | fixed)


def _arrays(dataset: FileDataset, file: str, path: Path) -> dict[str, np.ndarray]:
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in dataset.column_names() if name in names}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read as npz: {error}") from error
    need(file, names, dataset.column_names())
    return arrays


def _broadcast(dataset: FileDataset, file: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return times, channels and inputs as (N, T)."""
    import numpy as np

    shape = np.atleast_2d(arrays[next(iter(dataset.columns.values()))]).shape
    for name in dataset.parameters.values():
        if arrays[name].size != shape[0]:
            raise ValueError(f"{file}: array {name!r} has {arrays[name].size} values; expected {shape[0]}")
    series = {}
    for name in (dataset.time, *dataset.columns.values(), *dataset.inputs.values()):
        array = np.atleast_2d(arrays[name])
        if array.shape != shape and not (name == dataset.time and array.shape == (1, shape[1])):
            raise ValueError(f"{file}: array {name!r} is {arrays[name].shape}; expected {shape}")
        series[name] = np.broadcast_to(array, shape)
    times = series[dataset.time]
    if shape[0] > 1 and (np.diff(times, axis=0) > 0).all() and not (np.diff(times, axis=1) > 0).any():
        raise ValueError(
            f"{file}: array {dataset.time!r} has times along the first axis; expected (N, T), so transpose"
        )
    return series


def _lengths(series: np.ndarray) -> np.ndarray:
    """Return the length of each trajectory of (K, N, T): up to the last time at which any channel is a number."""
    import numpy as np

    present = ~np.isnan(series).all(axis=0)
    return np.where(present.any(axis=1), present.shape[1] - np.argmax(present[:, ::-1], axis=1), 0)
