"""What a sweep says of the user's own files: where they lie, and what their columns are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from assets.identity.canonical import canonical
from assets.sweeps.file_dataset.files import sha256_of
from trainers.study import Config, Role

CONTENT = "content_sha256"

Unit = Annotated[str, Field(min_length=1)]


class FileDataset(Config):
    """A dataset in files: Parquet and CSV with one row per time, or npz with one array per channel."""

    file: str | Annotated[list[str], Field(min_length=1)]
    """A file, a folder with all its files, a pattern (`logs/*/run.csv`), or a list of files; absolute or from the
    project's directory; no part of the identity. Trajectories of several files follow one another in the order of the
    list, or of the names."""
    content_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Identity of the files; found by itself when left out, and refused when they differ."""
    columns: Annotated[dict[str, str], Field(min_length=1)]
    """Channel -> column (Parquet, CSV) or array (npz: (N, T), or (T,) for one trajectory), in the state's order."""
    units: dict[str, Unit]
    """Unit of every channel, input and parameter; `1` for a dimensionless one."""
    time: str = "t"
    """Column or array of the times."""
    time_unit: Unit
    """Unit of the times."""
    trajectory: str | None = None
    """Column that tells the trajectories of a file apart, as text; without it each file holds one."""
    inputs: dict[str, str] = {}
    """Control input -> column or array."""
    parameters: dict[str, str] = {}
    """Parameter -> column that is constant within a trajectory, or array (N,)."""
    constants: dict[str, float] = {}
    """Parameter -> its value in all trajectories."""
    roles: dict[str, Role] = {}
    """Parameter -> unknown, known or nuisance; a parameter without a role is unknown."""
    meta: dict[str, str | float | int | bool] = {}
    """What holds for the whole set: constants, the name of the problem."""

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, settings: Any) -> Any:
        if isinstance(settings, Mapping) and CONTENT not in settings:
            file = settings.get("file")
            if isinstance(file, str) or (isinstance(file, list) and file and all(map(_is_text, file))):
                return {**settings, CONTENT: sha256_of(file)}
            # Of a file that is refused anyway, nobody need hear that it has no sum.
            return {**settings, CONTENT: "0" * 64}
        return settings

    @model_validator(mode="after")
    def _has_units(self) -> FileDataset:
        if twice := sorted(set(self.parameters) & set(self.constants)):
            raise ValueError(f"{', '.join(twice)} is among parameters and constants; expected it once")
        for what, named in (("columns", self.columns), ("inputs", self.inputs), ("parameters", self.parameters)):
            if twice := sorted({column for column in named.values() if list(named.values()).count(column) > 1}):
                raise ValueError(f"{what} names {', '.join(twice)} twice; expected a column of its own for each")
        channels = [*self.columns, *self.inputs, *self.parameters, *self.constants]
        if set(self.units) != set(channels):
            raise ValueError(f"units are given for {sorted(self.units)}; expected one for each of {sorted(channels)}")
        if strangers := sorted(set(self.roles) - set(self.parameters) - set(self.constants)):
            expected = ", ".join((*self.parameters, *self.constants)) or "no parameter"
            raise ValueError(f"roles are given for {', '.join(strangers)}; expected {expected}")
        return self

    def identity(self) -> dict[str, Any]:
        """Return the canonical form without the path: the content tells files apart. The order of channels counts."""
        form = {name: value for name, value in canonical(self).items() if name != "file"}
        ordered = {name: [list(pair) for pair in form[name].items()] for name in ("columns", "inputs") if name in form}
        return form | ordered

    def column_names(self) -> list[str]:
        """Return the columns or arrays to be read, that of the trajectory aside."""
        return list(
            dict.fromkeys((self.time, *self.columns.values(), *self.inputs.values(), *self.parameters.values()))
        )


def is_file(config: Mapping[str, Any]) -> bool:
    """Return whether the configuration of a dataset, as an item carries it, is that of a file."""
    return "file" in config


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
