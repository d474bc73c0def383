"""Run a search as one Dagster run, or a file that holds a sweep or a search."""

import time
from dataclasses import dataclass

import dagster as dg

from assets.catalogue import Catalogue
from assets.engine.engine import shared_engine
from assets.launch import present_launch
from assets.search.progress import SearchProgress
from assets.search.search import Search
from assets.search.search_table import LAYER, answer
from assets.search_assets import reason_not_done
from assets.study_assets import asset_key
from assets.sweeps.sweep import Sweep
from assets.sweeps.yaml_loader import one_line
from orchestration.launch.launch import own_launch
from orchestration.sweep_run import QUIET, JobByName, Summary, run_sweep


@dataclass(frozen=True)
class SearchSummary:
    """What a run of a search did."""

    search: str
    trials: int
    """Trials that ended in this run."""
    answer: str
    failed: dict[str, str]
    """Why the search is not done, by its name; empty where it is."""
    seconds: float

    @property
    def line(self) -> str:
        """Say it in one line."""
        return f"orrery: search {self.search}: {self.trials} trials in this run. {self.answer}"


def run_file(
    file: Sweep | Search, catalogue: Catalogue, instance: dg.DagsterInstance, job: JobByName, parent: str = ""
) -> Summary | SearchSummary:
    """Run what is missing of a sweep or search; see `run_sweep` and `run_search`."""
    if isinstance(file, Search):
        return run_search(file, instance, job, parent)
    return run_sweep(file, catalogue, instance, job, parent)


def run_search(search: Search, instance: dg.DagsterInstance, job: JobByName, parent: str = "") -> SearchSummary:
    """Begin or resume a search, until it has as many trials as its file asks for.

    Raises:
        Busy, StoreError, Locked: see `own_launch`.
    """
    with own_launch(search.name, instance, parent) as tags:
        return _run(search, instance, job, tags | {"dagster/partition": search.key})


def _run(search: Search, instance: dg.DagsterInstance, job: JobByName, tags: dict[str, str]) -> SearchSummary:
    started, engine = time.monotonic(), shared_engine()
    engine.interrupted = False
    progress, complaint = SearchProgress.of(search, present_launch().store), ""
    before = len(ended_trials(progress))
    if not progress.done or search.key not in instance.get_materialized_partitions(asset_key(search.study, LAYER)):
        result = job(f"{search.study}_{LAYER}").execute_in_process(
            instance=instance, tags=tags, run_config=QUIET, raise_on_error=False
        )
        progress, complaint = (
            SearchProgress.of(search, present_launch().store),
            "" if result.success else _failure(result),
        )
    complaint = complaint or reason_not_done(progress)
    return SearchSummary(
        search.name,
        trials=len(ended_trials(progress)) - before,
        answer=answer(progress),
        failed={search.name: complaint} if complaint else {},
        seconds=time.monotonic() - started,
    )


def ended_trials(progress: SearchProgress) -> list[int]:
    """Return the numbers of the trials that have ended."""
    return [trial.number for trial in progress.trials if trial.state != "open"]


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """Return the message of the step that failed."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            error = data.error
            while error and error.cause:
                error = error.cause
            return one_line(error.message) if error else ""
    return ""
