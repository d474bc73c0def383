"""The two assets of a whole sweep, partitioned by sweep: its leaderboard, and the report that shows it."""

from collections.abc import Callable, Iterator

import dagster as dg

from assets import partition_page
from assets.catalogue import StudyCatalogue
from assets.checks import check_disk, disk_spec
from assets.launch import Launch, present_launch
from assets.report import stored_leaderboard
from assets.sweeps.sweep import Sweep
from trainers.study import Study


def leaderboard_asset(study: Study, catalogue: StudyCatalogue) -> dg.AssetsDefinition:
    """Build the leaderboard of a study's sweeps."""
    mapping = dg.StaticPartitionMapping(catalogue.sweeps_by_model)
    upstream = dg.AssetDep(dg.AssetKey([study.name, "evaluation"]), partition_mapping=mapping)
    description = "One row per setting of a sweep and test set: rank, mean over seeds with interval, failed ones last."
    return _asset(study, "leaderboard", catalogue, upstream, description, _leaderboard_metadata, checked=True)


def report_asset(study: Study, catalogue: StudyCatalogue) -> dg.AssetsDefinition:
    """Build the report of a study's sweeps."""
    upstream = dg.AssetDep(dg.AssetKey([study.name, "leaderboard"]))
    description = "One page per sweep that opens offline, and the same as Markdown with pictures beside it."
    return _asset(study, "report", catalogue, upstream, description, _report_metadata)


def _asset(
    study: Study,
    name: str,
    catalogue: StudyCatalogue,
    upstream: dg.AssetDep,
    description: str,
    describe: Callable[[Launch, Sweep], tuple[str, dict]],
    checked: bool = False,
) -> dg.AssetsDefinition:
    key = dg.AssetKey([study.name, name])

    @dg.asset(
        key=key,
        partitions_def=dg.StaticPartitionsDefinition(list(catalogue.sweeps)),
        deps=[upstream],
        output_required=False,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=study.name,
        kinds={"parquet" if name == "leaderboard" else "html"},
        description=description,
        check_specs=[disk_spec(key)] if checked else None,
    )
    def sweep_asset(context: dg.AssetExecutionContext) -> Iterator:
        launch = present_launch()
        for partition in context.partition_keys:
            yield _event(key, partition, *describe(launch, catalogue.sweeps[partition]))
        if checked:
            yield check_disk(key, catalogue.sweeps[context.partition_keys[-1]], launch.store)

    return sweep_asset


def _event(key: dg.AssetKey, partition: str, version: str, metadata: dict) -> dg.AssetMaterialization:
    tags = {"dagster/data_version": version[:16], "dagster/data_version_is_user_provided": "true"}
    return dg.AssetMaterialization(key, partition=partition, metadata=metadata, tags=tags)


def _leaderboard_metadata(launch: Launch, sweep: Sweep) -> tuple[str, dict]:
    board = stored_leaderboard.write(launch.experiment(sweep))
    return board.version, {
        "links": partition_page.sweep_links(sweep.name, board.path),
        "dagster/row_count": len(board.rows),
        "leaderboard": dg.MetadataValue.md(board.markdown),
        "failed": board.failed,
        "stored in": dg.MetadataValue.path(str(board.path)),
    }


def _report_metadata(launch: Launch, sweep: Sweep) -> tuple[str, dict]:
    report = launch.report(sweep)
    return report.version, {
        "links": partition_page.sweep_links(sweep.name, report.path.parent),
        "answer": report.answer,
        "page": dg.MetadataValue.path(str(report.path)),
        "markdown": dg.MetadataValue.path(str(report.markdown)),
    }
