"""A search after validation: its space, sampler and pruner, and the rows of its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from assets.identity.canonical import Item, digest
from assets.identity.items import evaluation_item
from assets.search.space import Space
from assets.stages.freshness import Planner
from assets.sweeps.configurations import Configurations
from assets.sweeps.sweep import Configuration, Row, Sweep
from assets.sweeps.yaml_loader import Document
from trainers import STUDIES
from trainers.study import Config


class Sampler(Config):
    """What proposes trials."""

    kind: Literal["tpe", "random"] = "tpe"
    """tpe: tree-structured Parzen estimator; random: evenly over the space."""
    startup_trials: Annotated[int, Field(ge=1)] = 10
    """Random trials before the estimator begins; `random` never leaves them."""


class Pruner(Config):
    """Which trials end early."""

    keep: Annotated[float, Field(gt=0, lt=100)] = 50.0
    """Share of trials that continue at each check, the best ones [%]; 50 is the median rule."""
    startup_trials: Annotated[int, Field(ge=1)] = 5
    """Trials that must be complete before any is pruned."""
    warmup: Annotated[int, Field(ge=0, le=100)] = 0
    """Part of the training before the first check [%]."""
    interval: Annotated[int, Field(ge=1, le=50)] = 5
    """Part of the training between two checks [%]."""


class SearchSettings(Config):
    """The key `search` of a search file."""

    objective: str
    """A validation column of the history, taken in the last phase at the weights that are kept."""
    direction: Literal["minimise", "maximise"] = "minimise"
    """Which way is better."""
    trials: Annotated[int, Field(ge=1, le=100_000)]
    """Number of trials, failed and pruned ones included."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of the sampler [integer]."""
    sampler: Sampler = Sampler()
    """What proposes trials."""
    pruner: Pruner | None = None
    """Which trials end early; none without it."""
    space: Annotated[dict[str, Any], Field(min_length=1)]
    """{path or name: what is drawn}."""

    @property
    def maximise(self) -> bool:
        """Whether larger is better."""
        return self.direction == "maximise"


@dataclass(frozen=True)
class Search:
    """A validated search file."""

    name: str
    """`<study>/<file stem>`."""
    study: str
    path: Path
    description: str
    tests: Mapping[str, Item | None] = field(hash=False)
    """Test sets of the best trial, as those of a sweep."""
    base: Mapping[str, Any] = field(repr=False, hash=False)
    settings: SearchSettings = field(repr=False)
    space: Space = field(repr=False)
    corners: tuple[Configuration, ...] = field(repr=False)
    """Configurations at the ends of the space; every option of every choice is in one."""
    document: Document = field(repr=False, compare=False, hash=False)
    warnings: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Partition key of the search: the file stem."""
        return self.name.split("/", 1)[1]

    def row(self, values: Mapping[str, Any]) -> tuple[Row | None, str]:
        """Return the row of a trial, or None and why its settings are no configuration."""
        configurations = Configurations(STUDIES[self.study], self.document, [])
        try:
            configuration = configurations.configuration(self.space.settings(self.base, values), lambda place: place)
        except LookupError as error:
            return None, str(error.args[0])
        if configuration is None:
            return None, "; ".join(dict.fromkeys(text for _, text in configurations.refused))
        item = configuration.item
        evaluations = tuple(evaluation_item(item, name, test or item.dataset) for name, test in self.tests.items())
        return Row(configuration, values, evaluations), ""

    def fingerprint(self, planner: Planner) -> str:
        """Return the digest of all that proposals depend on: the search without its number of trials, and the code."""
        settings = self.settings.model_dump(mode="json", exclude={"trials"})
        made_of = sorted({planner.fingerprint(corner.item).value for corner in self.corners})
        return digest("search", self.study, dict(self.base), settings, list(settings["space"]), made_of)

    def sweep(self, rows: Sequence[Row]) -> Sweep:
        """View rows of this search as a sweep, so that tables, reports and commands for sweeps accept them."""
        axes = tuple(dimension.name for dimension in self.space.dimensions)
        unique = {row.configuration.item.hash: row for row in rows}
        fields = {name: getattr(self, name) for name in ("name", "study", "path", "description", "tests")}
        return Sweep(rows=tuple(unique.values()), axes=axes, warnings=self.warnings, **fields)
