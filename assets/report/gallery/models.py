"""Every figure and small table of stored models: each by itself, and several compared."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.report import sweep_figures
from assets.report.comparison.models import ComparedModel, test_names
from assets.report.comparison.page import comparison_pictures
from assets.report.model_tables import input_of, tables_of, training_data, training_tables
from assets.report.pictures import (
    Picture,
    across_figures,
    compared_pictures,
    picture_of,
    study_figures,
    study_pictures,
)
from assets.report.tables.table import Table, table_of
from assets.stages.key_numbers import fitted_numbers
from assets.statistics.sweep_table import load
from assets.store.contract_files import read_segments
from assets.store.store import Missing
from assets.sweeps.sweep_file import TRAIN

if TYPE_CHECKING:
    import pandas as pd

SMALL_TABLE = 30
"""Rows up to which a table of an evaluation stands on the page."""

Tables = Mapping[str, "pd.DataFrame"]


@dataclass(frozen=True)
class Section:
    """A part of the page under a title of its own."""

    title: str
    name: str
    """The beginning of the names of its files."""
    note: str = ""
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()


def comparison_section(models: Sequence[ComparedModel]) -> Section:
    """Return the figures that show several models at once."""
    names = "; ".join(f"{model.letter} {model.key}" for model in models)
    return Section("All models together", "compared", names, pictures=list(comparison_pictures(models)))


def model_sections(model: ComparedModel, test: str = "", on_training: bool = True) -> Iterator[Section]:
    """Yield the sections of one model: on one test set, on all of them at once, and on its training data.

    `test` names the test set; without, the one with the most trajectories. What no evaluation holds of the training
    data is evaluated now, and not stored; not where `on_training` is false.

    Raises:
        Missing: it was not evaluated on a test set of that name, or what it was made from is no longer stored.
    """
    title = f"{model.letter}: {model.key}"
    label = f"key {model.key}; code {model.manifest['parts']['code'][:8]}"
    by_test = {name: tables for name, tables in _evaluated(model).items() if not test or name in (test, TRAIN)}
    if test and test not in by_test:
        stored = ", ".join(test_names([model]).values()) or "none"
        raise Missing(f"{model.key} was not evaluated on a test set {test!r}; there are: {stored}")
    fitted = fitted_table(model)
    if model.manifest["status"] != "ok":
        yield _section_of_failed(model, title, label, fitted)
        return
    if on_training and TRAIN not in by_test:
        by_test[TRAIN] = _on_training_data(model)
    tests = [name for name in by_test if name != TRAIN]
    if tests:
        first = max(tests, key=lambda name: len(by_test[name].get("per_trajectory", ())))
        pictures = list(study_pictures(model.study, by_test[first], f"{label}; test set {first}"))
        yield Section(
            f"{title} on {first}", f"{model.letter}_{first}", "", [*small_tables(by_test[first]), fitted], pictures
        )
    if len(by_test) > 1:
        across = across_figures(model.study)
        pictures = list(compared_pictures(model.study, by_test, f"{label}; all test sets", across))
        if pictures:
            yield Section(f"{title} on all test sets", f"{model.letter}_all", pictures=pictures)
    if TRAIN in by_test:
        tables = small_tables(by_test[TRAIN])
        pictures = list(_of_evaluation(model, by_test[TRAIN], f"{label}; training data"))
        note = "The same model on the trajectories of its training dataset, those that validate included."
        yield Section(f"{title} on its training data", f"{model.letter}_training", note, tables, pictures)


def _section_of_failed(model: ComparedModel, title: str, label: str, fitted: Table) -> Section:
    """Return what is left of a training that failed: its losses up to the end, and its data."""
    tables, pictures = training_tables(model.manifest, model.store), []
    if (history := model.history()) is not None:
        tables["history"] = history
        pictures.append(picture_of(sweep_figures.losses, {"histories": {model.key: [history]}}, label))
    pictures += study_pictures(model.study, tables, label)
    return Section(title, model.letter, f"It has no trained model: {model.manifest['status']}.", [fitted], pictures)


def _evaluated(model: ComparedModel) -> dict[str, Tables]:
    """Return the tables of every stored evaluation by the name of the test set."""
    return {
        name: tables_of(model.study.name, model.evaluations[test]["hash"], model.store)
        for test, name in test_names([model]).items()
        if model.holds(test)
    }


def _on_training_data(model: ComparedModel) -> Tables:
    """Evaluate a model on its training dataset now; return the tables as `tables_of` does."""
    loaded = load(model.study.name, model.manifest["hash"], model.store)
    evaluation = model.study.evaluate(loaded.config, loaded.trained, training_data(model.manifest, model.store))
    history = {"history": loaded.history}
    return training_tables(model.manifest, model.store) | history | {"summary": evaluation.summary, **evaluation.tables}


def _of_evaluation(model: ComparedModel, tables: Tables, label: str) -> Iterator[Picture]:
    """Draw the figures that show something of an evaluation: the others were drawn with the test set."""
    without = set(training_tables(model.manifest, model.store)) | {"history"}
    names = {function.__name__ for function in study_figures(model.study)
             if set(inspect.signature(function).parameters) - without}  # fmt: skip
    yield from (picture for picture in study_pictures(model.study, tables, label) if picture.name in names)


def small_tables(tables: Tables) -> list[Table]:
    """Return the metrics, the counts of the phases, and every other table of an evaluation that is small."""
    shown = {"summary": "Metrics", "segments": "Segments by phase"}
    others = {name: name.replace("_", " ").capitalize() for name, table in tables.items()
              if name not in (*shown, "facts", "trajectories") and len(table) <= SMALL_TABLE}  # fmt: skip
    return [_as_table(title, tables[name]) for name, title in (shown | others).items() if name in tables]


def _as_table(title: str, frame: pd.DataFrame) -> Table:
    header = [str(name).replace("_", " ") for name in frame]
    return table_of(title, header, [[_plain(value) for value in row] for row in frame.itertuples(index=False)])


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one of Python, which tables round."""
    return value.item() if hasattr(value, "item") else value


def fitted_table(model: ComparedModel) -> Table:
    """Return what was fitted on the training data, such as the ranges of the states: every array that is small."""
    cuts = model.store.open(model.study.name, "segments", input_of(model.manifest, "segments"))
    rows = [[name, ", ".join(f"{value:.4g}" for value in values)]
            for name, values in fitted_numbers(read_segments(cuts)).items()]  # fmt: skip
    return table_of("Fitted on the training data", ("what", "values"), rows, "In the units that the model works in.")
