"""What a partition page shows: the events of an artifact, with numbers, tables, a small picture and lines to paste."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from assets.identity.canonical import Item
from assets.stages.layers import LAYERS
from assets.store.manifest import MISSING, Manifest
from assets.store.store import Store

SPARKLINE_SIZE = (96, 24)


def partition_event(
    asset: dg.AssetKey,
    named: Item,
    items: Sequence[Item],
    store: Store,
    extra: Mapping[str, Any] | None = None,
    pointer: int | None = None,
) -> dg.AssetMaterialization:
    """Describe the artifacts of one partition, whose key is that of the item `named`, as the event that Dagster shows.

    Raises:
        Damaged, Missing: an artifact cannot be read.
    """
    if items[0].layer == "evaluation":
        return evaluation_materialization(asset, named, items, store, extra, pointer)
    return materialization(asset, items[0], store, extra, pointer)


def materialization(
    asset: dg.AssetKey, item: Item, store: Store, extra: Mapping[str, Any] | None = None, pointer: int | None = None
) -> dg.AssetMaterialization:
    """Describe one stored artifact as the event that Dagster shows.

    `pointer` is the number of the last event that Dagster had stored before: by it, Dagster sees whether an input is
    newer.
    """
    manifest = store.manifest_or_missing(*item.address)
    return dg.AssetMaterialization(
        asset,
        partition=item.key,
        metadata={**_metadata(item, manifest, store), **(extra or {})},
        tags=version_tags(manifest["fingerprint"], manifest["parts"]["code"], _input_versions(item, store), pointer),
    )


def evaluation_materialization(
    asset: dg.AssetKey,
    model: Item,
    evaluations: Sequence[Item],
    store: Store,
    extra: Mapping[str, Any] | None = None,
    pointer: int | None = None,
) -> dg.AssetMaterialization:
    """Describe all evaluations of one model as one event; its data version covers each of them."""
    from assets.identity.canonical import short_digest

    manifests = {item.config["test"]: store.manifest_or_missing(*item.address) for item in evaluations}
    numbers = {
        f"{test}/{name}": value for test, manifest in manifests.items() for name, value in manifest["numbers"].items()
    }
    first = next(iter(manifests.values()))
    return dg.AssetMaterialization(
        asset,
        partition=model.key,
        metadata={
            "links": links(model, *evaluations),
            **_finite(numbers),
            "summary": _summary_table(evaluations, store),
            "stored in": dg.MetadataValue.json([str(store.path(*item.address)) for item in evaluations]),
            "use it": _paste(model),
            **(extra or {}),
        },
        tags=version_tags(
            short_digest(*sorted(m["fingerprint"] for m in manifests.values())),
            first["parts"]["code"],
            _input_versions(evaluations[0], store),
            pointer,
        ),
    )


def failure_observation(asset: dg.AssetKey, named: Item, item: Item, store: Store, detail: str) -> dg.AssetObservation:
    """Describe an artifact that failed on the page of its partition, whose key is that of the item `named`."""
    manifest = store.manifest_or_missing(*item.address)
    failure = manifest["failure"]
    place: dict[str, str | int] = {}
    if failure:
        place = {"stage": failure["stage"], "phase": failure["phase"], "step": failure["step"]}
    return dg.AssetObservation(
        asset,
        partition=named.key,
        metadata={
            "status": "failed" if manifest["status"] == MISSING else manifest["status"],
            **place,
            "detail": dg.MetadataValue.text((failure and failure["detail"]) or detail),
            **_finite(manifest["numbers"]),
            **_traceback(manifest, store),
            "links": links(named),
            "settings": dg.MetadataValue.json(dict(named.config)),
            "see it": dg.MetadataValue.md(f"```\norrery show {named.study}/{named.hash}\n```"),
            "repeat it": dg.MetadataValue.md(f"```\norrery replay {named.study}/{named.hash}\n```"),
        },
    )


def _traceback(manifest: Manifest, store: Store) -> dict[str, dg.PathMetadataValue]:
    """Return where the traceback of a failure lies, if an exception ended it."""
    if "traceback.txt" not in manifest["files"]:
        return {}
    place = store.path(manifest["study"], manifest["layer"], manifest["hash"])
    return {"traceback": dg.MetadataValue.path(str(place / "traceback.txt"))}


def version_tags(data: str, code: str, inputs: Mapping[str, str], pointer: int | None = None) -> dict[str, str]:
    """Return the tags from which Dagster tells fresh from stale, per partition."""
    tags = {
        "dagster/data_version": data[:16],
        "dagster/data_version_is_user_provided": "true",
        "dagster/code_version": code[:16],
    }
    tags |= {f"dagster/input_data_version/{key}": version[:16] for key, version in inputs.items()}
    return tags if pointer is None else tags | {f"dagster/input_event_pointer/{key}": str(pointer) for key in inputs}


def last_event(instance: dg.DagsterInstance) -> int:
    """Return the number of the last event that Dagster has stored."""
    return instance.event_log_storage.get_maximum_record_id() or 0


def links(item: Item, *more: Item) -> dg.MarkdownMetadataValue:
    """Return links to pages of the desk: the files, and for a model its report, failures and comparison."""
    addresses = {
        f"files of {one.config['test']}" if one.layer == "evaluation" else "files": f"/files/{'/'.join(one.address)}"
        for one in (item, *more)
    }
    if item.layer in ("model", "evaluation"):
        model = item if item.layer == "model" else item.model
        name = f"{model.study}/{model.hash}"
        addresses |= {page: f"/{page}?model={name}" for page in ("report", "failures", "figures")}
        addresses |= {"compare": f"/compare?a={name}"}
    return _markdown_links(addresses)


def sweep_links(sweep: str, artifact: Path) -> dg.MarkdownMetadataValue:
    """Return links to the pages of a sweep, and to the files of an artifact of its own."""
    files = {"files": f"/files/{'/'.join(artifact.parts[-3:])}"}
    pages = {page: f"/{page}/{sweep}" for page in ("report", "failures")}
    pages |= {page: f"/{page}?sweep={sweep}" for page in ("compare", "figures")}
    return _markdown_links(pages | files)


def search_links(search: str, artifact: Path) -> dg.MarkdownMetadataValue:
    """Return links to the page of a search, and to the files of its table."""
    return _markdown_links({"report": f"/search/{search}", "files": f"/files/{'/'.join(artifact.parts[-3:])}"})


def _markdown_links(addresses: Mapping[str, str]) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(" · ".join(f"[{name}]({address})" for name, address in addresses.items()))


def _input_versions(item: Item, store: Store) -> dict[str, str]:
    # Dagster knows one version per asset: of two datasets that of the first, which is the training data.
    manifests = {f"{i.study}/{i.layer}": store.manifest(*i.address) for i in reversed(item.inputs)}
    return {key: manifest["fingerprint"] for key, manifest in manifests.items() if manifest}


def _metadata(item: Item, manifest: Manifest, store: Store) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "links": links(item),
        **(_history_metadata(item, store) if item.layer == "model" else {}),
        **_finite(manifest["numbers"]),
        **_finite({f"seconds/{name}": value for name, value in manifest["timings"].items()}),
        **_load(item, manifest),
        "settings": dg.MetadataValue.json(dict(item.config)),
        "bytes": sum(file["size"] for file in manifest["files"].values()),
        "stored in": dg.MetadataValue.path(str(store.path(*item.address))),
    }
    if manifest["rows"]:
        metadata.setdefault("dagster/row_count", manifest["rows"])
    return metadata | {"use it": _paste(item)} if item.layer == "model" else metadata


def _load(item: Item, manifest: Manifest) -> dict[str, float]:
    """Return how many CPUs a stage was granted, and how many it kept busy on average."""
    spent = manifest["timings"]
    wall, cpu = spent.get(LAYERS[item.layer].stage, 0.0), spent.get("cpu", 0.0)
    return _finite({"CPUs granted": manifest["cpus"], "CPUs used": cpu / wall if wall else math.nan})


def _history_metadata(item: Item, store: Store) -> dict[str, Any]:
    history = store.open(*item.address).table("history")
    columns = [dg.TableColumn(str(name), str(dtype)) for name, dtype in history.dtypes.items()]
    metadata: dict[str, Any] = {}
    if len(history) > 1:
        metadata["loss"] = dg.MetadataValue.md(sparkline(history["loss"].to_numpy()))
    return metadata | {"dagster/row_count": len(history), "dagster/column_schema": dg.TableSchema(columns=columns)}


def _summary_table(evaluations: Sequence[Item], store: Store) -> dg.TableMetadataValue:
    records = []
    for item in evaluations:
        summary = store.open(*item.address).table("summary")
        records += [
            dg.TableRecord(
                {
                    "test": item.config["test"],
                    "metric": row["metric"],
                    "value": f"{row['value']:.6g}",
                    "unit": row["unit"],
                    "n": int(row["n"]),
                }
            )
            for row in summary.to_dict("records")
        ]
    return dg.MetadataValue.table(records)


def _paste(model: Item) -> dg.MarkdownMetadataValue:
    lines = ["import assets", f'model = assets.load("{model.study}", "{model.hash}")', "model.predictor, model.history"]
    return dg.MetadataValue.md("```python\n" + "\n".join(lines) + "\n```")


def _finite(numbers: Mapping[str, Any]) -> dict[str, float]:
    """Return what can be plotted, to six digits; the store has all of them."""
    import math

    values = {name: float(value) for name, value in numbers.items() if value is not None}
    return {name: float(f"{value:.6g}") for name, value in values.items() if math.isfinite(value)}


def sparkline(values: Any) -> str:
    """Draw a series on a logarithmic axis as a small 1-bit picture in Markdown, short enough to show inline."""
    import numpy as np
    from PIL import Image, ImageDraw

    series = np.asarray(values, float)
    series = series[np.isfinite(series) & (series > 0)]
    if series.size < 2:
        return "no curve"
    width, height = SPARKLINE_SIZE
    logarithms = np.log(series[np.linspace(0, series.size - 1, min(width, series.size)).astype(int)])
    level = (logarithms - logarithms.min()) / max(float(np.ptp(logarithms)), 1e-12)
    points = [(x, (height - 1) * (1 - y)) for x, y in zip(np.linspace(0, width - 1, level.size), level, strict=True)]
    picture = Image.new("1", SPARKLINE_SIZE, 1)
    ImageDraw.Draw(picture).line(points, fill=0)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"![loss](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"
