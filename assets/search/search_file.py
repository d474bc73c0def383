"""Read a search file: YAML -> settings -> a space whose ends are validated configurations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assets.identity.paths import Place, covers
from assets.search.search import Search, SearchSettings
from assets.search.space import Dimension
from assets.search.space_file import read_space
from assets.sweeps.axes import sets
from assets.sweeps.configurations import Configurations
from assets.sweeps.keys import with_keys
from assets.sweeps.sweep import Configuration, Sweep
from assets.sweeps.sweep_file import SEARCH, Reading, is_search, shown_name
from assets.sweeps.yaml_loader import read_document
from trainers.common.names import nearest
from trainers.study import Config

VALIDATION = "validation_"
"""Prefix of the columns that are measured on validation trajectories."""

SPACE: Place = (SEARCH, "space")


class SearchFile(Config):
    """The keys of a search file."""

    study: str
    """Study that the search belongs to."""
    description: str = ""
    """The question that the search answers."""
    tests: tuple[str | dict[str, Any], ...] = ()
    """Test sets of the best trial: names of presets, {name: dataset}, or `train`."""
    base: dict[str, Any] = {}
    """Settings of every trial: dataset and model. A list is a value."""
    search: SearchSettings
    """Objective, space, sampler and pruner."""


class SearchReading(Reading):
    """One search file while it is read."""

    kind = SearchFile

    def search(self) -> Search:
        """Return the search, or raise with all problems."""
        self._refuse_duplicates()
        self._refuse_axes()
        self.file: SearchFile = self._file()
        self.study = self._study()
        self.configurations = Configurations(self.study, self.document, self.problems)
        tests = self._tests()
        self._check_objective()
        before = len(self.problems)
        self.space = read_space(self.document, self.file.search.space, SPACE, self.problems)
        self.base = self._base(dimension.path for dimension in self.space.dimensions if dimension.path)
        corners = self._corners() if len(self.problems) == before else ()
        self._check_validation(corners)
        self._stop()
        return Search(
            name=f"{self.study.name}/{self.path.stem}",
            study=self.study.name,
            path=self.path,
            description=self.file.description,
            tests=tests,
            base=self.base,
            settings=self.file.search,
            space=self.space,
            corners=corners,
            document=self.document,
            warnings=tuple(self.warnings),
        )

    def _refuse_axes(self) -> None:
        """Refuse the keys of a sweep: a file lists its settings, or searches for them."""
        for key in ("vary", "exclude"):
            if key in self.document.data:
                text = "given beside search; expected one of the two: write the sweep into a file of its own"
                self.problems.append(self.document.problem((key,), text))
        self._stop()

    def _check_objective(self) -> None:
        objective = self.file.search.objective
        if objective.startswith(VALIDATION) and objective != VALIDATION:
            return
        what = ", a metric of test sets, which a search must not see" if objective in self.study.headline else ""
        text = f"given {objective!r}{what}; expected a validation column of the history, such as validation_loss"
        self.problems.append(self.document.problem((SEARCH, "objective"), text))

    def _check_validation(self, corners: Sequence[Configuration]) -> None:
        """Refuse a search in which nothing validates, or whose objective is no column that its models measure."""
        models = [corner.model for corner in corners]
        if any(not model.validates() for model in models):
            text = (
                "the objective is a validation column, but nothing validates: all training trajectories train; set "
                "model.train_fraction below 1, such as 0.8, or name model.validation"
            )
            self.problems.append(self.document.problem((SEARCH, "objective"), text))
        columns = [VALIDATION + name for name in dict.fromkeys(n for m in models for n in m.validation_columns())]
        objective = self.file.search.objective
        if columns and objective.startswith(VALIDATION) and objective not in columns:
            text = f"given {objective!r}, which no model measures; nearest: {', '.join(nearest(objective, columns))}"
            self.problems.append(self.document.problem((SEARCH, "objective"), text))

    def _corners(self) -> tuple[Configuration, ...]:
        """Return the configurations at the ends of the space.

        A value that is refused by itself is a problem, a combination that the model refuses is a warning.
        """
        corners, conflicts = [], []
        for values in self.space.corners():
            configurations = Configurations(self.study, self.document, [])
            try:
                corner = configurations.configuration(self.space.settings(self.base, values), self._place)
            except LookupError as error:
                self.problems.append(self.document.problem(SPACE, str(error.args[0])))
                continue
            lines = list(zip(configurations.refused, configurations.problems, strict=True))
            self.problems += [line for (place, _), line in lines if len(place) > 1]
            conflicts += [text for (place, text), _ in lines if len(place) == 1]
            corners += [corner] if corner else []
        self._report_conflicts(dict.fromkeys(conflicts), bool(corners))
        return tuple({corner.item.hash: corner for corner in corners}.values())

    def _report_conflicts(self, conflicts: dict[str, None], some: bool) -> None:
        for text in conflicts:
            if some:
                warning = f"some combinations are refused and will be failed trials: {text}"
                self.warnings.append(self.document.problem(SPACE, warning))
            else:
                self.problems.append(self.document.problem(SPACE, text))

    def _place(self, setting: Place) -> Place:
        """Return where in the file a setting of a trial stands."""
        for dimension in reversed(self.space.dimensions):
            if _makes(dimension, setting):
                return (*SPACE, dimension.name)
        return ("base", *setting)


def _makes(dimension: Dimension, setting: Place) -> bool:
    if dimension.path:
        return covers(dimension.path, setting)
    changes = (one for change in dimension.changes.values() for one in change)
    return any(covers(path, setting) and sets(value, setting[len(path) :]) for path, value in changes)


def load(path: Path, root: Path | None = None, keys: bool = True) -> Sweep | Search:
    """Read and validate one file, a sweep or a search, at any path; `keys=False` leaves the keys to a catalogue.

    Raises:
        SweepError: with one line for everything that is wrong.
    """
    path = Path(path)
    document = read_document(path, shown_name(path, root))
    if is_search(document):
        return SearchReading(document, path).search()
    sweep = Reading(document, path).sweep()
    return with_keys([sweep])[0] if keys else sweep
