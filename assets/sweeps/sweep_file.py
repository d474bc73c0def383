"""Read a sweep file: YAML -> settings -> validated configurations -> items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import trainers
from assets.identity.canonical import Item
from assets.identity.items import evaluation_item
from assets.identity.paths import EACH, Place, dotted, get, put
from assets.identity.text import value_text
from assets.sweeps.axes import Axis, Combination, combinations, read_axes, read_exclusions, where
from assets.sweeps.configurations import VALIDATION, Configurations, Locate
from assets.sweeps.keys import with_keys
from assets.sweeps.older_format import NOTHING, Additions, is_older, translate
from assets.sweeps.published import TRAIN, Published
from assets.sweeps.published import findings as published_findings
from assets.sweeps.questions import Question
from assets.sweeps.questions import findings as question_findings
from assets.sweeps.seeds import Seeds, seed_axis
from assets.sweeps.sweep import Row, Sweep
from assets.sweeps.validate import InvalidError, validate
from assets.sweeps.yaml_loader import Document, SweepError, one_line, read_document
from trainers.common.names import nearest
from trainers.study import Config, ModelConfigBase, Study

TEST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

SEARCH = "search"


class SweepFile(Config):
    """The keys of a sweep file."""

    study: str
    """Study that the sweep belongs to."""
    description: str = ""
    """The question that the sweep answers."""
    tests: tuple[str | dict[str, Any], ...] = ()
    """Test sets: names of presets, {name: dataset}, or `train`: the training dataset of each row."""
    base: dict[str, Any] = {}
    """Settings of every configuration: dataset and model. A list is a value."""
    vary: dict[str, Any] = {}
    """Axes: {path: [values]} or {name: {variant: settings}}."""
    seeds: Seeds | None = None
    """Seeds 0, 1, ... of every setting, as many as its ranks need; in place of an axis of seeds."""
    exclude: tuple[dict[str, Any], ...] = ()
    """Combinations to leave out: {axis: value or list of values}."""
    schedule: str | None = None
    """Cron line."""
    timezone: str | None = None
    """Time zone of the schedule."""
    published: Published | None = None
    """Published numbers to compare with."""
    questions: tuple[Question, ...] = ()
    """Planned comparisons that the sweep answers."""
    default: bool = False
    """Whether the study's job runs this sweep when none is chosen."""


def load_sweep(path: Path, root: Path | None = None, additions: Additions = NOTHING) -> Sweep:
    """Read and validate one sweep file, at any path; `additions` complete a file of the older format.

    Raises:
        SweepError: with one line for everything that is wrong: file, line, key, what was given, what was expected.
    """
    path = Path(path)
    document = read_document(path, shown_name(path, root))
    if is_search(document):
        raise SweepError([document.problem((SEARCH,), "this file is a search; expected a sweep")])
    if additions.given and not is_older(document):
        text = f"is in the present form; {' and '.join(f'--{name}' for name in additions.given)} are for older files"
        raise SweepError([document.problem((), text)])
    (sweep,) = with_keys([Reading(document, path, additions).sweep()])
    return sweep


def is_search(document: Document) -> bool:
    """Whether a file is a search: it has the key `search` in the place of `vary`."""
    return SEARCH in document.data


def shown_name(path: Path, root: Path | None) -> str:
    """Return the name that problems show: relative to the project, where the file lies inside."""
    inside = root is not None and path.is_relative_to(root)
    return str(path.relative_to(root.parent)) if inside and root is not None else str(path)


