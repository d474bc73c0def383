"""Reader of the older sweep format of the two-body study.

There, every key under `parameters:` and `data:` holds a list of candidates: it is an axis of the sweep. A curriculum is
four parallel lists, see `phases.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainers.common.names import nearest
from trainers.two_body.older_format.phases import STRATEGIES, combine, is_number, read_candidates

SETTINGS: dict[str, str] = {
    "feature_layer": "model.feature_layer",
    "output_layer": "model.output_layer",
    "planar_constraint": "model.planar_constraint",
    "width": "model.width",
    "depth": "model.depth",
    "activation": "model.activation",
    "final_activation": "model.final_activation",
    "loss": "model.loss.name",
    "mse_weight": "model.loss.rmse_weight",
    "batch_size": "model.batch_size",
    "train_val_split": "model.train_fraction",
    "rtol": "model.solver.rtol",
    "atol": "model.solver.atol",
}
"""Older keys that set one field, and the path of that field in the present format."""

DATA = ("train_dataset", "num_trajs", "test_dataset")
TOP = ("study", "name", "description", "method", "parameters", "data")

STANDARD_TESTS = ("complex_planar_1_test", "complex_planar_10_test", "complex_planar_100_test")

HEADS: dict[str, tuple[str, str]] = {
    "mlp_4D": ("mlp_4D_abs", "it was m0 d at first and |m0| d from mid November 2025 on; read as the later one"),
    "mlp_4D_accsoftplus": ("mlp_4D_softplus", "two names of one formula, softplus(m0) d"),
    "mlp_4D_sigmoid": ("mlp_4D_softplus", "a label that was printed over softplus runs"),
}
"""Ambiguous names of heads: the present name and the reason, which becomes a decision."""


@dataclass
class _Reading:
    """The parts of the present form as they are read, with decisions and problems."""

    base: dict[str, Any] = field(default_factory=lambda: {"dataset": {}, "model": {}})
    vary: dict[str, Any] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_older(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a sweep of the older format to the present form: study, description, tests, base, vary.

    The reserved key `decisions` lists, as `path: why`, every choice that the older file left open. A name with two
    meanings is replaced and a decision says so; a structure with two readings is refused.

    Raises:
        ValueError: one line per problem: the older key, what was given, what was expected.
    """
    reading = _Reading()
    entries = _flat(sweep, reading)
    for step in (_settings, _dataset, _phases, _open_choices):
        step(entries, reading)
    tests = _tests(entries, reading)
    if reading.problems:
        raise ValueError("\n".join(reading.problems))
    return {
        "study": "two_body",
        "description": str(sweep.get("description") or sweep.get("name") or ""),
        "tests": tests,
        "base": reading.base,
        "vary": reading.vary,
        "decisions": reading.decisions,
    }


def _flat(sweep: Mapping[str, Any], reading: _Reading) -> dict[str, Any]:
    """Return the keys of `parameters:` and `data:` in one mapping."""
    reading.problems += _unknown(sweep, TOP, "")
    if sweep.get("method", "grid") != "grid":
        reading.problems.append(f"method: {sweep['method']!r} given; expected 'grid', every combination once")
    parameters = sweep.get("parameters")
    if not isinstance(parameters, Mapping):
        raise ValueError(f"parameters: {json.dumps(parameters)} given; expected a mapping of keys to candidates")
    entries: dict[str, Any] = {}
    nested = {"parameters": parameters, "data": sweep.get("data", {}), "parameters.data": parameters.get("data", {})}
    for place, part in nested.items():
        if not isinstance(part, Mapping):
            reading.problems.append(f"{place}: {json.dumps(part)} given; expected a mapping")
            continue
        inside = {key: value for key, value in part.items() if (place, key) != ("parameters", "data")}
        reading.problems += _unknown(inside, (*SETTINGS, *STRATEGIES, *DATA), f"{place}.")
        reading.problems += [
            f"{place}.{key}: {json.dumps(inside[key])} given, but {json.dumps(entries[key])} before; keep one"
            for key in inside.keys() & entries.keys()
            if inside[key] != entries[key]
        ]
        entries |= inside
    return entries


def _unknown(part: Mapping[str, Any], expected: Sequence[str], prefix: str) -> Iterator[str]:
    for key in part:
        if key not in expected:
            yield f"{prefix}{key}: unknown key; nearest: {', '.join(nearest(str(key), expected))}"


def _settings(entries: Mapping[str, Any], reading: _Reading) -> None:
    for key, path in SETTINGS.items():
        if key in entries:
            values = _candidates(key, entries[key], reading)
            _place(path, _heads(values, reading) if key == "output_layer" else values, reading)


