"""Write a configuration, its training history and its evaluations as one run of MLflow."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.identity.canonical import Item
from assets.identity.paths import flatten
from assets.store.locks import alone_in
from assets.store.manifest import Manifest
from assets.store.store import Store
from assets.sweeps.file_dataset import is_file
from assets.tracking.mlflow_database import QUIET, create
from trainers import STUDIES

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Metric, Run

LONGEST_NAME = 250
"""Characters that MLflow allows in a name."""

POINTS = 40
"""Points per loss curve; the whole history is in the store."""

MLFLOW_STATUS = {"ok": "FINISHED", "interrupted": "KILLED", "pruned": "KILLED", "killed": "KILLED"}
"""Status of the run in MLflow by status of the model; FAILED for any other."""


class MlflowRuns:
    """The runs in one SQLite database; the first process to need it creates it, under a lock."""

    def __init__(self, directory: Path, store: Store) -> None:
        os.environ.update(QUIET)
        from mlflow import MlflowClient

        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.directory = directory
        self.store = store
        self._experiments: dict[str, str] = {}
        directory.mkdir(parents=True, exist_ok=True)
        database = directory / "mlflow.db"
        with alone_in(directory):
            if not database.exists():
                create(database)
            self._client = MlflowClient(tracking_uri=f"sqlite:///{database}")
            self._client.search_experiments(max_results=1)

    def experiment(self, study: str) -> str:
        """Return the id of a study's experiment; create it if necessary."""
        if study not in self._experiments:
            with alone_in(self.directory):
                experiment = self._client.get_experiment_by_name(study)
                location = (self.directory / "artifacts").as_uri()
                self._experiments[study] = (
                    experiment.experiment_id
                    if experiment
                    else self._client.create_experiment(study, artifact_location=location)
                )
        return self._experiments[study]

    def log(self, model: Item, evaluations: Sequence[Item], dagster_run_id: str) -> str:
        """Log whatever the run of a model lacks; return the id of the run.

        Raises:
            LookupError: the model is not in the store.
        """
        manifest = self.store.manifest(*model.address)
        if manifest is None:
            raise LookupError(f"model {model.key} is not in the store; nothing to log")
        run = self._run(model, manifest, dagster_run_id)
        if run.info.status == "RUNNING":
            self._complete(run.info.run_id, model, manifest)
        for item in evaluations:
            self._log_evaluation(run, item)
        return run.info.run_id

    def _run(self, model: Item, manifest: Manifest, dagster_run_id: str) -> Run:
        """Find the run of a model by hash and fingerprint, or create it."""
        experiment = self.experiment(model.study)
        identity = {"orrery.hash": model.hash, "orrery.fingerprint": manifest["fingerprint"]}
        clauses = " and ".join(f"tags.`{name}` = '{value}'" for name, value in identity.items())
        with alone_in(self.directory):
            runs = self._client.search_runs([experiment], clauses, max_results=1)
            if runs:
                return runs[0]
            tags = identity | {"orrery.key": model.key, "orrery.status": manifest["status"]}
            tags |= {"dagster.run_id": dagster_run_id} if dagster_run_id else {}
            seconds = sum(manifest["timings"].get(name, 0.0) for name in ("inputs", "train"))
            start = _milliseconds(manifest) - round(1000 * seconds)
            return self._client.create_run(experiment, start, tags, run_name=model.key)

    def _complete(self, run_id: str, model: Item, manifest: Manifest) -> None:
        """Log the training of a run, unless another process has done so in the meantime."""
        with alone_in(self.directory):
            if self._client.get_run(run_id).info.status == "RUNNING":
                self._log_training(run_id, model, manifest)

    def _log_training(self, run_id: str, model: Item, manifest: Manifest) -> None:
        from mlflow.entities import Metric, Param

        params = [Param(name, str(value)) for name, value in settings(model).items()]
        now = _milliseconds(manifest)
        numbers = {name: value for name, value in manifest["numbers"].items() if value is not None}
        metrics = [Metric(tracker_name(name), value, now, 0) for name, value in numbers.items()]
        metrics += self._history(model, now)
        while params or metrics:  # MLflow takes 100 parameters and 900 metrics at once
            self._client.log_batch(run_id, metrics=metrics[:900], params=params[:100])
            params, metrics = params[100:], metrics[900:]
        self._client.set_terminated(run_id, MLFLOW_STATUS.get(manifest["status"], "FAILED"), end_time=now)

    def _history(self, model: Item, now: int) -> list[Metric]:
        """Return the loss curves, thinned to about `POINTS` points; the last point is always included."""
        from mlflow.entities import Metric

        artifact = self.store.open(*model.address)
        if "history" not in artifact.tables():
            return []
        history = artifact.table("history")
        rows = history.iloc[:: -max(1, len(history) // POINTS)].sort_values("step")
        curves = {name: rows[["step", name]].dropna() for name in rows if name not in ("phase", "step")}
        return [
            Metric(tracker_name(f"history/{name}"), float(value), now, int(step))
            for name, curve in curves.items()
            for step, value in curve.itertuples(index=False)
        ]

    def _log_evaluation(self, run: Run, item: Item) -> None:
        """Log the summary of one evaluation, once per fingerprint."""
        from mlflow.entities import RunTag

        manifest = self.store.manifest(*item.address)
        tag = f"orrery.evaluation.{item.hash}"
        if manifest is None or manifest["status"] != "ok" or run.data.tags.get(tag) == manifest["fingerprint"]:
            return
        summary = self.store.open(*item.address).table("summary")
        metrics = _summary(item.config["test"], summary, _milliseconds(manifest))
        self._client.log_batch(run.info.run_id, metrics=metrics, tags=[RunTag(tag, manifest["fingerprint"])])


def settings(model: Item) -> dict[str, Any]:
    """Return all settings of a model and its dataset, defaults included, under flat names: `model.phases.0.steps`."""
    study, dataset = STUDIES[model.study], model.dataset
    full = (
        dataset.config
        if is_file(dataset.config)
        else study.dataset.model_validate(dataset.config).model_dump(mode="json")
    )
    tree = {"dataset": full, "model": study.model.model_validate(model.config).model_dump(mode="json")}
    named: dict[str, Any] = {}
    for place, value in flatten(tree):
        name = tracker_name(".".join(map(str, place)))
        while name in named:  # two names that differ only in what MLflow does not allow
            name += "_"
        named[name] = value
    return named


def _summary(test: str, summary: pd.DataFrame, now: int) -> list[Metric]:
    from mlflow.entities import Metric

    rows = summary.dropna(subset=["value"])
    values = zip(rows["metric"], rows["value"].astype(float), strict=True)
    return [Metric(tracker_name(f"{test}/{metric}"), value, now, 0) for metric, value in values]


def tracker_name(name: str) -> str:
    """Replace what MLflow does not allow in names: most characters, and what reads as a path elsewhere."""
    parts = re.sub(r"[^A-Za-z0-9_\-. /]", "_", name).split("/")
    return "/".join("_" * len(part) if part.strip(".") == "" else part for part in parts)[-LONGEST_NAME:]


def _milliseconds(manifest: Manifest) -> int:
    return round(1000 * datetime.fromisoformat(manifest["created"]).timestamp())