class Reading:
    """One sweep file while it is read; every step adds to `problems`."""

    kind: type[Config] = SweepFile

    def __init__(self, document: Document, path: Path, additions: Additions = NOTHING) -> None:
        self.document = document
        self.path = path
        self.additions = additions
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.axes: tuple[Axis, ...] = ()
        self.base: Mapping[str, Any] = {}

    def sweep(self) -> Sweep:
        """Return the sweep, or raise with all problems."""
        self._translate_older()
        self._refuse_duplicates()
        self.file = self._file()
        self.study = self._study()
        self.configurations = Configurations(self.study, self.document, self.problems)
        tests = self._tests()
        rows = self._rows(tests)
        self._check_schedule()
        self._check_comparisons(tests)
        self._stop()
        if not tests:
            self.warnings.append(self.document.problem(("tests",), "no test set; nothing will be evaluated", "tests"))
        return Sweep(
            name=f"{self.study.name}/{self.path.stem}",
            path=self.path,
            study=self.study.name,
            tests=tests,
            rows=rows,
            axes=tuple(axis.name for axis in self.axes),
            warnings=tuple(self.warnings),
            seeds=self.file.seeds,
            published=self.file.published,
            questions=self.file.questions,
            **self.file.model_dump(include={"description", "schedule", "timezone", "default"}),
        )

    def _stop(self) -> None:
        if self.problems:
            raise SweepError(sorted(dict.fromkeys(self.problems), key=self.document.line_of))

    def _translate_older(self) -> None:
        if is_older(self.document):
            translation = translate(self.document, self.path, self.additions)
            self.document = translation.document
            self.warnings += [*translation.warnings, *(self.document.problem((), d, "") for d in translation.decisions)]

    def _refuse_duplicates(self) -> None:
        for duplicate in self.document.duplicates:
            text = f"given twice, first in line {duplicate.first}; expected once; remove one"
            name, key = self.document.name, dotted(duplicate.place)
            self.problems.append(one_line(f"{name}:{duplicate.second}: {key}: {text}"))

    def _file(self) -> Any:
        try:
            return validate(self.kind, self.document.data)
        except InvalidError as error:
            self.problems += [self.document.problem(place, text) for place, text in error.findings]
            self._stop()
            raise

    def _study(self) -> Study:
        name = self.file.study
        if name not in trainers.STUDIES:
            choices = ", ".join(nearest(name, trainers.STUDIES))
            problem = trainers.STUDY_PROBLEMS.get(name) or trainers.STUDY_PROBLEMS.get("")
            text = problem or f"unknown study {name!r}; nearest: {choices}"
            self.problems.append(self.document.problem(("study",), text))
            self._stop()
        for section in self.file.base:
            if section not in ("dataset", "model"):
                choices = ", ".join(nearest(section, ("dataset", "model")))
                self.problems.append(
                    self.document.problem(("base", section), f"unknown key {section!r}; nearest: {choices}")
                )
        return trainers.STUDIES[name]

    def _tests(self) -> dict[str, Item | None]:
        tests: dict[str, Item | None] = {}
        for number, entry in enumerate(self.file.tests):
            place: Place = ("tests", number)
            if entry == TRAIN and TRAIN not in tests:
                tests[TRAIN] = None
                continue
            if isinstance(entry, str):
                name, settings = entry, entry
            elif len(entry) == 1:
                name, settings = next(iter(entry.items()))
                place = (*place, name)
            else:
                text = f"given {len(entry)} keys; expected one name of a test set with its dataset below it"
                self.problems.append(self.document.problem(place, text))
                continue
            dataset = self.configurations.dataset(settings, _below(place))
            if not TEST_NAME.fullmatch(name) or name in tests or name == TRAIN:
                expected = "a name that no other test set has, not `train`, of letters, digits, '.', '_', '-'"
                self.problems.append(self.document.problem(place, f"given the name {name!r}; expected {expected}"))
            elif dataset:
                tests[name] = dataset[1]
        return tests

    def _rows(self, tests: Mapping[str, Item | None]) -> tuple[Row, ...]:
        before = len(self.problems)
        axes = self.axes = read_axes(self.document, self._vary(), self.problems)
        rules = read_exclusions(self.document, self.file.exclude, axes, self.problems)
        self.base = self._base(path for axis in axes for change in axis.changes for path, _ in change)
        if len(self.problems) > before:
            return ()
        configurations, rows = self.configurations, dict[str, Row]()
        for combination in combinations(self.document, self.base, axes, rules, self.problems):
            configuration = configurations.configuration(combination.settings, self._locate(combination))
            if configuration is None:
                continue
            values = {axis.name: axis.names[index] for axis, index in zip(axes, combination.indices, strict=True)}
            item = configuration.item
            if item.hash in rows:
                same = f"{values} is the same configuration as {dict(rows[item.hash].axes)}; it has one row"
                self.warnings.append(self.document.problem(("vary",), same))
                continue
            evaluations = tuple(evaluation_item(item, name, test or item.dataset) for name, test in tests.items())
            rows[item.hash] = Row(configuration, values, evaluations)
        self._refuse_two_headlines([row.configuration.model for row in rows.values()])
        return tuple(rows.values())

    def _refuse_two_headlines(self, models: Sequence[ModelConfigBase]) -> None:
        """Refuse models that different metrics rank: no leaderboard could hold both."""
        headlines = list(dict.fromkeys(self.study.of(model).headline[0] for model in models))
        if len(headlines) > 1:
            text = f"some models are ranked by {headlines[0]}, others by {headlines[1]}; write a sweep for each"
            self.problems.append(self.document.problem(("vary",), text))

    def _vary(self) -> Mapping[str, Any]:
        """Return the axes as written, and that of the seeds."""
        if self.file.seeds is None:
            return self.file.vary
        seed_axes = [name for name in self.file.vary if name.rsplit(".", 1)[-1] == "seed"]
        for name in seed_axes:
            text = "given with `seeds`, which makes the axis of seeds itself; expected one of the two"
            self.problems.append(self.document.problem(("vary", name), text))
        return {name: value for name, value in self.file.vary.items() if name not in seed_axes} | seed_axis(
            self.file.seeds
        )

    def _base(self, paths: Iterable[Place]) -> Mapping[str, Any]:
        """Return the base with the default of every list into which a path reaches."""
        base = _with_preset({"dataset": {}, "model": {}} | self.file.base)
        for path in dict.fromkeys(paths):
            base = _with_default_list(self.study, base, path)
        return base

    def _locate(self, combination: Combination) -> Locate:
        def place(setting: Place) -> Place:
            return where(self.document, self.axes, combination.indices, setting) or ("base", *setting)

        return place

    def _check_schedule(self) -> None:
        if self.file.timezone is not None:
            from zoneinfo import available_timezones

            zone, zones = self.file.timezone, available_timezones()
            if zone not in zones:
                text = f"unknown time zone {zone!r}; nearest: {', '.join(nearest(zone, zones))}"
                self.problems.append(self.document.problem(("timezone",), text))
        if self.file.schedule is not None and not _is_cron(self.file.schedule):
            text = f"given {self.file.schedule!r}; expected a cron line of five fields such as '0 2 * * *'"
            self.problems.append(self.document.problem(("schedule",), text))

    def _check_comparisons(self, tests: Mapping[str, Item | None]) -> None:
        """Check that published numbers and questions name axes, values and test sets of this sweep."""
        axes = {axis.name: [value_text(name) for name in axis.names] for axis in self.axes}
        findings = [(("questions", *place), text) for place, text in question_findings(self.file.questions, axes)]
        if self.file.published is not None:
            named = published_findings(self.file.published, axes, list(tests))
            findings += [(("published", *place), text) for place, text in named]
        self.problems += [self.document.problem(place, text) for place, text in findings]


def _is_cron(text: str) -> bool:
    """Whether the scheduler itself accepts a cron line."""
    from dagster import DagsterInvalidDefinitionError, ScheduleDefinition

    try:
        return bool(ScheduleDefinition(name="check", job_name="check", cron_schedule=text))
    except DagsterInvalidDefinitionError:
        return False


def _below(place: Place) -> Locate:
    return lambda inner: (*place, *inner)


def _with_default_list(study: Study, base: Mapping[str, Any], path: Place) -> Mapping[str, Any]:
    kinds = {"dataset": study.dataset, "model": study.model}
    for depth, part in enumerate(path):
        above = path[:depth]
        if (part == EACH or isinstance(part, int)) and depth == 2 and get(base, above) is None:
            field = kinds[str(path[0])].model_fields.get(str(path[1]))
            if field is not None and not field.is_required():
                default = kinds[str(path[0])].model_construct().model_dump(mode="json")[str(path[1])]
                return put(base, above, default)
    return base


def _with_preset(base: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let axes reach into the datasets that the base gives by name, for training and for validation."""
    for path in (("dataset",), VALIDATION):
        name = get(base, path)
        base = put(base, path, {"preset": name}) if isinstance(name, str) else base
    return base
