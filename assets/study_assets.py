"""The one factory: every study becomes the same chain of partitioned assets.

    dataset -> segments -> model -> evaluation -> leaderboard -> report

and `search`, whose trials are such configurations without a partition of their own.

A run of a layer covers one contiguous stretch of partition keys. What is due is handed to the engine; every key gets
an event of its own; the run fails at its end if a key failed, and by then all others are materialized.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from assets import partition_page
from assets.catalogue import StudyCatalogue
from assets.checks import check_specs, run_checks
from assets.engine.background import publish, run_in_background
from assets.engine.engine import Outcome, Task, shared_engine
from assets.identity.canonical import LAYER_NAMES, Item, LayerName
from assets.identity.code_version import stage_source
from assets.search_assets import search_asset
from assets.stages.freshness import Planner, Verdict
from assets.stages.layers import LAYERS
from assets.store.store import Store
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


def partition_keys(catalogue: StudyCatalogue, layer: LayerName) -> list[str]:
    """Return the partition keys of a layer, cohorts contiguous."""
    items = {"dataset": catalogue.datasets, "segments": catalogue.segments}.get(layer, catalogue.models)
    return list(items)


def _partitions(keys: Sequence[str]) -> dg.StaticPartitionsDefinition:
    return dg.StaticPartitionsDefinition(list(keys))


def _layer_asset(study: Study, layer: LayerName, catalogue: StudyCatalogue) -> dg.AssetsDefinition:
    key = asset_key(study.name, layer)
    source = stage_source(study, LAYERS[layer].stage)

    @dg.asset(
        key=key,
        partitions_def=_partitions(partition_keys(catalogue, layer)),
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
    store = Store()
    wanted = {partition: _items(catalogue, layer, partition) for partition in context.partition_keys}
    verdicts = {item: verdict for items in wanted.values() for item, verdict in _verdicts(items, store).items()}
    _refuse_missing_inputs(key, verdicts)
    failed: dict[str, str] = {}
    made: list[Item] = []
    for partition, results in _finished(wanted, verdicts, store):
        bad = {item: text for item, text in results.items() if text}
        if bad:
            failed[partition] = "; ".join(bad.values())
            item = next(iter(bad))
            yield partition_page.failure_observation(
                key, _page(catalogue, layer, partition, item), store.manifest(*item.address) or {}, failed[partition]
            )
        else:
            made += wanted[partition]
            yield _event(context, key, layer, catalogue, partition, wanted[partition], store)
    yield from run_checks(layer, key, made, store)
    if failed:
        raise dg.Failure(_failure_text(failed, len(wanted)), allow_retries=False)


def _items(catalogue: StudyCatalogue, layer: LayerName, partition: str) -> tuple[Item, ...]:
    if layer == "evaluation":
        return catalogue.evaluations[partition]
    return (
        {"dataset": catalogue.datasets, "segments": catalogue.segments, "model": catalogue.models}[layer][partition],
    )


def _page(catalogue: StudyCatalogue, layer: LayerName, partition: str, item: Item) -> Item:
    """Return the item whose key names the partition."""
    return catalogue.models[partition] if layer == "evaluation" else item


def _verdicts(items: Sequence[Item], store: Store) -> dict[Item, Verdict]:
    planner = Planner(store)
    return {item: planner.verdict(item) for item in items}


def _refuse_missing_inputs(key: dg.AssetKey, verdicts: dict[Item, Verdict]) -> None:
    """End at once where something that a key is made of is not in the store.

    Raises:
        dagster.Failure: naming what is missing and the job that makes it.
    """
    planner = Planner(Store())
    missing = [up for item, v in verdicts.items() if v.due for up in item.inputs if planner.verdict(up).due]
    if missing:
        first = missing[0]
        raise dg.Failure(
            f"{key.to_user_string()} needs {first.layer} {first.key} and {len(missing) - 1} more that are not stored; "
            f"run job {first.study}_{first.layer} for them, or {first.study}_sweep for all",
            allow_retries=False,
        )


def _finished(
    wanted: dict[str, tuple[Item, ...]], verdicts: dict[Item, Verdict], store: Store
) -> Iterator[tuple[str, dict[Item, str]]]:
    """Yield each partition when its last item is done, with the complaint of every item ('' when well)."""
    results: dict[Item, str] = {
        item: _standing(verdict, store) for item, verdict in verdicts.items() if not verdict.due
    }
    owners: dict[Item, list[str]] = {}
    for partition, items in wanted.items():
        for item in items:
            owners.setdefault(item, []).append(partition)
    waiting = dict(wanted)

    def ready(partitions: Sequence[str]) -> Iterator[tuple[str, dict[Item, str]]]:
        for partition in partitions:
            if partition in waiting and all(item in results for item in waiting[partition]):
                yield partition, {item: results[item] for item in waiting.pop(partition)}

    yield from ready(list(wanted))
    tasks = [Task(item, verdict.fingerprint) for item, verdict in verdicts.items() if verdict.due]
    for outcome in _outcomes(tasks) if tasks else ():
        results[outcome.item] = "" if outcome.status == "ok" else f"{outcome.status}: {outcome.detail}"
        yield from ready(owners[outcome.item])


def _outcomes(tasks: Sequence[Task]) -> Iterator[Outcome]:
    engine = shared_engine()
    deadline = engine.train_until if tasks[0].item.layer == "model" else None
    yield from run_in_background(engine, tasks, publish, deadline)


def _standing(verdict: Verdict, store: Store) -> str:
    """Return the complaint of an item that is not due: '' for fresh, the stored failure for settled."""
    if verdict.state == "fresh":
        return ""
    if verdict.state == "settled":
        return f"{verdict.reason} (settled; not repeated)"
    return verdict.reason


def _event(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    layer: LayerName,
    catalogue: StudyCatalogue,
    partition: str,
    items: Sequence[Item],
    store: Store,
) -> dg.AssetMaterialization:
    seen = partition_page.last_event(context.instance)
    if layer == "evaluation":
        model = catalogue.models[partition]
        tracked = _track(context, model, items)
        return partition_page.evaluation_materialization(key, model, items, store, tracked, seen)
    extra = _track(context, items[0], ()) if layer == "model" else {}
    return partition_page.materialization(key, items[0], store, extra, seen)


def _track(context: dg.AssetExecutionContext, model: Item, evaluations: Sequence[Item]) -> dict[str, Any]:
    """Log a configuration to the tracker, and return the link to its run for the partition page."""
    tracker = Tracker.shared()
    run = tracker.log(model, evaluations, context.run_id)
    return {"mlflow run": dg.MetadataValue.url(f"/mlflow{tracker.link(model, run)}")} if run else {}


def _failure_text(failed: dict[str, str], wanted: int) -> str:
    shown = "\n".join(f"  {key}: {text.splitlines()[0]}" for key, text in list(failed.items())[:20])
    more = f"\n  ... and {len(failed) - 20} more" if len(failed) > 20 else ""
    return f"{len(failed)} of {wanted} failed, all others are stored:\n{shown}{more}"
