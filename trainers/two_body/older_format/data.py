"""The `data:` block of the older sweep format: datasets by name, and how many of their orbits are taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trainers.common.names import nearest
from trainers.two_body.older_format.reading import Reading

DATASET = "dataset_name"

PROBLEMS = {"2BP": "two_body"}
"""Names of problems, and those of the equations of motion in the present format."""


def read_data(entries: Mapping[str, Any], reading: Reading) -> None:
    """Read the datasets; several are an axis of named variants."""
    problems = _problems(entries, reading)
    if DATASET not in entries:
        reading.problems.append(
            "data.dataset_name: missing; expected the name of a dataset; give it with --dataset NAME, or add "
            "data: {dataset_name: NAME}"
        )
        return
    names = _known_names(entries[DATASET], reading)
    counts = reading.candidates("num_trajs", entries.get("num_trajs", -1))
    wrong = [
        count for count in counts if not isinstance(count, int) or isinstance(count, bool) or count < -1 or not count
    ]
    if wrong:
        reading.problems.append(f"num_trajs: {json.dumps(wrong)} given; expected a number of orbits, or -1 for all")
        return
    variants = dict(_variant(name, count, problems, reading) for name in names for count in counts)
    if len(variants) == 1:
        reading.base["dataset"] = next(iter(variants.values()))
    elif variants:
        reading.vary[DATASET] = {name: {"dataset": dataset} for name, dataset in variants.items()}


def _problems(entries: Mapping[str, Any], reading: Reading) -> list[str]:
    """Return the equations of motion that the file names, none where it names none."""
    if "problem" not in entries:
        return []
    names = reading.candidates("data.problem", entries["problem"])
    unknown = [name for name in names if name not in PROBLEMS]
    if unknown:
        reading.problems.append(f"data.problem: {json.dumps(unknown)} given; expected {', '.join(PROBLEMS)}")
    return [PROBLEMS[name] for name in names if name in PROBLEMS]


def _known_names(value: Any, reading: Reading) -> list[str]:
    from trainers.two_body.orbits.presets import PRESETS

    names = reading.candidates(DATASET, value)
    for name in names:
        if name not in PRESETS:
            reading.problems.append(
                f"{DATASET}: unknown dataset {name!r}; nearest: {', '.join(nearest(str(name), PRESETS))}"
            )
    return [name for name in dict.fromkeys(names) if name in PRESETS]


def _variant(name: str, count: int, problems: list[str], reading: Reading) -> tuple[str, dict[str, Any]]:
    """Return the present form of a named dataset, cut to its first `count` orbits unless that is -1."""
    from trainers.two_body.orbits.presets import PRESETS

    dataset = PRESETS[name]
    if problems and dataset.problem not in problems:
        reading.problems.append(f"{DATASET}: {name} is of {dataset.problem}; expected one of {', '.join(problems)}")
    form = {**dataset.model_dump(mode="json", exclude_defaults=True), "orbits": dataset.orbits}
    if count == -1:
        return name, form
    if count > dataset.orbits:
        reading.problems.append(f"num_trajs: {count} given; {name} has {dataset.orbits} orbits; give at most that many")
    reading.decisions.append(f"dataset.orbits: num_trajs {count} takes the first {count} orbits of {name}")
    return f"{name}-first{count}", {**form, "orbits": count}
