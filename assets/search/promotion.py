"""A trial of a search as a sweep file: the same configuration, so that nothing is trained again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.identity.labels import KEY
from assets.search.progress import SearchProgress
from assets.search.search import Search
from assets.search.trials import Trial
from assets.store.atomic import replacing
from assets.store.store import Store
from assets.sweeps.older_format import sweep_yaml
from assets.sweeps.sweep import Row
from assets.sweeps.sweep_file import load_sweep


class CannotPromote(ValueError):  # noqa: N818
    """There is no such trial, or no place for its file; one line with what to do."""


@dataclass(frozen=True)
class Promotion:
    """A sweep file that was made of a trial."""

    path: Path
    name: str
    trial: int


def promote_trial(search: Search, store: Store, number: int | None = None, name: str = "") -> Promotion:
    """Write a trial (default: the best) as a sweep beside the search.

    Raises:
        CannotPromote: no such trial, none is complete, the name is none, or another file has it.
    """
    progress = SearchProgress.of(search, store)
    trial, row = _complete_trial(progress, number)
    stem = name or f"{search.key}_best"
    if not KEY.fullmatch(stem) or re.search(r"\.\.|^\.", stem):
        raise CannotPromote(f"given the name {stem!r}; expected lower-case letters, digits, '.', '_' and '-'")
    path = search.path.with_name(f"{stem}.yaml")
    text = sweep_yaml(_tree(search, trial), _comment(progress, trial))
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise CannotPromote(f"{path} is there already and says something else; give another --name, or remove it")
    _put(path, text, row)
    return Promotion(path, f"{search.study}/{stem}", trial.number)


def _complete_trial(progress: SearchProgress, number: int | None) -> tuple[Trial, Row]:
    """Return a complete trial and its row."""
    name = progress.search.name
    if number is None and progress.best is None:
        raise CannotPromote(f"{name} has no complete trial yet; `orrery run {name}` resumes it")
    trial = progress.best if number is None else next((t for t in progress.trials if t.number == number), None)
    complete = ", ".join(str(t.number) for t in progress.trials if t.state == "complete") or "none"
    if trial is None or trial.state != "complete":
        what = "there is no such trial" if trial is None else f"it is {trial.end.get('status', 'open')}"
        raise CannotPromote(f"trial {number} of {name}: {what}; complete are: {complete}")
    return trial, progress.rows[trial.number]


def _tree(search: Search, trial: Trial) -> dict[str, Any]:
    """Return the keys of the sweep file: those of the search, its base with the values of the trial."""
    description = f"Trial {trial.number} of the search {search.name}: {search.description}".rstrip(": ")
    tree = {"study": search.study, "description": description, "tests": search.document.data.get("tests", [])}
    settings = search.space.settings(search.base, trial.values)
    return tree | {"base": {section: value for section, value in settings.items() if value}}


def _comment(progress: SearchProgress, trial: Trial) -> list[str]:
    """Return what stands above the file: where it comes from, and how to repeat it over seeds."""
    search = progress.search
    objective = f"{search.settings.objective} {trial.objective:.6g}"
    ends = ", ".join(f"{count} {status}" for status, count in progress.counts.most_common())
    origin = f"Trial {trial.number} of the search {search.name}: {objective}, {len(progress.trials)} trials ({ends})."
    return [origin, "For an interval, repeat it over seeds: vary: {model.seed: [0, 1, 2]}"]


def _put(path: Path, text: str, row: Row) -> None:
    """Put the file in its place, once it is sure that it says the configuration of the trial."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
        (copy,) = load_sweep(draft).rows
        if copy.configuration.item.hash != row.configuration.item.hash:
            raise CannotPromote(
                f"{path} would be another configuration than {row.configuration.key}; nothing is written"
            )
