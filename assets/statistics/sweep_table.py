"""Results from the store, for tables and notebooks: one trained model, or the tidy table of a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets.stages.freshness import Planner
from assets.statistics.fit import Fit, fit
from assets.store.contract_files import read_evaluation, read_trained, read_trajectories
from assets.store.lookup import hash_named
from assets.store.manifest import Manifest
from assets.store.store import Missing, Store
from trainers import STUDIES
from trainers.study import Config, Evaluation, ModelConfigBase, Trained, Trajectories

if TYPE_CHECKING:
    import pandas as pd

    from assets.identity.canonical import Item
    from assets.sweeps.sweep import Row, Sweep

BASELINE = "baseline"
"""Row of every evaluation's summary: what a trivial predictor reaches on the same test set."""


@dataclass(frozen=True)
class Loaded:
    """A trained model from the store with its configuration."""

    study: str
    key: str
    config: ModelConfigBase
    dataset: Config
    trained: Trained
    manifest: Manifest = field(repr=False)
    store: Store = field(repr=False)

    @property
    def history(self) -> pd.DataFrame:
        """Losses by step."""
        return self.trained.history

    @cached_property
    def predictor(self) -> Any:
        """The predictor in the study's own terms."""
        return STUDIES[self.study].apply(self.config, self.trained)

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """The stored evaluations of this version of the model, by the name of the test set."""
        this = (f"model/{self.manifest['hash']}", self.manifest["fingerprint"])
        evaluations = {}
        for hash in self.store.hashes(self.study, "evaluation"):
            manifest = self.store.manifest(self.study, "evaluation", hash)
            if manifest and manifest["status"] == "ok" and this in manifest["parts"]["inputs"].items():
                evaluations[manifest["config"]["test"]] = read_evaluation(
                    self.store.open(self.study, "evaluation", hash)
                )
        return evaluations

    def fit(self, data: Trajectories | Mapping[str, Any]) -> Fit:
        """Estimate parameters from data of one's own: trajectories, or the fields of a file dataset.

        `{"file": "own.csv", "columns": {"x": "pos"}, "units": {"x": "m"}, "time_unit": "s"}` reads the channel x from
        the column pos; docs/commands.md has all fields.

        Raises:
            ValueError: one line for each field that is wrong, or for the first mismatch with the training data.
            Missing: the training data are no longer in the store.
        """
        training = read_trajectories(self.store.open(*dataset_address(self.store, self.study, self.manifest)))
        return fit(STUDIES[self.study], self.config, self.trained, training, data)


def load(study: str, key: str, store: Store | None = None) -> Loaded:
    """Load a trained model by its partition key, its hash, or the beginning of either.

    Raises:
        Missing: it is not stored, or its training failed; one line with what to do.
    """
    store = store or Store()
    if study not in STUDIES:
        raise Missing(f"unknown study {study!r}; expected one of {', '.join(STUDIES)}")
    artifact = store.open(study, "model", hash_named(store, study, "model", key))
    manifest = artifact.manifest
    if manifest["status"] != "ok":
        raise Missing(f"{manifest['key']} has no trained model: {manifest['status']}; see `orrery show {study}/{key}`")
    return Loaded(
        study,
        manifest["key"],
        STUDIES[study].model.model_validate(manifest["config"]),
        dataset_of(store, study, manifest),
        read_trained(artifact),
        manifest,
        store,
    )


def dataset_of(store: Store, study: str, model: Manifest) -> Config:
    """Return the configuration of the dataset that a model was trained on, given the manifest of the model.

    Raises:
        Missing: an input of the model is no longer in the store.
    """
    from assets.sweeps.file_dataset import FileDataset, is_file

    config = store.manifest_or_missing(*dataset_address(store, study, model))["config"]
    kind = FileDataset if is_file(config) else STUDIES[study].dataset
    return kind.model_validate(config)


def dataset_address(store: Store, study: str, model: Manifest) -> tuple[str, str, str]:
    """Return the address of the dataset that a model was trained on.

    Raises:
        Missing: it, or the segments in between, are no longer in the store.
    """
    address, manifest = "", model
    for layer in ("segments", "dataset"):
        address = next(name for name in manifest["parts"]["inputs"] if name.startswith(f"{layer}/"))
        upstream = store.manifest(study, layer, address.split("/")[1])
        if upstream is None:
            raise Missing(f"{address} of {study}, an input of {model['key']}, is not in the store; run its sweep")
        manifest = upstream
    layer, hash = address.split("/")
    return study, layer, hash


UNTESTED = ""
"""The test set of a row that nothing tests."""