def _candidates(key: str, value: Any, reading: _Reading) -> list[Any]:
    """Return the candidates of a plain key; a scalar is a list of one."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not values or any(isinstance(entry, list | tuple | Mapping) or entry is None for entry in values):
        reading.problems.append(f"{key}: {json.dumps(value)} given; expected a list of candidates, each one value")
        return []
    return values


def _heads(names: Sequence[Any], reading: _Reading) -> list[Any]:
    present: list[Any] = []
    for name in names:
        head, why = HEADS.get(name, (name, ""))
        if why:
            reading.decisions.append(f"model.output_layer: {name} is read as {head}: {why}")
        if head in present:
            reading.decisions.append(f"model.output_layer: {name} is left out: {head} is in the list already")
        else:
            present.append(head)
    return present


def _place(path: str, values: Sequence[Any], reading: _Reading) -> None:
    """Write one candidate into the base, several as an axis."""
    if len(values) > 1:
        reading.vary[path] = list(values)
    elif values:
        *parents, last = path.split(".")
        target = reading.base
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = values[0]


def _dataset(entries: Mapping[str, Any], reading: _Reading) -> None:
    if "train_dataset" not in entries:
        reading.problems.append("train_dataset: missing; expected the name of at least one dataset")
        return
    names = _known_datasets("train_dataset", entries["train_dataset"], reading)
    counts = _candidates("num_trajs", entries.get("num_trajs", -1), reading)
    wrong = [
        count for count in counts if not isinstance(count, int) or isinstance(count, bool) or count < -1 or not count
    ]
    if wrong:
        reading.problems.append(f"num_trajs: {json.dumps(wrong)} given; expected a number of orbits, or -1 for all")
        return
    variants = dict(_dataset_variant(name, count, reading) for name in names for count in counts)
    if len(variants) == 1:
        reading.base["dataset"] = next(iter(variants.values()))
    elif variants:
        reading.vary["train_dataset"] = {name: {"dataset": dataset} for name, dataset in variants.items()}


def _dataset_variant(name: str, count: int, reading: _Reading) -> tuple[str, dict[str, Any]]:
    """Return the present form of a named dataset, cut to its first `count` orbits unless that is -1."""
    from trainers.two_body.config import PRESETS

    dataset = PRESETS[name]
    form = {**dataset.model_dump(mode="json", exclude_defaults=True), "orbits": dataset.orbits}
    if count == -1:
        return name, form
    if count > dataset.orbits:
        reading.problems.append(f"num_trajs: {count} given; {name} has {dataset.orbits} orbits; give at most that many")
    reading.decisions.append(f"dataset.orbits: num_trajs {count} takes the first {count} orbits of {name}")
    return f"{name}-first{count}", {**form, "orbits": count}


def _known_datasets(key: str, value: Any, reading: _Reading) -> list[str]:
    from trainers.two_body.config import PRESETS

    names = _candidates(key, value, reading)
    for name in names:
        if name not in PRESETS:
            reading.problems.append(
                f"{key}: unknown dataset {name!r}; nearest: {', '.join(nearest(str(name), PRESETS))}"
            )
    return [name for name in dict.fromkeys(names) if name in PRESETS]


def _phases(entries: Mapping[str, Any], reading: _Reading) -> None:
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


def _tests(entries: Mapping[str, Any], reading: _Reading) -> list[str]:
    if "test_dataset" in entries:
        return _known_datasets("test_dataset", entries["test_dataset"], reading)
    reading.decisions.append(f"tests: none named; the three standard ones are taken, {', '.join(STANDARD_TESTS)}")
    return list(STANDARD_TESTS)


def _open_choices(entries: Mapping[str, Any], reading: _Reading) -> None:
    """Add the choices that have no key in the older format, with a decision each."""
    reading.base["model"].setdefault("solver", {})["method"] = "tsit5"
    reading.decisions.append("model.solver.method: the older programme solved adaptively; planned is many times faster")
    reading.decisions.append("model.optimiser: not stated in the older format; adam")
    reading.decisions.append("model.seed: not stated in the older format; 0")
    fractions = entries.get("train_val_split", 1.0)
    if any(is_number(f) and f < 1 for f in (fractions if isinstance(fractions, list | tuple) else [fractions])):
        reading.decisions.append("model.split_by: orbits are split and then cut; the older programme did it both ways")
    losses = entries.get("loss", [])
    if "percent_error_plus_nmse" in losses and "mse_weight" not in entries:
        reading.decisions.append("model.loss.rmse_weight: not stated (10, 1 and 50 were in use at times); 1")
