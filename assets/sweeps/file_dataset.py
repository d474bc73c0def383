"""Datasets from the user's own files: Parquet, CSV or npz, identified by content and checked when read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from assets.identity.canonical import canonical
from assets.identity.provenance import project_root
from trainers.study import Config, Role, Trajectories

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

CONTENT = "content_sha256"
SUFFIXES = (".parquet", ".csv", ".npz")

Rows = dict[str, "np.ndarray"]
"""Columns of one trajectory, (T,) each."""


class FileDataset(Config):
    """A dataset in a file: Parquet and CSV with one row per time, or npz with one array per channel."""

    file: str
    """Path of the file, absolute or from the project's directory; no part of the identity."""
    content_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Identity of the file; found by itself when left out, and refused when the file differs."""
    columns: Annotated[dict[str, str], Field(min_length=1)]
    """Channel -> column (Parquet, CSV) or array (npz: (N, T), or (T,) for one trajectory), in the state's order."""
    units: dict[str, str]
    """Unit of every channel, input and parameter; `1` for a dimensionless one."""
    time: str = "t"
    """Column or array of the times."""
    time_unit: str
    """Unit of the times."""
    trajectory: str | None = None
    """Column that tells trajectories apart; without it the file holds one."""
    inputs: dict[str, str] = {}
    """Control input -> column or array."""
    parameters: dict[str, str] = {}
    """Parameter -> column that is constant within a trajectory, or array (N,)."""
    roles: dict[str, Role] = {}
    """Parameter -> unknown, known or nuisance; a parameter without a role is unknown."""
    meta: dict[str, str | float | int | bool] = {}
    """What holds for the whole set: constants, the name of the problem."""

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, settings: Any) -> Any:
        if isinstance(settings, Mapping) and isinstance(settings.get("file"), str) and CONTENT not in settings:
            return {**settings, CONTENT: sha256_of(settings["file"])}
        return settings

    @model_validator(mode="after")
    def _has_units(self) -> FileDataset:
        channels = [*self.columns, *self.inputs, *self.parameters]
        if set(self.units) != set(channels):
            raise ValueError(f"units are given for {sorted(self.units)}; expected one for each of {sorted(channels)}")
        if strangers := sorted(set(self.roles) - set(self.parameters)):
            expected = ", ".join(self.parameters) or "no parameter"
            raise ValueError(f"roles are given for {', '.join(strangers)}; expected {expected}")
        return self

    def identity(self) -> dict[str, Any]:
        """Return the canonical form without the path: the content tells files apart. The order of channels counts."""
        form = {name: value for name, value in canonical(self).items() if name != "file"}
        ordered = {name: [list(pair) for pair in form[name].items()] for name in ("columns", "inputs") if name in form}
        return form | ordered


def is_file(config: Mapping[str, Any]) -> bool:
    """Return whether the configuration of a dataset, as an item carries it, is that of a file."""
    return "file" in config


def sha256_of(file: str) -> str:
    """Return the sum of a file.

    Raises:
        ValueError: no such file, or none of a known kind.
    """
    path = _located(file)
    found = path.stat()
    return _sum(path, found.st_mtime_ns, found.st_size)


def read_file(dataset: FileDataset) -> Trajectories:
    """Read and check a dataset.

    Raises:
        ValueError: one line: another content than expected, a column that is missing, NaN or infinity, times that do
            not increase, no trajectory.
    """
    if sha256_of(dataset.file) != dataset.content_sha256:
        raise ValueError(f"{dataset.file} has changed since the sweep was read; run the sweep again")
    rows = list(_read_npz(dataset) if dataset.file.endswith(".npz") else _read_table(dataset))
    if not rows:
        raise ValueError(f"{dataset.file} holds no trajectory; expected at least one row")
    for index, trajectory in enumerate(rows):
        _check(dataset, index, trajectory)
    return _assemble(dataset, rows)


def _located(file: str) -> Path:
    path = project_root() / file
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{file} is no dataset file; expected {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"{file} is not there (looked for {path}); give a path from the project's directory")
    return path


