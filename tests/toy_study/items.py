"""Items and tasks of the toy study, and its pipeline without an orchestrator."""

from collections.abc import Sequence
from typing import Any

from assets.identity.canonical import Item
from assets.identity.items import dataset_item, evaluation_item, model_item, segments_item
from assets.stages.freshness import Planner
from assets.stages.make import run
from assets.stages.tasks import Outcome, Task
from assets.store.store import Store
from tests.toy_study import STUDY
from tests.toy_study.config import DatasetConfig, ModelConfig

TEST = dataset_item(STUDY.name, DatasetConfig(trajectories=4, seed=1000))


def toy_model(dataset: DatasetConfig = DatasetConfig(), **settings: Any) -> Item:
    """Return the item of a model of these settings."""
    model = ModelConfig.model_validate(settings)
    return model_item(segments_item(dataset_item(STUDY.name, dataset), model.segmentation()), model)


def toy_evaluation(model: Item) -> Item:
    """Return the item of its evaluation on the test set."""
    return evaluation_item(model, "test", TEST)


def tasks_of(store: Store, items: Sequence[Item]) -> list[Task]:
    """Return the tasks that make these items."""
    planner = Planner(store, {STUDY.name: STUDY})
    return [Task(item, planner.fingerprint(item)) for item in items]


def make(store: Store, *items: Item) -> list[Outcome]:
    """Make items in this process."""
    return [run(task.item, task.fingerprint, store) for task in tasks_of(store, items)]


def make_inputs(store: Store, *models: Item) -> None:
    """Make the segments of models and what they are cut from, and the test set, in this process."""
    below = dict.fromkeys(entry for model in models for entry in model.upstream())
    for outcome in make(store, *below, TEST):
        assert outcome.status == "ok", outcome
