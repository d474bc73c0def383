"""Figures of datasets that nothing was trained on: presets, simulated now, or what the store holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.identity.items import dataset_item
from assets.report.gallery.models import Section
from assets.report.model_tables import dataset_tables
from assets.report.pictures import compared_pictures, study_pictures
from assets.store.contract_files import read_trajectories
from assets.store.lookup import hashes_named
from assets.store.store import Missing, Store
from trainers import STUDIES
from trainers.common.names import nearest
from trainers.study import Trajectories

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ShownDataset:
    """A dataset to be drawn."""

    study: str
    name: str
    trajectories: Trajectories


def shown_datasets(names: Sequence[str], store: Store, simulate: bool = True) -> list[ShownDataset]:
    """Find the datasets that `[<study>/]<preset, key or hash>` name; a preset that is not stored is simulated now.

    Raises:
        Missing: there is none of that name, several, or they are of several studies; with `simulate` false also where
            a preset is not stored.
    """
    datasets = [_dataset(name, store, simulate) for name in names]
    studies = dict.fromkeys(one.study for one in datasets)
    if len(studies) > 1:
        raise Missing(f"given datasets of {' and '.join(studies)}; only those of one study can stand side by side")
    return datasets


def _dataset(name: str, store: Store, simulate: bool) -> ShownDataset:
    study, _, key = name.rpartition("/")
    if study and study not in STUDIES:
        raise Missing(f"unknown study {study!r}; expected one of {', '.join(STUDIES)}")
    studies = [study] if study else list(STUDIES)
    presets = [one for one in studies if key in STUDIES[one].presets]
    stored = [] if presets else [(one, hash) for one in studies for hash in hashes_named(store, one, "dataset", key)]
    if len(presets) + len(stored) > 1:
        choices = [f"{one}/{key}" for one in presets] + ["/".join(pair) for pair in stored]
        raise Missing(f"given the dataset {name!r}, which may be one of {', '.join(choices[:4])}; give the whole name")
    if stored:
        ((owner, hash),) = stored
        return ShownDataset(owner, key, read_trajectories(store.open(owner, "dataset", hash)))
    if not presets:
        near = ", ".join(nearest(key, [preset for one in studies for preset in STUDIES[one].presets]))
        raise Missing(f"no dataset {name!r}; nearest: {near}; or give the key or hash of a stored one")
    (owner,) = presets
    config = STUDIES[owner].presets[key]
    item = dataset_item(owner, config)
    manifest = store.manifest(*item.address)
    if manifest and manifest["status"] == "ok":
        return ShownDataset(owner, key, read_trajectories(store.open(*item.address)))
    if not simulate:
        raise Missing(f"the dataset {name} is not stored; `orrery figures --dataset {name}` simulates and draws it")
    return ShownDataset(owner, key, STUDIES[owner].simulate(config))


def dataset_sections(datasets: Sequence[ShownDataset]) -> Iterator[Section]:
    """Yield the figures of several datasets side by side, then those of each.

    Raises:
        Missing: the study draws no figure of data alone.
    """
    study = STUDIES[datasets[0].study]
    tables: dict[str, dict[str, pd.DataFrame]] = {one.name: dataset_tables(one.trajectories) for one in datasets}
    sections = []
    if len(tables) > 1:
        pictures = list(compared_pictures(study, tables, f"datasets {', '.join(tables)}"))
        sections.append(Section("Side by side", "compared", pictures=pictures))
    sections += [
        Section(f"Dataset {name}", name, pictures=list(study_pictures(study, own, f"dataset {name}")))
        for name, own in tables.items()
    ]
    if not any(section.pictures for section in sections):
        raise Missing(f"the study {study.name} draws no figure of a dataset alone")
    yield from (section for section in sections if section.pictures)