@cache
def _sum(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_table(dataset: FileDataset) -> Iterator[Rows]:
    """Yield the columns of each trajectory, in the order in which trajectories first appear."""
    frame = _frame(dataset)
    _need(dataset, frame.columns, [dataset.trajectory] if dataset.trajectory else [])
    groups = frame.groupby(dataset.trajectory, sort=False, dropna=False) if dataset.trajectory else [("", frame)]
    for _, group in groups:
        if len(group):
            yield {name: _numbers(dataset, name, group[name]) for name in _wanted(dataset)}


def _frame(dataset: FileDataset) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    path = _located(dataset.file)
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (pa.ArrowException, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{dataset.file} cannot be read as {path.suffix[1:]}: {str(error).splitlines()[0]}") from error
    _need(dataset, frame.columns, _wanted(dataset))
    return frame


def _read_npz(dataset: FileDataset) -> Iterator[Rows]:
    """Yield the arrays of each trajectory, without the NaN that pads its end."""
    import numpy as np

    if dataset.trajectory:
        raise ValueError(f"trajectory is {dataset.trajectory!r}; arrays of an npz are (N, T) and need no such column")
    arrays = {name: _numbers(dataset, name, array) for name, array in _arrays(dataset).items()}
    series = _broadcast(dataset, arrays)
    lengths = _lengths(np.stack([array for name, array in series.items() if name != dataset.time]))
    for index, length in enumerate(lengths):
        rows = {name: array[index, :length] for name, array in series.items()}
        fixed = {name: np.full(length, arrays[name].reshape(-1)[index]) for name in dataset.parameters.values()}
        yield rows | fixed


def _arrays(dataset: FileDataset) -> dict[str, np.ndarray]:
    import zipfile

    import numpy as np

    path = _located(dataset.file)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _wanted(dataset) if name in names}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ValueError(f"{dataset.file} cannot be read as npz: {error}") from error
    _need(dataset, names, _wanted(dataset))
    return arrays


def _broadcast(dataset: FileDataset, arrays: Rows) -> Rows:
    """Return times, channels and inputs as (N, T)."""
    import numpy as np

    shape = np.atleast_2d(arrays[next(iter(dataset.columns.values()))]).shape
    for name in dataset.parameters.values():
        if arrays[name].size != shape[0]:
            raise ValueError(f"{dataset.file}: array {name!r} has {arrays[name].size} values; expected {shape[0]}")
    series = {}
    for name in (dataset.time, *dataset.columns.values(), *dataset.inputs.values()):
        array = np.atleast_2d(arrays[name])
        if array.shape != shape and not (name == dataset.time and array.shape == (1, shape[1])):
            raise ValueError(f"{dataset.file}: array {name!r} is {arrays[name].shape}; expected {shape}")
        series[name] = np.broadcast_to(array, shape)
    return series


def _lengths(series: np.ndarray) -> np.ndarray:
    """Return the length of each trajectory of (K, N, T): up to the last time at which any channel is a number."""
    import numpy as np

    present = ~np.isnan(series).all(axis=0)
    return np.where(present.any(axis=1), present.shape[1] - np.argmax(present[:, ::-1], axis=1), 0)


def _wanted(dataset: FileDataset) -> list[str]:
    channels = (*dataset.columns.values(), *dataset.inputs.values(), *dataset.parameters.values())
    return list(dict.fromkeys((dataset.time, *channels)))


def _need(dataset: FileDataset, known: Any, wanted: list[str]) -> None:
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ValueError(f"{dataset.file} has no {', '.join(map(repr, missing))}; it has {', '.join(map(repr, known))}")


def _numbers(dataset: FileDataset, name: str, values: Any) -> np.ndarray:
    import numpy as np

    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{dataset.file}: {name!r} holds {array.dtype} values; expected numbers")
    return array.astype(np.float64)


def _check(dataset: FileDataset, index: int, rows: Rows) -> None:
    import numpy as np

    for name, values in rows.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            what = f"{dataset.file}: {name!r} of trajectory {index} is {values[bad[0]]} at its row {bad[0]}"
            raise ValueError(f"{what}; expected finite numbers, so remove that row")
    late = np.flatnonzero(np.diff(rows[dataset.time]) <= 0)
    if len(late):
        what = f"{dataset.file}: time {dataset.time!r} of trajectory {index} does not increase after its row {late[0]}"
        raise ValueError(f"{what}; expected strictly increasing times, so sort the rows or name the trajectory column")
    for name in dataset.parameters.values():
        if np.ptp(rows[name]) != 0:
            raise ValueError(
                f"{dataset.file}: parameter {name!r} changes within trajectory {index}; expected a constant"
            )


def _assemble(dataset: FileDataset, rows: list[Rows]) -> Trajectories:
    import numpy as np

    return Trajectories(
        t=_padded(rows, dataset.time),
        y=np.stack([_padded(rows, name) for name in dataset.columns.values()], axis=-1),
        names=tuple(dataset.columns),
        units=tuple(dataset.units[name] for name in dataset.columns),
        time_unit=dataset.time_unit,
        inputs=np.stack([_padded(rows, n) for n in dataset.inputs.values()], axis=-1) if dataset.inputs else None,
        input_names=tuple(dataset.inputs),
        input_units=tuple(dataset.units[name] for name in dataset.inputs),
        parameters={key: np.array([one[name][0] for one in rows]) for key, name in dataset.parameters.items()},
        parameter_units={key: dataset.units[key] for key in dataset.parameters},
        roles=dict(dataset.roles),
        meta=dict(dataset.meta),
    )


def _padded(rows: list[Rows], name: str) -> np.ndarray:
    """Return a column of all trajectories as (N, T), NaN at the end of the shorter ones."""
    import numpy as np

    padded = np.full((len(rows), max(len(one[name]) for one in rows)), np.nan)
    for row, one in zip(padded, rows, strict=True):
        row[: len(one[name])] = one[name]
    return padded
