"""The one factory: every study becomes the same chain of partitioned assets.

    dataset -> segments -> model -> evaluation -> leaderboard -> report

and `search`, whose trials are such configurations without a partition of their own.

A run of a layer covers one contiguous stretch of partition keys. What is due is handed to the engine; every key gets
an event of its own; the run fails at its end if a key failed, and by then all others are materialized.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from assets import partition_page
from assets.catalogue import StudyCatalogue
from assets.checks import check_specs, run_checks
from assets.engine.background import publish, run_in_background
from assets.engine.engine import Outcome, Task, shared_engine
from assets.identity.canonical import LAYER_NAMES, Item, LayerName
from assets.identity.code_version import stage_source
from assets.launch import Launch, present_launch
from assets.search_assets import search_asset
from assets.stages.freshness import Verdict
from assets.stages.layers import LAYERS
from assets.sweep_assets import leaderboard_asset, report_asset
from assets.tracking.tracker import Tracker
from trainers.study import Study


def study_assets(study: Study, catalogue: StudyCatalogue) -> list[dg.AssetsDefinition]:
    """Build the assets of one study from its catalogue."""
    layers = [_layer_asset(study, layer, catalogue) for layer in LAYER_NAMES]
    return [
        *layers,
        leaderboard_asset(study, catalogue),
        report_asset(study, catalogue),
        search_asset(study, catalogue),
    ]


def asset_key(study: str, layer: str) -> dg.AssetKey:
    """Return the asset key of a layer of a study."""
    return dg.AssetKey([study, layer])


def _layer_asset(study: Study, layer: LayerName, catalogue: StudyCatalogue) -> dg.AssetsDefinition:
    key = asset_key(study.name, layer)
    source = stage_source(study, LAYERS[layer].stage)

    @dg.asset(
        key=key,
        partitions_def=dg.StaticPartitionsDefinition(list(catalogue.partitions(layer))),
        deps=_dependencies(study, layer, catalogue),
        check_specs=check_specs(layer, key),
        output_required=False,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=study.name,
        kinds={study.framework} if layer == "model" else {"parquet"},
        description=source.docstring,
        metadata={
            "dagster/code_references": dg.CodeReferencesMetadataValue(
                code_references=[dg.LocalFileCodeReference(file_path=str(source.path), line_number=source.line)]
            )
        },
        pool="orrery",
    )
    def layer_asset(context: dg.AssetExecutionContext) -> Iterator:
        yield from _materialize(context, key, layer, catalogue)

    return layer_asset


def _dependencies(study: Study, layer: LayerName, catalogue: StudyCatalogue) -> list[dg.AssetDep]:
    tables = {
        ("segments", "dataset"): catalogue.segments_by_dataset,
        ("model", "segments"): catalogue.models_by_segments,
        ("evaluation", "dataset"): catalogue.models_by_test_dataset,
    }
    mappings: dict[LayerName, dg.PartitionMapping] = {
        upstream: dg.StaticPartitionMapping(tables[layer, upstream])
        if (layer, upstream) in tables
        else dg.IdentityPartitionMapping()
        for upstream in LAYERS[layer].upstream
    }
    return [dg.AssetDep(asset_key(study.name, up), partition_mapping=mapping) for up, mapping in mappings.items()]


def _materialize(
    context: dg.AssetExecutionContext, key: dg.AssetKey, layer: LayerName, catalogue: StudyCatalogue
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckResult]:
    """Make what is due among the keys of this run, then fail if one of them failed."""
    launch = present_launch()
    all_items = {partition: catalogue.partitions(layer)[partition] for partition in context.partition_keys}
    named = catalogue.models if layer == "evaluation" else {partition: one[0] for partition, one in all_items.items()}
    partitions = {partition: _makeable(key, items, launch) for partition, items in all_items.items()}
    verdicts = {item: launch.planner.verdict(item) for items in partitions.values() for item in items}
    failed: dict[str, str] = {}
    stored: list[Item] = []
    for partition, complaints in _results(partitions, verdicts, launch):
        bad = {item: text for item, text in complaints.items() if text}
        if bad:
            failed[partition] = "; ".join(bad.values())
            yield partition_page.failure_observation(
                key, named[partition], next(iter(bad)), launch.store, failed[partition]
            )
        else:
            stored += partitions[partition]
            pointer = partition_page.last_event(context.instance)
            run_link = _track(context, named[partition], partitions)
            yield partition_page.partition_event(
                key, named[partition], partitions[partition], launch.store, run_link, pointer
            )
    yield from run_checks(layer, key, stored, launch.store)
    if failed:
        raise dg.Failure(_failure_text(failed, len(partitions)), allow_retries=False)


def _makeable(key: dg.AssetKey, items: Sequence[Item], launch: Launch) -> tuple[Item, ...]:
    """Return the items of a partition without those whose inputs are not stored.

    The evaluations of a model belong to several sweeps, and the test sets of another sweep may not be stored yet: a run
    makes what it can, and the run of that sweep makes the rest.

    Raises:
        dagster.Failure: nothing that is due can be made; it names what is missing and the job that makes it.
    """
    verdict = launch.planner.verdict
    due = [item for item in items if verdict(item).due]
    missing = {item: [up for up in item.inputs if verdict(up).due] for item in due}
    if due and all(missing.values()):
        first, *others = dict.fromkeys(up for inputs in missing.values() for up in inputs)
        raise dg.Failure(
            f"{key.to_user_string()} needs {first.layer} {first.key} and {len(others)} more that are not stored; "
            f"run job {first.study}_{first.layer} for them, or {first.study}_sweep for all",
            allow_retries=False,
        )
    return tuple(item for item in items if not missing.get(item))


def _results(
    partitions: dict[str, tuple[Item, ...]], verdicts: dict[Item, Verdict], launch: Launch
) -> Iterator[tuple[str, dict[Item, str]]]:
    """Yield each partition when its last item is done, with the complaint of every item ('' when well)."""
    complaints = {item: _complaint(verdict) for item, verdict in verdicts.items() if not verdict.due}
    owners: dict[Item, list[str]] = {}
    for partition, items in partitions.items():
        for item in items:
            owners.setdefault(item, []).append(partition)
    waiting = dict(partitions)

    def complete(keys: Sequence[str]) -> Iterator[tuple[str, dict[Item, str]]]:
        for key in keys:
            if key in waiting and all(item in complaints for item in waiting[key]):
                yield key, {item: complaints[item] for item in waiting.pop(key)}

    yield from complete(list(partitions))
    tasks = [Task(item, verdict.fingerprint) for item, verdict in verdicts.items() if verdict.due]
    for outcome in _outcomes(tasks) if tasks else ():
        launch.forget([outcome.item])
        complaints[outcome.item] = "" if outcome.status == "ok" else f"{outcome.status}: {outcome.detail}"
        yield from complete(owners[outcome.item])


def _outcomes(tasks: Sequence[Task]) -> Iterator[Outcome]:
    engine = shared_engine()
    deadline = engine.train_until if tasks[0].item.layer == "model" else None
    yield from run_in_background(engine, tasks, publish, deadline)


def _complaint(verdict: Verdict) -> str:
    """Return the complaint of an item that is not due: '' where it is up to date, else why it is not."""
    if verdict.state == "fresh":
        return ""
    return f"{verdict.reason} (settled; not repeated)" if verdict.state == "settled" else verdict.reason


def _track(context: dg.AssetExecutionContext, named: Item, partitions: Mapping[str, Sequence[Item]]) -> dict[str, Any]:
    """Log a model or its evaluations to the tracker; return the link to its run for the partition page."""
    if named.layer != "model":
        return {}
    tracker = Tracker.shared()
    evaluations = [item for item in partitions[named.key] if item.layer == "evaluation"]
    run = tracker.log(named, evaluations, context.run_id)
    return {"mlflow run": dg.MetadataValue.url(f"/mlflow{tracker.link(named, run)}")} if run else {}


def _failure_text(failed: dict[str, str], count: int) -> str:
    lines = "\n".join(f"  {key}: {text.splitlines()[0]}" for key, text in list(failed.items())[:20])
    more = f"\n  ... and {len(failed) - 20} more" if len(failed) > 20 else ""
    return f"{len(failed)} of {count} failed, all others are stored:\n{lines}{more}"
