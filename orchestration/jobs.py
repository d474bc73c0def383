"""Jobs: one per study that runs everything missing of a sweep, and one per layer for the UI and single keys."""

import dagster as dg

from assets.catalogue import Catalogue
from assets.home.launches import Busy
from assets.study_assets import asset_key
from orchestration.choice import UnknownSweep, choose_file
from orchestration.resources import require_dagster_home
from orchestration.search_launch import run_file

LAYER_JOBS = ("dataset", "segments", "model", "evaluation", "leaderboard", "report", "search")


class SweepChoice(dg.Config):
    """The sweep or search that a job runs."""

    sweep: str = ""
    """`<study>/<name>` or `<name>` of a sweep or search under sweeps/; empty: the sweep with `default: true`."""


def study_jobs(study: str, catalogue: Catalogue) -> list:
    """Build all jobs of one study."""
    return [sweep_job(study, catalogue), *(layer_job(study, layer) for layer in LAYER_JOBS)]


def layer_job(study: str, layer: str):
    """Build the job that materializes chosen partitions of one layer."""
    return dg.define_asset_job(
        f"{study}_{layer}",
        selection=dg.AssetSelection.assets(asset_key(study, layer)),
        executor_def=dg.in_process_executor,
        description=f"Materialize partitions of {study}/{layer}; their inputs must be stored already.",
    )


def sweep_job(study: str, catalogue: Catalogue) -> dg.JobDefinition:
    """Build the job that runs everything missing of one sweep, in order, without a daemon."""

    @dg.op(name=f"{study}_sweep_op")  # one name per study: Dagster refuses two ops of one name
    def sweep_op(context: dg.OpExecutionContext, config: SweepChoice) -> None:
        """Run what is missing or stale of a sweep; fail at the end if a row is not ok."""
        require_dagster_home()
        try:
            sweep = choose_file(catalogue, config.sweep, study)
        except UnknownSweep as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        try:
            summary = run_file(sweep, catalogue, context.instance, context.repository_def.get_job, context.run_id)
        except (Busy, OSError) as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        context.log.info(summary.line)
        print(summary.line, flush=True)
        if summary.failed:
            raise dg.Failure(failure_text(summary.failed), allow_retries=False)

    @dg.job(name=f"{study}_sweep", executor_def=dg.in_process_executor)
    def job() -> None:
        """Run everything missing of one sweep: datasets, segments, models, evaluations, leaderboard; or a search."""
        sweep_op.alias("sweep")()

    return job


def failure_text(failed: dict[str, str], most: int = 20) -> str:
    """List failed rows, one line each."""
    lines = [f"  {key}: {text.splitlines()[0]}" for key, text in list(failed.items())[:most]]
    more = [f"  ... and {len(failed) - most} more"] if len(failed) > most else []
    return "\n".join([f"{len(failed)} rows are not ok, all others are stored:", *lines, *more])
