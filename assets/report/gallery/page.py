"""The page of chosen models or datasets, and its folder: the page with every picture as PNG and PDF beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assets.identity.canonical import short_digest
from assets.report.comparison.models import ComparedModel, compared_models
from assets.report.folder import check_folder, replace_folder
from assets.report.gallery.datasets import dataset_sections, shown_datasets
from assets.report.gallery.models import Section, comparison_section, model_sections
from assets.report.render import render
from assets.store.store import Missing, Store, home

PAGE = "figures.html"
"""The file by which a folder of figures is known as one."""


@dataclass(frozen=True)
class Gallery:
    """Figures of models or datasets, in sections."""

    title: str
    study: str
    sections: tuple[Section, ...]
    models: tuple[ComparedModel, ...] = ()

    @property
    def count(self) -> int:
        """Figures in all."""
        return sum(len(section.pictures) for section in self.sections)

    def page(self, linked: bool = False) -> str:
        """Return the page; `linked`: with links to other pages of the desk that serves it."""
        return render("figures.html", {"gallery": self, "linked": linked})


def gallery_of_models(names: Sequence[str], store: Store, test: str = "", on_training: bool = True) -> Gallery:
    """Draw every figure of the models that names mean, see `find_model` and `model_sections`.

    Raises:
        Missing: one of them is not stored, is ambiguous or named twice, or they are of different studies.
    """
    models = compared_models(names, store, fewest=1)
    sections = [comparison_section(models)] if len(models) > 1 else []
    for model in models:
        sections += model_sections(model, test, on_training)
    title = "Figures of " + (models[0].key if len(models) == 1 else f"{len(models)} models")
    return Gallery(title, models[0].study.name, tuple(sections), tuple(models))


def gallery_of_datasets(names: Sequence[str], store: Store, simulate: bool = True) -> Gallery:
    """Draw every figure of datasets, see `shown_datasets` and `dataset_sections`.

    Raises:
        Missing: there is none of that name, or the study draws no figure of data alone.
    """
    if len(set(names)) < len(names):
        raise Missing("given a dataset twice; expected each once")
    datasets = shown_datasets(names, store, simulate)
    return Gallery(f"Figures of {', '.join(names)}", datasets[0].study, tuple(dataset_sections(datasets)))


def default_folder(gallery: Gallery, names: Iterable[str]) -> Path:
    """Return where figures are written by default: `<home>/figures/<study>/<digest of what they show>`."""
    shown = [model.name for model in gallery.models] or list(names)
    return home() / "figures" / gallery.study / short_digest(*shown)


def write_gallery(gallery: Gallery, folder: Path, force: bool = False) -> Path:
    """Write the page and every picture to a folder, all at once; return the page.

    Raises:
        OSError: see `check_folder`.
    """
    check_folder(folder, force, PAGE, "page of figures")
    replace_folder(folder, {PAGE: gallery.page().encode(), **_files(gallery)})
    return folder / PAGE


def _files(gallery: Gallery) -> Mapping[str, bytes]:
    files = {}
    for section in gallery.sections:
        beginning = re.sub(r"[^A-Za-z0-9]+", "_", section.name).strip("_")
        for picture in section.pictures:
            if picture.png:
                files[f"{beginning}_{picture.name}.png"] = picture.png
                files[f"{beginning}_{picture.name}.pdf"] = picture.pdf()
    return files
