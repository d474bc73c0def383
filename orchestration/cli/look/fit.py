"""`orrery fit`: a trained model on data of one's own."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.request import Json, clear_errors, print_json, refuse

if TYPE_CHECKING:
    from assets.statistics.fit import Fit

Key = Annotated[str, typer.Argument(help="A stored model: key, hash, or the beginning of one; <study>/ first.")]
File = Annotated[str, typer.Argument(help="CSV, Parquet or npz, a folder or a pattern; or YAML with all of this.")]
Columns = Annotated[list[str], typer.Option(help="CHANNEL=COLUMN, repeated or separated by commas.")]
Units = Annotated[list[str], typer.Option(help="NAME=UNIT of every channel, input and parameter; 1: dimensionless.")]
Time = Annotated[str, typer.Option(help="The column of the times [t].")]
TimeUnit = Annotated[str, typer.Option(help="The unit of the times.")]
Trajectory = Annotated[str, typer.Option(help="The column that tells trajectories apart.")]
Inputs = Annotated[list[str], typer.Option(help="INPUT=COLUMN of every control input.")]
Parameters = Annotated[list[str], typer.Option(help="PARAMETER=COLUMN of known parameters, constant per trajectory.")]
Constants = Annotated[list[str], typer.Option(help="PARAMETER=NUMBER of known parameters, the same for all.")]
Out = Annotated[Path | None, typer.Option(help="A new folder for the results; without it, one in the home.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the results of an earlier fit.")]


def fit(
    key: Key,
    file: File,
    columns: Columns = [],  # noqa: B006
    units: Units = [],  # noqa: B006
    time: Time = "",
    time_unit: TimeUnit = "",
    trajectory: Trajectory = "",
    inputs: Inputs = [],  # noqa: B006
    parameters: Parameters = [],  # noqa: B006
    constants: Constants = [],  # noqa: B006
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Estimate the parameters of data of your own with a trained model; write tables, pictures and their origin."""
    from assets.engine.worker_process import settle_numbers
    from assets.report.comparison.find_model import find_model
    from assets.report.fit_folder import DESCRIPTION, default_folder, write_fit
    from assets.report.folder import check_folder
    from assets.statistics.sweep_table import load
    from assets.store.store import Store
    from orchestration.launch.home import prepare

    settle_numbers()
    texts = {"columns": columns, "units": units, "inputs": inputs, "parameters": parameters, "constants": constants}
    with clear_errors():
        settings = _settings(file) | {name: _pairs(name, entries) for name, entries in texts.items() if entries}
        settings |= {"time": time} if time else {}
        settings |= {"time_unit": time_unit} if time_unit else {}
        settings |= {"trajectory": trajectory} if trajectory else {}
        store = Store()
        manifest = find_model(key, store)
        if out is not None:
            check_folder(out.absolute(), force, DESCRIPTION, "fit")
        model = load(manifest["study"], manifest["hash"], store)
        try:
            result = model.fit(settings)
        except ValueError as error:
            refuse(*str(error).splitlines())
        prepare()
        folder = default_folder(model, result) if out is None else out.absolute()
        write_fit(model, result, folder, force)
    if json:
        rows = result.estimates.astype(object).where(result.estimates.notna(), None)
        print_json({"model": f"{model.study}/{model.key}", "interval_level": result.level, "folder": str(folder)}
                   | {"estimates": rows.to_dict("records")})  # fmt: skip
        return
    _print(result, f"{model.study}/{model.key}")
    print(f"tables, pictures and what they were made from: {folder}")


def _settings(file: str) -> dict[str, Any]:
    """Return the fields of a file dataset that a YAML file holds, or the file alone."""
    from assets.sweeps.yaml_loader import read_document

    if file.endswith((".yaml", ".yml")):
        return dict(read_document(Path(file)).data)
    return {"file": str(Path(file).absolute())}


def _pairs(name: str, texts: list[str]) -> dict[str, Any]:
    """Read `a=x` as a: x, and a column's name alone as itself."""
    pairs: dict[str, Any] = {}
    for text in (part for entry in texts for part in _entries(entry)):
        key, sign, value = text.partition("=")
        if not key or (not value and (sign or name in ("units", "constants"))):
            refuse(f"--{name} {text!r}: expected NAME={'NUMBER' if name == 'constants' else 'TEXT'}")
        if key in pairs:
            refuse(f"--{name} gives {key!r} twice; expected it once")
        pairs[key] = value or key
    if name == "constants":
        for key, value in pairs.items():
            try:
                pairs[key] = float(value)
            except ValueError:
                refuse(f"--constants {key}={value}: expected a number such as 0.5")
    return pairs


def _entries(text: str) -> list[str]:
    """Split `a=x,b=y`; a comma within a name stays."""
    parts = text.split(",")
    return parts if all("=" in part for part in parts) else [text]


def _print(result: "Fit", model: str) -> None:
    from assets.report.tables.table import table_of
    from orchestration.cli.tables import print_table, wide_console

    header = ("trajectory", "parameter", "unit", "estimate", "lower", "upper", "caveats")
    rows = []
    for row in result.estimates.to_dict("records"):
        numbers = _resolved(row["estimate"], row["lower"], row["upper"])
        rows.append((row["trajectory"], row["parameter"], row["unit"], *numbers, row["caveat"]))
    note = f"lower and upper are the ends of {100 * result.level:g} % intervals"
    print_table(wide_console(), table_of(f"Fit of {model}", header, rows, note))


def _resolved(estimate: float, lower: float, upper: float) -> list[str]:
    """Write an estimate and its interval with as many digits as show two of its width."""
    width = upper - lower
    if not math.isfinite(width) or width <= 0:
        return [f"{value:.6g}" if math.isfinite(value) else "" for value in (estimate, lower, upper)]
    digits = 2 + max(0, math.ceil(math.log10(max(abs(lower), abs(upper)) / width)))
    return [f"{value:.{min(digits, 15)}g}" for value in (estimate, lower, upper)]
