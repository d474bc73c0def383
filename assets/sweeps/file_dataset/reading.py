"""Read the user's own files as trajectories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assets.identity.code_version import module_version, source_file
from assets.sweeps.file_dataset.arrays import read_npz
from assets.sweeps.file_dataset.description import FileDataset
from assets.sweeps.file_dataset.files import files_of, sha256_of
from assets.sweeps.file_dataset.rows import Rows, check
from assets.sweeps.file_dataset.tables import read_table
from trainers.study import Trajectories

if TYPE_CHECKING:
    import numpy as np


PACKAGE = "assets.sweeps.file_dataset"


class LabelledTrajectories(NamedTuple):
    """Trajectories with their names in the user's files."""

    trajectories: Trajectories
    labels: tuple[str, ...]
    """(N,) the file, what its column of trajectories says, or both."""


def reading_version() -> str:
    """Return the version of the code that reads files; datasets that other code has read are read again."""
    return module_version(
        f"{PACKAGE}.reading", lambda module: source_file("assets", module) if module.startswith(PACKAGE) else None
    )


def declared(dataset: FileDataset) -> Trajectories:
    """Return what a dataset declares, names, units and facts, as a set of no trajectory."""
    return _assemble(dataset, [])


def read_file(dataset: FileDataset) -> Trajectories:
    """Read and check a dataset.

    Raises:
        ValueError: one line: another content than expected, a column that is missing, NaN or infinity, times that do
            not increase, no trajectory.
    """
    return read_labelled(dataset).trajectories


def read_labelled(dataset: FileDataset) -> LabelledTrajectories:
    """Read and check a dataset as `read_file` does, and keep what each trajectory is called."""
    if sha256_of(dataset.file) != dataset.content_sha256:
        named = dataset.file if isinstance(dataset.file, str) else ", ".join(dataset.file)
        raise ValueError(f"{named} has changed since the sweep was read; run the sweep again")
    files = files_of(dataset.file)
    rows = [one for file, path in files.items() for one in _read(dataset, file, path, alone=len(files) == 1)]
    return LabelledTrajectories(_assemble(dataset, rows), tuple(one.label for one in rows))


def _read(dataset: FileDataset, file: str, path: Path, alone: bool) -> Iterator[Rows]:
    """Yield the trajectories of one file, checked; where there are several files, its name is in their labels."""
    read = read_npz if path.suffix == ".npz" else read_table
    empty = True
    for one in read(dataset, file, path):
        check(dataset, file, one)
        yield Rows((one.label or path.stem) if alone else ": ".join(filter(None, (file, one.label))), one.columns)
        empty = False
    if empty:
        raise ValueError(f"{file} holds no trajectory; expected at least one row")


def _assemble(dataset: FileDataset, rows: list[Rows]) -> Trajectories:
    import numpy as np

    parameters = {key: np.array([one.columns[name][0] for one in rows]) for key, name in dataset.parameters.items()}
    parameters |= {key: np.full(len(rows), value) for key, value in dataset.constants.items()}
    return Trajectories(
        t=_padded(rows, dataset.time),
        y=np.stack([_padded(rows, name) for name in dataset.columns.values()], axis=-1),
        names=tuple(dataset.columns),
        units=tuple(dataset.units[name] for name in dataset.columns),
        time_unit=dataset.time_unit,
        inputs=np.stack([_padded(rows, n) for n in dataset.inputs.values()], axis=-1) if dataset.inputs else None,
        input_names=tuple(dataset.inputs),
        input_units=tuple(dataset.units[name] for name in dataset.inputs),
        parameters=parameters,
        parameter_units={key: dataset.units[key] for key in parameters},
        roles=dict(dataset.roles),
        meta=dict(dataset.meta),
    )


def _padded(rows: list[Rows], name: str) -> np.ndarray:
    """Return a column of all trajectories as (N, T), NaN at the end of the shorter ones."""
    import numpy as np

    padded = np.full((len(rows), max((len(one.columns[name]) for one in rows), default=0)), np.nan)
    for row, one in zip(padded, rows, strict=True):
        row[: len(one.columns[name])] = one.columns[name]
    return padded
