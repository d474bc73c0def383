"""The folder of a fit: estimates and tables as CSV, figures as PNG, and what they were made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assets.identity.canonical import short_digest
from assets.identity.code_version import code_version
from assets.identity.provenance import provenance
from assets.report.folder import check_folder, replace_folder
from assets.report.pictures import study_pictures
from assets.statistics.fit import Fit
from assets.statistics.sweep_table import Loaded
from assets.store.store import home
from trainers import STUDIES

DESCRIPTION = "fit.json"


def default_folder(model: Loaded, fit: Fit) -> Path:
    """Return where a fit is written by default: `<home>/fits/<study>/<key>/<digest of the data>`."""
    return home() / "fits" / model.study / model.key / short_digest(dict(fit.data))


def write_fit(model: Loaded, fit: Fit, folder: Path, force: bool = False) -> list[str]:
    """Write a fit to a folder atomically, so that a reader sees all of it or nothing; return the names of its files.

    Raises:
        OSError: as `check_folder`, or the disk is full.
    """
    check_folder(folder, force, DESCRIPTION, "fit")
    files = _contents(model, fit)
    replace_folder(folder, files)
    return list(files)


def _contents(model: Loaded, fit: Fit) -> dict[str, bytes]:
    tables = {"estimates": fit.estimates, **fit.tables}
    files = {f"{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    for picture in study_pictures(
        STUDIES[model.study], tables, f"{model.study}/{model.key}, {fit.data.get('file', '')}"
    ):
        if picture.png:
            files[f"{picture.name}.png"] = picture.png
    files[DESCRIPTION] = json.dumps(description(model, fit), indent=1, default=str).encode()
    return files


def description(model: Loaded, fit: Fit) -> Mapping[str, Any]:
    """Return what a fit was made from: model, data, code and packages."""
    study = STUDIES[model.study]
    names = frozenset(_texts(model.config.model_dump(mode="json")))
    return {
        "study": model.study,
        "model": model.key,
        "model_hash": model.manifest["hash"],
        "model_fingerprint": model.manifest["fingerprint"],
        "code": code_version(study, "fit", names),
        "data": dict(fit.data),
        "interval_level": fit.level,
        "trajectories": list(dict.fromkeys(fit.estimates["trajectory"])),
        **provenance(),
    }


def _texts(value: Any) -> list[str]:
    """Return every text in a configuration."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _texts(inner)]
    return [text for inner in value for text in _texts(inner)] if isinstance(value, list | tuple) else []
