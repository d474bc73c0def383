"""The one table of layers: what a study makes, by which of its stages, from what, and how the store holds it.

    dataset --simulate--> segments --segment--> model --train--> evaluation --evaluate-->

Code that depends on how layers differ reads this table and does not compare names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from assets.identity.canonical import LayerName
from assets.stages import making
from assets.store import contract_files
from trainers.study import Config, Study


@dataclass(frozen=True)
class Layer:
    """A layer of every study."""

    name: LayerName
    stage: str
    """The function of the study that makes it."""
    upstream: tuple[LayerName, ...]
    """The layers that it is made of, in the order of `Item.inputs`; segments may have two datasets as inputs."""
    config: Callable[[Study, Mapping[str, Any]], Config | None]
    """Validate the configuration that an item carries; None where it only names the inputs."""
    make: Callable[..., Any]
    """Call the stage: (making, *inputs) -> a data type of the contract, or a generator that waits for a training."""
    write: Callable[..., None]
    read: Callable[..., Any]
    partitioned_by: LayerName
    """The layer whose keys are its partitions: a model's partition of evaluations holds all its test sets."""
    trains: bool = False
    """Whether its stage reports progress: it can be asked to stop, keeps its best and resumes from a checkpoint."""


LAYERS: dict[LayerName, Layer] = {
    layer.name: layer
    for layer in (
        Layer(
            name="dataset",
            stage="simulate",
            upstream=(),
            config=lambda study, config: study.dataset.model_validate(config),
            make=making.simulate,
            write=contract_files.write_trajectories,
            read=contract_files.read_trajectories,
            partitioned_by="dataset",
        ),
        Layer(
            name="segments",
            stage="segment",
            upstream=("dataset",),
            config=lambda study, config: get_type_hints(study.model.segmentation)["return"].model_validate(config),
            make=making.segment,
            write=contract_files.write_segments,
            read=contract_files.read_segments,
            partitioned_by="segments",
        ),
        Layer(
            name="model",
            stage="train",
            upstream=("segments",),
            config=lambda study, config: study.model.model_validate(config),
            make=making.train,
            write=contract_files.write_trained,
            read=contract_files.read_trained,
            partitioned_by="model",
            trains=True,
        ),
        Layer(
            name="evaluation",
            stage="evaluate",
            upstream=("model", "dataset"),
            config=lambda study, config: None,
            make=making.evaluate,
            write=contract_files.write_evaluation,
            read=contract_files.read_evaluation,
            partitioned_by="model",
        ),
        Layer(
            name="part",
            stage="simulate",
            upstream=(),
            config=lambda study, config: study.dataset.model_validate(config["dataset"]),
            make=making.simulate_part,
            write=contract_files.write_trajectories,
            read=contract_files.read_trajectories,
            partitioned_by="dataset",
        ),
    )
}
"""By name; the order of the chain is that of `LAYER_NAMES`, to which parts do not belong."""
