"""The trials of a search as Optuna keeps them: `<home>/searches/<study>/<search>.db`.

The study in that file is named by the fingerprint of the search, so that another space, another seed or another code
begins anew. Every proposal has a sampler of its own, seeded by the search's seed and the number of the trial: trial n
depends only on these and on the results of the trials before it, however often the search was interrupted.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assets.search.search import Search
from assets.search.space import Leaf, Options
from assets.stages.freshness import Planner
from assets.stages.pruning import Curve, direction_of
from assets.store.store import Store, home

if TYPE_CHECKING:
    import optuna

END_ATTRIBUTE = "orrery"
"""User attribute with the pipeline's record of a trial that has ended."""

PATIENCE_SECONDS = 60.0
"""How long a lock of the database is waited for."""

State = Literal["open", "complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """A trial as it stands."""

    number: int
    state: State
    values: Mapping[str, Any]
    """Value of each dimension of the space; empty where the process ended while they were drawn."""
    draws: Mapping[str, Any] = field(repr=False)
    """What the sampler drew, by the names of the leaves."""
    objective: float | None = None
    curve: Curve = field(default_factory=dict, repr=False)
    end: Mapping[str, Any] = field(default_factory=dict)
    """status, detail, hash, key, step, seconds, cached: the pipeline's record of its end."""


def database(search: Search) -> Path:
    """Return where the trials of a search are kept."""
    return home() / "searches" / search.study / f"{search.key}.db"


def trials_of(search: Search, planner: Planner | None = None) -> list[Trial]:
    """Return the trials that there are, by number; none, and no database, before the search has begun."""
    path = database(search)
    if not path.exists():
        return []
    return Trials(search, planner or Planner(Store()), create=False).all()


class Trials:
    """The trials of one search, open for more."""

    def __init__(self, search: Search, planner: Planner, create: bool = True) -> None:
        self.search = search
        self._study = _study(search, search.fingerprint(planner), create)

    def all(self) -> list[Trial]:
        """Return every trial, by number."""
        if self._study is None:
            return []
        return [self._trial(frozen) for frozen in self._study.get_trials(deepcopy=False)]

    def begin(self) -> Trial:
        """Let the sampler propose one more trial."""
        self._begun_study.sampler = self._sampler(len(self._begun_study.get_trials(deepcopy=False)))
        return self._draw(self._begun_study.ask())

    def resume(self, trial: Trial) -> Trial:
        """Return an open trial with all its values; those that an interrupted draw lacks are drawn now."""
        self._begun_study.sampler = self._sampler(trial.number)
        return self._draw(self._handle(trial))

    def complete(self, trial: Trial, objective: float, curve: Curve, end: Mapping[str, Any]) -> Trial:
        """Record the objective of a trial that was trained to its end."""
        return self._end(trial, curve, end, objective)

    def prune(self, trial: Trial, curve: Curve, end: Mapping[str, Any]) -> Trial:
        """Record that a trial was pruned, with its values up to then."""
        return self._end(trial, curve, end, None, "PRUNED")

    def fail(self, trial: Trial, end: Mapping[str, Any]) -> Trial:
        """Record that a trial has no objective."""
        return self._end(trial, {}, end, None, "FAIL")

    @property
    def _begun_study(self) -> optuna.Study:
        assert self._study is not None
        return self._study

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        import numpy as np
        from optuna.samplers import RandomSampler, TPESampler

        settings, seed = self.search.settings.sampler, self.search.settings.seed
        trial_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        if settings.kind == "random":
            return RandomSampler(seed=trial_seed)
        return TPESampler(n_startup_trials=settings.startup_trials, seed=trial_seed)

    def _handle(self, trial: Trial) -> optuna.Trial:
        import optuna

        frozen = self._begun_study.get_trials(deepcopy=False)[trial.number]
        return optuna.Trial(self._begun_study, frozen._trial_id)

    def _draw(self, handle: optuna.Trial) -> Trial:
        values = self.search.space.draw(lambda name, leaf: _suggest(handle, name, leaf))
        return Trial(handle.number, "open", values, dict(handle.params))

    def _end(
        self, trial: Trial, curve: Curve, end: Mapping[str, Any], objective: float | None, state: str = "COMPLETE"
    ) -> Trial:
        import optuna

        handle = self._handle(trial)
        for part, value in curve.items():
            handle.report(value, part)
        handle.set_user_attr(END_ATTRIBUTE, dict(end))
        return self._trial(self._begun_study.tell(handle, objective, optuna.trial.TrialState[state]))

    def _trial(self, frozen: optuna.trial.FrozenTrial) -> Trial:
        states: dict[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
        state = states.get(frozen.state.name, "open")
        try:
            values = self.search.space.draw(lambda name, leaf: frozen.params[name])
        except KeyError:  # the process ended while it was drawn
            values = {}
        objective = float(frozen.value) if state == "complete" and frozen.value is not None else None
        end = frozen.user_attrs.get(END_ATTRIBUTE, {})
        return Trial(frozen.number, state, values, frozen.params, objective, frozen.intermediate_values, end)


def study_of(search: Search, planner: Planner) -> optuna.Study | None:
    """Return Optuna's study of a search that has begun, for its own analyses such as importances."""
    return _study(search, search.fingerprint(planner), create=False) if database(search).exists() else None


def _study(search: Search, fingerprint: str, create: bool) -> optuna.Study | None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = database(search)
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.RDBStorage(
        f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": PATIENCE_SECONDS}}
    )
    name = fingerprint[:12]
    direction = direction_of(search.settings.maximise)
    if create:
        return optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True)
    if name not in optuna.get_all_study_names(storage):
        return None
    return optuna.load_study(storage=storage, study_name=name)


def _suggest(handle: optuna.Trial, name: str, leaf: Leaf) -> Any:
    """Let Optuna draw one number or label."""
    if isinstance(leaf, Options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return handle.suggest_categorical(name, leaf.labels)
    if leaf.whole:
        return handle.suggest_int(name, int(leaf.low), int(leaf.high), step=leaf.step, log=leaf.log)
    return handle.suggest_float(name, leaf.low, leaf.high, log=leaf.log)
