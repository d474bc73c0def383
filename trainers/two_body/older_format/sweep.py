"""Reader of the older sweep format of the two-body study.

There, every key under `parameters:` and `data:` holds a list of candidates, or one candidate: it is an axis of the
sweep. A curriculum is four parallel lists, see `phases.py`; `wandb:` says where the runs were tracked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from trainers.common.names import nearest
from trainers.two_body.older_format.data import DATASET, read_data
from trainers.two_body.older_format.heads import present_heads
from trainers.two_body.older_format.phases import STRATEGIES, combine, is_number, read_candidates
from trainers.two_body.older_format.reading import Reading

SETTINGS: dict[str, str] = {
    "feature_layer": "model.feature_layer",
    "output_layer": "model.output_layer",
    "planar_constraint": "model.planar_constraint",
    "width": "model.width",
    "depth": "model.depth",
    "activation": "model.activation",
    "final_activation": "model.final_activation",
    "loss_fcn": "model.loss.name",
    "mse_weight": "model.loss.rmse_weight",
    "batch_size": "model.batch_size",
    "train_val_split": "model.train_fraction",
    "rtol": "model.solver.rtol",
    "atol": "model.solver.atol",
}
"""Older keys that set one field, and the path of that field in the present format."""

DATA = (DATASET, "problem")
WANDB = ("group", "project", "entity")
TOP = ("study", "wandb", "data", "parameters", "dataset", "dated")
"""`dataset` and `dated` are what the command line adds: a dataset, and the day on which the file was used."""

STANDARD_TESTS = ("complex_planar_1_test", "complex_planar_10_test", "complex_planar_100_test")


def read_older(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a sweep of the older format to the present form: study, description, tests, base, vary.

    The reserved key `decisions` lists, as `path: why`, every choice that the older file left open. A name with two
    meanings is replaced and a decision says so; a structure with two readings is refused.

    Raises:
        ValueError: one line per problem: the older key, what was given, what was expected.
    """
    reading = Reading()
    entries = _flat(sweep, reading)
    description = _description(sweep, reading)
    _settings(entries, _dated(sweep, reading), reading)
    read_data(entries, reading)
    _phases(entries, reading)
    _open_choices(entries, reading)
    if reading.problems:
        raise ValueError("\n".join(reading.problems))
    return {
        "study": "two_body",
        "description": description,
        "tests": list(STANDARD_TESTS),
        "base": reading.base,
        "vary": reading.vary,
        "decisions": reading.decisions,
    }


def _flat(sweep: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    """Return the keys of `parameters:` and `data:` in one mapping, and the dataset of the command line."""
    reading.problems += _unknown(sweep, TOP, "")
    parameters, data = sweep.get("parameters"), sweep.get("data", {})
    if not isinstance(parameters, Mapping):
        raise ValueError(f"parameters: {json.dumps(parameters)} given; expected a mapping of keys to candidates")
    if not isinstance(data, Mapping):
        reading.problems.append(f"data: {json.dumps(data)} given; expected a mapping with {', '.join(DATA)}")
        data = {}
    reading.problems += _unknown(parameters, (*SETTINGS, *STRATEGIES, "num_trajs"), "parameters.")
    reading.problems += _unknown(data, DATA, "data.")
    if "dataset" not in sweep:
        return {**parameters, **data}
    if DATASET in data:
        reading.problems.append(
            f"dataset: {json.dumps(sweep['dataset'])} given, but data.dataset_name is {json.dumps(data[DATASET])}; "
            "leave out one of the two"
        )
    return {**parameters, **data, DATASET: sweep["dataset"]}


def _unknown(part: Mapping[str, Any], expected: Sequence[str], prefix: str) -> Iterator[str]:
    for key in part:
        if key not in expected:
            yield f"{prefix}{key}: unknown key; nearest: {', '.join(nearest(str(key), expected))}"


def _description(sweep: Mapping[str, Any], reading: Reading) -> str:
    """Return the group of the runs; project and entity are left out with a decision."""
    wandb = sweep.get("wandb") or {}
    if not isinstance(wandb, Mapping):
        reading.problems.append(f"wandb: {json.dumps(wandb)} given; expected a mapping with {', '.join(WANDB)}")
        return ""
    reading.problems += _unknown(wandb, WANDB, "wandb.")
    for key in ("project", "entity"):
        if key in wandb:
            why = f"wandb {key} {json.dumps(wandb[key])} is left out; runs are kept and tracked locally"
            reading.decisions.append(f"description: {why}")
    return str(wandb.get("group") or "")


def _dated(sweep: Mapping[str, Any], reading: Reading) -> date | None:
    """Return the day on which the file was used, if it is given."""
    text = sweep.get("dated")
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        reading.problems.append(f"dated: {json.dumps(text)} given; expected a day such as 2025-11-05")
        return None


def _settings(entries: Mapping[str, Any], dated: date | None, reading: Reading) -> None:
    for key, path in SETTINGS.items():
        if key in entries:
            values = reading.candidates(key, entries[key])
            if key == "output_layer":
                values, decisions = present_heads(values, dated)
                reading.decisions += decisions
            reading.place(path, values)


def _phases(entries: Mapping[str, Any], reading: Reading) -> None:
    candidates = {}
    for key in STRATEGIES:
        try:
            if key in entries:
                candidates[key] = read_candidates(key, entries[key])
        except ValueError as error:
            reading.problems.append(str(error))
    if not candidates:
        return
    try:
        variants, repetitions = combine(candidates)
    except ValueError as error:
        reading.problems += str(error).splitlines()
        return
    reading.decisions += [f"model.phases: {line}" for line in repetitions]
    if len(variants) == 1:
        reading.base["model"]["phases"] = next(iter(variants.values()))
    else:
        reading.vary["phases"] = {name: {"model": {"phases": phases}} for name, phases in variants.items()}


def _open_choices(entries: Mapping[str, Any], reading: Reading) -> None:
    """Add the choices that have no key in the older format, with a decision each."""
    reading.base["model"].setdefault("solver", {})["method"] = "tsit5"
    reading.decisions.append(f"tests: none named; the three standard ones are taken, {', '.join(STANDARD_TESTS)}")
    reading.decisions.append("model.solver.method: the older programme solved adaptively; planned is many times faster")
    reading.decisions.append("model.optimiser: not stated in the older format; adam")
    reading.decisions.append("model.seed: not stated in the older format; 0")
    fractions = entries.get("train_val_split", 1.0)
    if any(is_number(f) and f < 1 for f in (fractions if isinstance(fractions, list | tuple) else [fractions])):
        reading.decisions.append("model.split_by: orbits are split and then cut; the older programme did it both ways")
    losses = [reading.base["model"].get("loss", {}).get("name"), *reading.vary.get(SETTINGS["loss_fcn"], [])]
    if "percent_error_plus_nmse" in losses and "mse_weight" not in entries:
        reading.decisions.append("model.loss.rmse_weight: not stated (10, 1 and 50 were in use at times); 1")
