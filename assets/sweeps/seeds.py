"""The number of seeds of a sweep: as many as its ranking needs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trainers.study import Config

SEED = "model.seed"
"""The axis that the seeds make."""


class Seeds(Config):
    """Seeds 0, 1, ... of every setting; those beyond `min` only where the rank is undecided."""

    min: Annotated[int, Field(ge=2)] = 3
    """Seeds that every setting has. Two say little about the spread."""
    max: Annotated[int, Field(le=1000)] = 10
    """Seeds after which a setting stops, decided or not."""
    until: Literal["rank_decided"] = "rank_decided"
    """rank_decided: until every setting differs from its neighbours in rank, corrected for the interim analyses."""

    @model_validator(mode="after")
    def _check_order(self) -> Seeds:
        if self.min > self.max:
            raise ValueError(f"min is {self.min}, max is {self.max}; expected min <= max")
        return self

    @property
    def analyses(self) -> int:
        """The most interim analyses that two settings can take part in."""
        return self.max - self.min + 1


def seed_axis(seeds: Seeds) -> dict[str, Any]:
    """Return the axis of all seeds: each is a partition, and only the requested ones are run."""
    return {SEED: list(range(seeds.max))}
