"""The catalogue: every sweep and search under `sweeps/`, and per study the keys and mappings of what sweeps need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from assets.identity.canonical import Item, LayerName
from assets.identity.labels import KEY
from assets.search.search import Search
from assets.search.search_file import load
from assets.sweeps.keys import with_keys
from assets.sweeps.sweep import Sweep
from assets.sweeps.yaml_loader import SweepError, one_line
from trainers import STUDY_PROBLEMS

Keys = dict[str, list[str]]


@dataclass(frozen=True)
class StudyCatalogue:
    """What the sweeps of one study need, by partition key; a cohort is contiguous among the models."""

    name: str
    sweeps: Mapping[str, Sweep]
    """By file stem."""
    searches: Mapping[str, Search] = field(default_factory=dict)
    """By file stem; their trials are made when they run, so that no partition is known of them."""

    @cached_property
    def datasets(self) -> dict[str, Item]:
        """Datasets by key, test sets included."""
        return self._by_key(item for sweep in self.sweeps.values() for item in sweep.items()["dataset"])

    @cached_property
    def segments(self) -> dict[str, Item]:
        """Segments by key."""
        return self._by_key(item for sweep in self.sweeps.values() for item in sweep.items()["segments"])

    @cached_property
    def models(self) -> dict[str, Item]:
        """Models by key, cohort by cohort, and within a cohort by seed."""
        items = self._by_key(item for sweep in self.sweeps.values() for item in sweep.items()["model"])
        order = {cohort: n for n, cohort in enumerate(dict.fromkeys(item.cohort for item in items.values()))}
        ranked = sorted(items.values(), key=lambda item: (order[item.cohort], item.config.get("seed", 0)))
        return {item.key: item for item in ranked}

    @cached_property
    def evaluations(self) -> dict[str, tuple[Item, ...]]:
        """Evaluations of each model over all sweeps, by the key of the model."""
        by_model: dict[str, dict[str, Item]] = {key: {} for key in self.models}
        for sweep in self.sweeps.values():
            for row in sweep.rows:
                for item in row.evaluations:
                    by_model[row.configuration.key].setdefault(item.hash, item)
        return {key: tuple(items.values()) for key, items in by_model.items()}

    @cached_property
    def _partitions(self) -> dict[str, Mapping[str, tuple[Item, ...]]]:
        single = {"dataset": self.datasets, "segments": self.segments, "model": self.models}
        tables: dict[str, Any] = {
            layer: {key: (item,) for key, item in items.items()} for layer, items in single.items()
        }
        return tables | {"evaluation": self.evaluations}

    def partitions(self, layer: LayerName) -> Mapping[str, tuple[Item, ...]]:
        """Return the items of every partition of a layer, by partition key, cohorts contiguous."""
        return self._partitions[layer]

    @cached_property
    def segments_by_dataset(self) -> Keys:
        """Keys of the segments cut from each dataset, for training or for validation."""
        return _downstream(
            self.datasets, ((one.key, key) for key, item in self.segments.items() for one in item.inputs)
        )

    @cached_property
    def models_by_segments(self) -> Keys:
        """Keys of the models trained on each segmentation."""
        return _downstream(self.segments, ((item.segments.key, key) for key, item in self.models.items()))

    @cached_property
    def models_by_test_dataset(self) -> Keys:
        """Keys of the models evaluated on each dataset."""
        pairs = ((item.test.key, key) for key, items in self.evaluations.items() for item in items)
        return _downstream(self.datasets, pairs)

    @cached_property
    def sweeps_by_model(self) -> Keys:
        """Keys of the sweeps that hold each model."""
        pairs = ((row.configuration.key, name) for name, sweep in self.sweeps.items() for row in sweep.rows)
        return _downstream(self.models, pairs)

    @staticmethod
    def _by_key(items: Iterable[Item]) -> dict[str, Item]:
        by_key: dict[str, Item] = {}
        for item in items:
            by_key.setdefault(item.key, item)
        return by_key


def _downstream(upstream: Iterable[str], pairs: Iterable[tuple[str, str]]) -> Keys:
    mapping: Keys = {key: [] for key in upstream}
    for above, below in dict.fromkeys(pairs):
        mapping[above].append(below)
    return mapping


@dataclass(frozen=True)
class Catalogue:
    """Every sweep and search file under one folder."""

    sweeps: Mapping[str, Sweep]
    """By `<study>/<file stem>`."""
    errors: Mapping[str, SweepError]
    """What cannot be used: files by their path relative to the folder, and studies by `study <name>`."""
    warnings: tuple[str, ...] = ()
    searches: Mapping[str, Search] = field(default_factory=dict)
    """By `<study>/<file stem>`."""

    def study(self, name: str) -> StudyCatalogue:
        """Return what the sweeps of one study need, and its searches."""
        sweeps = {sweep.key: sweep for sweep in self.sweeps.values() if sweep.study == name}
        searches = {search.key: search for search in self.searches.values() if search.study == name}
        return StudyCatalogue(name, sweeps, searches)


def read_catalogue(root: Path | None = None, study: str = "*") -> Catalogue:
    """Read every file under `root` (default: `sweeps/` of the project), or those of one study.

    A file that is wrong never raises. Keys of a study depend on its own sweeps alone, and are the same either way.
    """
    if root is None:
        from assets.store.store import project_root

        root = project_root() / "sweeps"
    files: dict[str, Sweep | Search] = {}
    errors = {f"study {name}".strip(): SweepError([line]) for name, line in STUDY_PROBLEMS.items()}
    for path in sorted(p for p in root.glob(f"{study}/*") if p.suffix in (".yaml", ".yml")):
        try:
            file = _load(path, root)
            files[file.name] = file
        except SweepError as error:
            errors[one_line(str(path.relative_to(root)))] = error
    sweeps = {file.name: file for file in with_keys(file for file in files.values() if isinstance(file, Sweep))}
    searches = {name: file for name, file in files.items() if isinstance(file, Search)}
    return Catalogue(sweeps, errors, tuple(_default_warnings(sweeps.values())), searches)


def _load(path: Path, root: Path) -> Sweep | Search:
    place = one_line(str(path.relative_to(root.parent)))
    if path.suffix == ".yml" or not KEY.fullmatch(path.stem) or re.search(r"\.\.|^\.", path.stem):
        raise SweepError(
            [f"{place}:1: given this file name; expected lower-case letters, digits, '.', '_', '-' and .yaml"]
        )
    file = load(path, root, keys=False)
    if file.study != path.parent.name:
        raise SweepError([f"{place}:1: study: given {file.study}; expected {path.parent.name}, the folder of the file"])
    return file


def _default_warnings(sweeps: Iterable[Sweep]) -> Iterable[str]:
    by_study: dict[str, list[str]] = {}
    for sweep in sweeps:
        by_study.setdefault(sweep.study, []).extend([sweep.name] if sweep.default else [])
    for study, names in by_study.items():
        if len(names) != 1:
            defaults = ", ".join(names) or "none"
            yield f"{study}: given {defaults} with default: true; expected one, which runs when no sweep is chosen"
