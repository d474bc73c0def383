"""Run a search: trials on the workers of sweeps, the next one as soon as a worker is free."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from assets.engine.engine import Engine
from assets.identity.canonical import Item
from assets.search.objective import NoObjective, objective_and_curve
from assets.search.progress import SearchProgress
from assets.search.search import Search
from assets.search.trials import Trial, Trials
from assets.stages.freshness import Planner, Verdict
from assets.stages.pruning import Pruning
from assets.stages.tasks import Outcome, Task
from assets.store.store import Store
from assets.sweeps.sweep import Row

OPEN = ("interrupted", "disk_full")
"""Ends after which a trial stays open: the next run resumes it."""


@dataclass(frozen=True)
class RunningTrial:
    """A trial that is under way."""

    trial: Trial
    row: Row
    cached: bool
    """Whether its model was stored before."""


class SearchRun:
    """One run of a search, until there are as many trials as it asks for."""

    def __init__(self, search: Search, store: Store, engine: Engine, listener: Callable[[dict], None]) -> None:
        self.search = search
        self.store = store
        self.engine = engine
        self.listener = listener
        self.planner = Planner(store)
        self.trials = Trials(search, self.planner)
        trials_so_far = self.trials.all()
        self.open_trials = [trial for trial in trials_so_far if trial.state == "open"]
        self.count = len(trials_so_far)
        self.curves = [trial.curve for trial in trials_so_far if trial.state == "complete" and trial.curve]
        self.waiting: dict[str, list[RunningTrial]] = {}
        """Trials that wait for an artifact in the making, by its hash."""
        self.tasks: list[Task] = []
        self.ended_trials: list[Trial] = []
        self.halted = False

    def run(self) -> Iterator[Trial]:
        """Resume open trials, begin new ones, and yield each when it has ended.

        Raises:
            NoObjective: the study measures no such column.
        """
        self._fill()
        yield from self._drain()
        with closing(self.engine.run(self._take_tasks(), self.listener, self.engine.train_until)) as outcomes:
            for outcome in outcomes:
                self._follow(outcome)
                self._fill()
                for task in self._take_tasks():
                    self.engine.add(task)
                yield from self._drain()

    def finish(self) -> Iterator[Outcome]:
        """Once all trials have ended, evaluate the best one on the test sets; yield the outcomes.

        Its model is made anew where it was deleted.
        """
        progress = SearchProgress.of(self.search, self.store)
        while not progress.to_begin and not progress.open and self._may_begin:
            verdicts = progress.due()
            ready = [v for v in verdicts if not any(one.item in v.item.inputs for one in verdicts)]
            tasks = [Task(verdict.item, verdict.fingerprint) for verdict in ready]
            outcomes = list(self.engine.run(tasks, self.listener, self.engine.train_until)) if tasks else []
            yield from outcomes
            if not outcomes or any(outcome.status != "ok" for outcome in outcomes):
                break

    def _take_tasks(self) -> list[Task]:
        tasks, self.tasks = self.tasks, []
        return tasks

    def _drain(self) -> Iterator[Trial]:
        while self.ended_trials:
            yield self.ended_trials.pop(0)

    def _fill(self) -> None:
        """Begin or resume trials until there are as many as CPUs."""
        while len(self._under_way) < len(self.engine.cpus) and self._may_begin:
            if self.open_trials:
                trial = self.trials.resume(self.open_trials.pop(0))
            elif self.count < self.search.settings.trials:
                self.count += 1
                trial = self.trials.begin()
            else:
                break
            self._begin(trial)

    @property
    def _under_way(self) -> set[int]:
        return {running.trial.number for waiting in self.waiting.values() for running in waiting}

    @property
    def _may_begin(self) -> bool:
        until = self.engine.train_until
        return not self.halted and not self.engine.interrupted and (until is None or time.monotonic() < until)

    def _begin(self, trial: Trial) -> None:
        row, refusal = self.search.row(trial.values)
        if row is None:
            self.ended_trials.append(self.trials.fail(trial, {"status": "failed", "detail": refusal}))
            return
        self.planner.refresh()
        cached = self.planner.verdict(row.configuration.item).state in ("fresh", "settled")
        self._advance(RunningTrial(trial, row, cached))

    def _advance(self, running: RunningTrial) -> None:
        """Make the next input of a trial or its model, or record how the trial ended."""
        model = running.row.configuration.item
        self.planner.refresh()
        for item in (*model.upstream(), model):
            verdict = self.planner.verdict(item)
            if verdict.due:
                return self._make(verdict, running)
            if verdict.state != "fresh":
                return self._fail(running, item)
        self._complete(running)

    def _make(self, verdict: Verdict, running: RunningTrial) -> None:
        """Ask for an artifact, unless another trial waits for it already."""
        item = verdict.item
        if item.hash not in self.waiting:
            self.tasks.append(Task(item, verdict.fingerprint, self._pruning if item.layer == "model" else None))
        self.waiting.setdefault(item.hash, []).append(running)

    @property
    def _pruning(self) -> Pruning | None:
        pruner, settings = self.search.settings.pruner, self.search.settings
        if pruner is None:
            return None
        return Pruning(settings.objective, settings.maximise, **pruner.model_dump(), curves=tuple(self.curves))

    def _follow(self, outcome: Outcome) -> None:
        """Advance every trial that waited for what has ended."""
        for running in self.waiting.pop(outcome.item.hash, ()):
            if outcome.status == "ok":
                self._advance(running)
            elif outcome.status == "pruned":
                self._prune(running, outcome)
            elif outcome.status not in OPEN:
                self._fail(running, outcome.item)
            self.halted |= outcome.status == "disk_full"

    def _complete(self, running: RunningTrial) -> None:
        item = running.row.configuration.item
        objective, curve = objective_and_curve(self.search, self.store, item.address)
        if objective is None:
            self._require_validation(item)
            record = self._record(running, item, "failed") | {
                "detail": "nothing was measured in the validation of its end"
            }
            self.ended_trials.append(self.trials.fail(running.trial, record))
            return
        self.curves += [curve] if curve else []
        record = self._record(running, item, "ok")
        self.ended_trials.append(self.trials.complete(running.trial, objective, curve, record))

    def _require_validation(self, model: Item) -> None:
        """End a search whose trainings validate on nothing: every further one would be in vain.

        Raises:
            NoObjective: the segments of the model hold none for validation.
        """
        if not self.store.manifest_or_missing(*model.segments.address)["numbers"].get("validation_segments", 1):
            raise NoObjective(
                f"nothing validates in {model.key}, whose segments have none for validation, so that no trial can have "
                "an objective; hold out more with model.train_fraction, or name model.validation"
            )

    def _prune(self, running: RunningTrial, outcome: Outcome) -> None:
        _, curve = objective_and_curve(self.search, self.store, outcome.item.address)
        reached = {part: value for part, value in curve.items() if part <= _share(self.store, outcome)}
        self.ended_trials.append(
            self.trials.prune(running.trial, reached, self._record(running, outcome.item, "pruned"))
        )

    def _fail(self, running: RunningTrial, item: Item) -> None:
        manifest = self.store.manifest(*item.address)
        record = self._record(running, item, manifest["status"] if manifest else "failed")
        self.ended_trials.append(self.trials.fail(running.trial, record))

    def _record(self, running: RunningTrial, item: Item, status: str) -> dict[str, Any]:
        """Return the pipeline's record of the end of a trial."""
        model = running.row.configuration.item
        manifest = self.store.manifest_or_missing(*item.address)
        failure = manifest["failure"]
        numbers = {"step": failure["step"] if failure else manifest["numbers"].get("steps")}
        seconds = manifest["timings"].get("train")
        detail = failure["detail"] if failure and status != "ok" else ""
        record = {"status": status, "detail": detail, "key": model.key, "hash": model.hash, "cached": running.cached}
        return record | numbers | {"seconds": seconds}


def _share(store: Store, outcome: Outcome) -> float:
    """Return which part of its training a pruned trial had done [%]."""
    total = store.manifest_or_missing(*outcome.item.address)["total_steps"] or outcome.place.step
    return 100 * outcome.place.step / max(1, total)
