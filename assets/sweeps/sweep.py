"""A sweep after validation: configurations, rows and the items that they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.identity.canonical import LAYER_NAMES, Item, LayerName
from assets.sweeps.published import Published
from assets.sweeps.questions import Question
from assets.sweeps.seeds import Seeds
from trainers import STUDIES
from trainers.study import Config, ModelConfigBase, Study


@dataclass(frozen=True)
class Configuration:
    """A dataset and a model to train on it."""

    study: str
    dataset: Config
    """The study's own dataset configuration, or a `FileDataset`."""
    model: ModelConfigBase
    item: Item = field(repr=False)
    """The model item; its input is the segments item, whose input is the dataset item."""

    @property
    def key(self) -> str:
        """Partition key of the model."""
        return self.item.key

    def settings(self) -> dict[str, Any]:
        """Return every setting, defaults resolved, as JSON types."""
        return {"dataset": self.dataset.model_dump(mode="json"), "model": self.model.model_dump(mode="json")}


@dataclass(frozen=True)
class Row:
    """A configuration as one sweep sees it."""

    configuration: Configuration
    axes: Mapping[str, Any] = field(hash=False)
    """The value of each axis in the sweep's order; the name of a named variant."""
    evaluations: tuple[Item, ...]
    """One per test set, in the order of the sweep's tests."""

    def items(self) -> tuple[Item, ...]:
        """Return every artifact that this row needs, inputs first."""
        ends = self.evaluations or (self.configuration.item,)
        return tuple(dict.fromkeys(item for end in ends for item in (*end.upstream(), end)))


@dataclass(frozen=True)
class Sweep:
    """A validated sweep file."""

    name: str
    """`<study>/<file stem>`."""
    study: str
    path: Path
    description: str
    tests: Mapping[str, Item | None] = field(hash=False)
    """Test set name to its dataset item; None for `train`, which is the training dataset of each row."""
    rows: tuple[Row, ...] = field(repr=False)
    """Balanced: every setting at one seed before the second seed."""
    axes: tuple[str, ...]
    schedule: str | None = None
    """Cron line at which what is missing or stale is run."""
    timezone: str | None = None
    """Time zone of the schedule; none: that of the machine."""
    default: bool = False
    """Whether the study's job runs this sweep when none is chosen."""
    seeds: Seeds | None = None
    """How many seeds are requested; None: all rows are."""
    published: Published | None = None
    """Published numbers to compare with."""
    questions: tuple[Question, ...] = ()
    """Planned comparisons that it answers."""
    warnings: tuple[str, ...] = ()
    part: str = ""
    """The conditions that its rows meet, where it is a part of what its file says; empty for the whole."""

    @property
    def ranking_study(self) -> Study:
        """The study with the headline metrics that rank the models of this sweep."""
        study = STUDIES[self.study]
        return study.of(self.rows[0].configuration.model) if self.rows else study

    @property
    def key(self) -> str:
        """Partition key of the sweep: the file stem."""
        return self.name.split("/", 1)[1]

    def items(self) -> dict[LayerName, tuple[Item, ...]]:
        """Return the items of each layer once, in the order of the rows; test sets are among the datasets."""
        by_layer: dict[LayerName, dict[str, Item]] = {layer: {} for layer in LAYER_NAMES}
        for row in self.rows:
            for item in (*row.configuration.item.upstream(), row.configuration.item, *row.evaluations):
                by_layer[item.layer].setdefault(item.hash, item)
        for test in filter(None, self.tests.values()):
            by_layer["dataset"].setdefault(test.hash, test)
        return {layer: tuple(items.values()) for layer, items in by_layer.items()}
