"""The searches of a study as one asset, a partition per search file."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import dagster as dg

from assets import partition_page
from assets.catalogue import StudyCatalogue
from assets.engine.background import publish
from assets.engine.engine import EngineError, shared_engine
from assets.home import launches
from assets.launch import present_launch
from assets.search import search_table
from assets.search.objective import NoObjective
from assets.search.progress import SearchProgress, status_of
from assets.search.search import Search
from assets.search.search_run import SearchRun
from assets.search.search_table import LAYER
from assets.search.trials import Trial
from assets.store.store import Store
from assets.tracking.tracker import Tracker
from trainers.study import Study


def search_asset(study: Study, catalogue: StudyCatalogue) -> dg.AssetsDefinition:
    """Build the searches of a study."""
    key = dg.AssetKey([study.name, LAYER])

    @dg.asset(
        key=key,
        partitions_def=dg.StaticPartitionsDefinition(list(catalogue.searches)),
        output_required=False,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=study.name,
        kinds={"optuna"},
        description="Trials of a search: ordinary configurations in the store, proposed one after another by Optuna, "
        "judged by a validation column. A run adds trials until there are as many as the file asks for.",
        pool="orrery",
    )
    def search(context: dg.AssetExecutionContext) -> Iterator:
        for partition in context.partition_keys:
            yield from _materialize(context, key, catalogue.searches[partition])

    return search


def _materialize(
    context: dg.AssetExecutionContext, key: dg.AssetKey, search: Search
) -> Iterator[dg.AssetMaterialization]:
    """Run a search; its trials so far are on record even where it was interrupted."""
    store, complaint = present_launch().store, ""
    try:
        with _alone(search):
            _run(search, store, context.run_id)
    except (NoObjective, EngineError, launches.Busy) as error:
        complaint = str(error)
    progress = SearchProgress.of(search, store)
    if progress.trials:
        yield _event(key, progress, store)
    if complaint := complaint or reason_not_done(progress):
        raise dg.Failure(complaint, allow_retries=False)


def _alone(search: Search) -> AbstractContextManager:
    """Take the launch of a search, unless this process holds it already.

    Raises:
        Busy: another process runs this search.
    """
    return nullcontext() if launches.launched_here(search.name) else launches.launch(search.name)


def _run(search: Search, store: Store, run_id: str) -> None:
    run = SearchRun(search, store, shared_engine(), publish)
    for trial in run.run():
        _publish(trial, SearchProgress(search, tuple(run.trials.all()), run.planner))
        _track(search, trial, run_id)
    for _ in run.finish():
        pass


def _publish(trial: Trial, progress: SearchProgress) -> None:
    """Publish how a trial ended and which is the best so far."""
    objective, best = progress.search.settings.objective, progress.best
    reached = f"{objective} {trial.objective:.5g}" if trial.objective is not None else trial.end.get("detail", "")
    so_far = f"; best so far {best.objective:.5g} (trial {best.number})" if best else ""
    how = f"{status_of(trial)}{' (cached)' if trial.end.get('cached') else ''}"
    publish({"event": "trial", "text": f"trial {trial.number}: {how}, {reached}{so_far}"})


def _track(search: Search, trial: Trial, run_id: str) -> None:
    if trial.state == "complete" and (row := search.row(trial.values)[0]):
        Tracker.shared().log(row.configuration.item, (), run_id)


def reason_not_done(progress: SearchProgress) -> str:
    """Say in one line why a search is not done; nothing where it is."""
    name = progress.search.name
    if progress.open or progress.to_begin:
        counts = f"{progress.open} trials are open and {progress.to_begin} have not begun"
        return f"{name}: {counts}; `orrery run {name}` resumes it"
    if progress.best is None:
        return f"{name}: no trial is complete; `orrery table {name}` says how each ended"
    if due := progress.due():
        return f"{name}: the best trial lacks {due[0].item.layer} {due[0].item.key}: {due[0].reason}"
    return ""


def _event(key: dg.AssetKey, progress: SearchProgress, store: Store) -> dg.AssetMaterialization:
    table = search_table.write(progress, store)
    search, best = progress.search, progress.best
    metadata: dict[str, Any] = {
        "links": partition_page.search_links(search.name, table.path),
        "dagster/row_count": len(progress.trials),
        **{f"trials/{status}": count for status, count in progress.counts.items()},
        "trials": dg.MetadataValue.md(table.markdown),
        "stored in": dg.MetadataValue.path(str(table.path)),
    }
    if best is not None:
        metadata |= {"best": float(f"{best.objective:.6g}"), "best trial": best.number}
        metadata["settings"] = dg.MetadataValue.json(dict(best.values))
        metadata["use it"] = dg.MetadataValue.md(f"```\norrery promote {search.name}\n```")
    tags = {"dagster/data_version": table.version, "dagster/data_version_is_user_provided": "true"}
    return dg.AssetMaterialization(key, partition=search.key, metadata=metadata, tags=tags)
