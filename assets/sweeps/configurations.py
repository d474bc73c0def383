"""Configurations from settings: presets resolved, types validated, items made. Equal parts are made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from assets.identity.canonical import Item, compact
from assets.identity.items import dataset_item, model_item, segments_item
from assets.identity.paths import Place, dotted
from assets.sweeps.file_dataset import FileDataset, declared
from assets.sweeps.sweep import Configuration
from assets.sweeps.validate import InvalidError, validate
from assets.sweeps.yaml_loader import Document
from trainers.common.names import nearest
from trainers.study import Config, ModelConfigBase, Study

Locate = Callable[[Place], Place]
"""Return where in the file a setting of a dataset or model stands."""

VALIDATION: Place = ("model", "validation")
"""Where the settings of a model hold validation data of its own."""


class Configurations:
    """Make the configurations of one sweep; what is wrong becomes a line of `problems`."""

    def __init__(self, study: Study, document: Document, problems: list[str]) -> None:
        self.study = study
        self.document = document
        self.problems = problems
        self.refused: list[tuple[Place, str]] = []
        """Setting and reason of every refusal: a search treats them differently."""
        self._datasets: dict[tuple[Place, str], tuple[Config, Item] | None] = {}
        self._models: dict[str, ModelConfigBase | None] = {}
        self._segments: dict[tuple[str, str, Config], Item] = {}

    def configuration(self, settings: Mapping[str, Any], place: Locate) -> Configuration | None:
        """Return a configuration, or None where its settings are wrong."""
        dataset = self.dataset(settings["dataset"], lambda inner: place(("dataset", *inner)))
        model, validation = self._model(settings["model"], lambda inner: place(("model", *inner)))
        if dataset is None or model is None:
            return None
        config, item = dataset
        if validation == item:
            text = "given the training dataset; expected another one, or none and a train_fraction below 1"
            self._refuse(VALIDATION, (), place(VALIDATION), text)
            return None
        try:
            model.check_dataset(_problem_of(config))
        except ValueError as error:
            self._refuse(("model",), (), place(("model",)), str(error))
            return None
        segmentation = model.segmentation()
        key = (item.hash, validation.hash if validation else "", segmentation)
        if key not in self._segments:
            self._segments[key] = segments_item(item, segmentation, validation)
        return Configuration(self.study.name, config, model, model_item(self._segments[key], model))

    def dataset(self, settings: Any, place: Locate, section: Place = ("dataset",)) -> tuple[Config, Item] | None:
        """Return a dataset and its item, or None where its settings are wrong."""
        key = (section, compact(settings))
        if key not in self._datasets:
            config = self._dataset_config(settings, place, section)
            self._datasets[key] = (config, dataset_item(self.study.name, config)) if config else None
        return self._datasets[key]

    def _dataset_config(self, settings: Any, place: Locate, section: Place) -> Config | None:
        if isinstance(settings, str):
            settings = {"preset": settings}
        if not isinstance(settings, Mapping):
            text = f"given {settings!r}; expected the name of a dataset or a mapping"
            self._refuse(section, (), place(()), text)
            return None
        if "file" in settings:
            return self._accepted(self._valid(FileDataset, settings, section, place), section, place)
        overrides = {key: value for key, value in settings.items() if key != "preset"}
        preset = self._preset(settings.get("preset"), place, section)
        config = self._valid(self.study.dataset, (preset or {}) | overrides, section, place)
        return None if preset is None else config

    def _accepted(self, dataset: FileDataset | None, section: Place, place: Locate) -> FileDataset | None:
        """Return a dataset from files whose names, units and facts the study accepts; the files are read later."""
        if dataset is not None:
            try:
                self.study.accept(declared(dataset))
            except ValueError as error:
                self._refuse(section, (), place(()), str(error))
                return None
        return dataset

    def _preset(self, name: Any, place: Locate, section: Place) -> dict[str, Any] | None:
        """Return the settings of a named dataset, none where no name is given, or None for an unknown name."""
        presets = self.study.presets
        if name is None:
            return {}
        if isinstance(name, str) and name in presets:
            return presets[name].model_dump(mode="json")
        choices = ", ".join(nearest(str(name), presets))
        self._refuse(section, (), place(("preset",)), f"unknown dataset {name!r}; nearest: {choices}")
        return None

    def _model(self, settings: Any, place: Locate) -> tuple[ModelConfigBase | None, Item | None]:
        """Return a model and the item of its validation data, if they are a dataset of their own."""
        validation = None
        if isinstance(settings, Mapping) and settings.get("validation") is not None:
            own: Any = settings["validation"]
            inside: Place = ("validation",)
            if isinstance(own, Mapping) and own.keys() == {"dataset"}:
                own, inside = own["dataset"], ("validation", "dataset")
            dataset = self.dataset(own, lambda inner: place((*inside, *inner)), VALIDATION)
            if dataset is None:
                return None, None
            validation = dataset[1]
            settings = {**settings, "validation": dict(validation.config)}
        key = compact(settings)
        if key not in self._models:
            self._models[key] = self._valid(self.study.model, settings, ("model",), place)
        return self._models[key], validation

    def _valid(self, kind: type[Config], settings: Any, section: Place, place: Locate) -> Any:
        try:
            return validate(kind, settings)
        except InvalidError as error:
            for inner, text in error.findings:
                self._refuse(section, inner, place(inner), text)
        return None

    def _refuse(self, section: Place, inner: Place, here: Place, text: str) -> None:
        """Record a problem with a setting under its dotted key, which begins with `tests` for a test set."""
        self.refused.append(((*section, *inner), text))
        key = f"tests.{dotted(inner)}".rstrip(".") if here[:1] == ("tests",) else dotted((*section, *inner))
        self.problems.append(self.document.problem(here, text + _hint(here, text), key))


def _problem_of(dataset: Config) -> str | None:
    """Return the equation of motion that a dataset names, as a setting or, from files, among its facts."""
    named = dataset.meta.get("problem") if isinstance(dataset, FileDataset) else getattr(dataset, "problem", None)
    return None if named is None else str(named)


def _hint(place: Place, text: str) -> str:
    """Say what to do about a list that was meant as one value of an axis."""
    if place[:1] == ("vary",) and len(place) == 3 and "expected a list" in text:
        return "; every entry under vary is one value: write [[...]] for one list"
    return ""