def sweep_table(sweep: Sweep, store: Store, planner: Planner | None = None, metric: str = "") -> pd.DataFrame:
    """Return a tidy table: one row per configuration and test set; per configuration where there is no test set.

    Columns: the sweep's axes, key, hash, dataset, the counts of the segmentation's last phase, the costs (see
    `_costs`), fingerprint, commit, status, test, test_dataset, code (of training and of evaluation), unit of `metric`
    (default: the first of the headline), worse_than_baseline (by the first of the headline), and one per metric, the
    study's headline first. A row that is not `ok` has NaN for its metrics. `attrs["metrics"]` names the metrics.
    """
    import pandas as pd

    planner = planner or Planner(store)
    headline = sweep.ranking_study.headline
    metric = metric or headline[0]
    pairs = [pair for row in sweep.rows for pair in _records(row, sweep, store, planner, metric)]
    table = pd.DataFrame([record for record, _ in pairs])
    table.attrs["metrics"] = tuple(dict.fromkeys([*headline, *(name for _, metrics in pairs for name in metrics)]))
    return table


def _records(
    row: Row, sweep: Sweep, store: Store, planner: Planner, metric: str
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Yield the record of a row on each test set, and the names of its metrics."""
    model = row.configuration.item
    segments = model.segments
    manifest = store.manifest_or_missing(*model.address)
    phases = store.manifest_or_missing(*segments.address)["counts"] or [{}]
    common = {
        **row.axes,
        "key": model.key,
        "hash": model.hash,
        "dataset": segments.dataset.key,
        **{name: value for name, value in phases[-1].items() if name != "phase"},
        **_costs(model, store),
        "fingerprint": manifest["fingerprint"][:12],
        "commit": (manifest["commit"] or "")[:12],
    }
    headline = sweep.ranking_study.headline
    for name, evaluation in zip(sweep.tests or (UNTESTED,), row.evaluations or (model,), strict=True):
        tested = evaluation is not model
        status, spent = _status(planner, store, model, evaluation), _timings(evaluation, store) if tested else {}
        items = dict.fromkeys((model, evaluation))
        manifests = filter(None, (store.manifest(*item.address) for item in items))
        codes = [one["parts"]["code"][:8] for one in manifests]
        of_test = {
            "evaluate_seconds": spent.get("evaluate", math.nan),
            "evaluate_cpu_seconds": spent.get("cpu", math.nan),
            "status": status,
            "test": name,
            "test_dataset": evaluation.test.key if tested else "",
            "code": "/".join(codes),
        }
        metrics: dict[str, Any] = {"unit": "", "worse_than_baseline": False, **dict.fromkeys(headline, math.nan)}
        if status == "ok" and tested:
            summary = store.open(*evaluation.address).table("summary").set_index("metric")
            metrics |= {"unit": summary["unit"].get(metric, ""), **summary["value"].astype(float)}
            metrics["worse_than_baseline"] = is_worse(metrics[headline[0]], metrics.get(BASELINE, math.nan))
        names = [name for name in metrics if name not in ("unit", "worse_than_baseline")]
        yield {**common, **of_test, **metrics}, names


def is_worse(value: float, baseline: float) -> bool:
    """Return whether a value is worse than the baseline; a baseline configuration reaches its own up to rounding."""
    return bool(value > baseline and not math.isclose(value, baseline, rel_tol=1e-9))


def _status(planner: Planner, store: Store, model: Item, evaluation: Item) -> str:
    """Return `ok`, the status of the first stored failure, or the state of the first item that is not up to date."""
    for item in (model, evaluation):
        verdict = planner.verdict(item)
        if verdict.state != "fresh":
            ended = verdict.state in ("settled", "retry")
            return store.manifest_or_missing(*item.address)["status"] if ended else verdict.state
    return "ok"


def _costs(model: Item, store: Store) -> dict[str, float]:
    """Return the seconds of data, segmentation, compilation and training, CPU time, memory, solver steps, loss spikes.

    Seconds are wall time, train_cpu_seconds is the CPU time of the worker; both include compilation. Wall time alone
    does not distinguish a slow setting from a busy computer. train_memory_mb is the largest memory of the worker from
    its start to the end of the training, so that what it did before counts as well [1e6 bytes].
    """
    segments = model.segments
    spent = _timings(model, store)
    counts = store.manifest_or_missing(*model.address)["counts"]
    return {
        "simulate_seconds": _timings(segments.dataset, store).get("simulate", math.nan),
        "segment_seconds": _timings(segments, store).get("segment", math.nan),
        "compile_seconds": spent.get("trace", math.nan) + spent.get("compile", math.nan),
        "train_seconds": spent.get("train", math.nan),
        "train_cpu_seconds": spent.get("cpu", math.nan),
        "train_memory_mb": store.manifest_or_missing(*model.address)["peak_memory"] / 1e6 or math.nan,
        "solver_steps": counts.get("solver_steps", math.nan) if isinstance(counts, Mapping) else math.nan,
        "loss_spikes": store.manifest_or_missing(*model.address)["numbers"].get("loss_spikes", math.nan),
    }


def _timings(item: Item, store: Store) -> Mapping[str, Any]:
    return store.manifest_or_missing(*item.address)["timings"]
