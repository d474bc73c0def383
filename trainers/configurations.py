"""The configurations of a study: what Orrery needs of its datasets, models and phases. Import them from `study`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Config(BaseModel):
    """A frozen configuration: unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class DatasetConfigBase(Config):
    """What Orrery needs from every dataset configuration.

    A large set may be simulated in parts, by several workers at once; Orrery joins them along the trajectories. For
    that, the first k trajectories of a larger set with the same seed are the smaller set, bit for bit, and part p holds
    the contiguous range `part_of(N, p)` of the set's trajectories, so that the joined set is the one that a single call
    makes. Units, roles, `arrays`, `meta` and all else that a set shares are equal in its parts.
    """

    def parts(self) -> int:
        """Return how many parts `simulate` can be asked for; 1 where a set is made in one call."""
        return 1

    def part_of(self, count: int, part: int | None, block: int = 1) -> slice:
        """Return the range of `count` trajectories that a part holds, all for None.

        The parts differ by at most `block` trajectories and begin at multiples of it: a block is what is computed
        together where company changes the rounding.
        """
        if part is None:
            return slice(0, count)
        blocks, parts = -(-count // block), self.parts()
        first, last = (blocks * number // parts * block for number in (part, part + 1))
        return slice(min(first, count), min(last, count))


class PhaseBase(Config):
    """What Orrery needs from a training phase."""

    steps: Annotated[int, Field(ge=1)]
    """Optimiser steps."""


class DatasetSettings(Config):
    """The settings of a dataset of the study, or of a file; Orrery checks them where they are written."""

    model_config = ConfigDict(extra="allow")


class ModelConfigBase(Config):
    """What Orrery needs from every model configuration.

    A model that trains in phases has a field `phases: tuple[<a PhaseBase>, ...]`. The state at the end of each phase is
    then stored, and a longer training starts from it.
    """

    shared: ClassVar[tuple[str, ...]] = ()
    """Paths that may differ within a cohort since the compiled program stays the same: `phases[*].learning_rate`."""

    held_out_by: ClassVar[tuple[str, ...]] = ("train_fraction", "split_by", "split_seed")
    """Fields that say which training trajectories are held out to validate, as far as the model has them. They say
    nothing beside validation data of its own: any other value than their default is then refused."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of every random choice of the training [integer]; JAX takes 32 bits, so that larger ones would repeat."""
    validation: DatasetSettings | None = None
    """Validation data of its own: a dataset by name, settings or file. All training trajectories then train; without
    it, the study holds some of them out."""

    @model_validator(mode="after")
    def _nothing_held_out_beside_validation(self) -> ModelConfigBase:
        fields = type(self).model_fields
        for name in self.held_out_by if self.validation is not None else ():
            if name in fields and (value := getattr(self, name)) != fields[name].default:
                raise ValueError(
                    f"{name} is {value} beside `validation`, with which no training trajectory is held out; "
                    f"leave out {name} or validation"
                )
        return self

    def segmentation(self) -> Config:
        """Project the fields that `segment` needs; two models with equal projections share their segments.

        `validation` is no part of it: its dataset is an input of the segments, as the training dataset is.
        """
        raise NotImplementedError

    def headline(self) -> tuple[str, ...]:
        """Return the metrics that rank models of this kind, as `Study.headline`; none: those of the study."""
        return ()

    def validates(self) -> bool:
        """Return whether trajectories are held out, or other data named, to measure a validation loss on."""
        return self.validation is not None or getattr(self, "train_fraction", 0.0) < 1

    def validation_columns(self) -> tuple[str, ...]:
        """Return the validation columns that a history may have, after `validation_`; none says that it cannot tell."""
        return ()

    def check_dataset(self, problem: str | None) -> None:
        """Check that settings of the model are defined for a dataset's `problem`; None: it names none.

        Raises:
            ValueError: one line: the setting, the problem, what to do.
        """

    def at_once(self) -> int:
        """Return how many members of a cohort on the same segments `train` should be handed at once."""
        return 1

    def prefixes(self) -> tuple[ModelConfigBase, ...]:
        """Return this configuration cut after each phase but the last, shortest first.

        A study whose phases depend on later ones returns () instead: what is stored for a prefix must be, bit for bit,
        the state in which the longer training begins its next phase.
        """
        phases = getattr(self, "phases", ())
        return tuple(self.model_copy(update={"phases": phases[:count]}) for count in range(1, len(phases)))

    def extendable(self) -> bool:
        """Return whether the same training with more steps in its last phase passes through the end of this one.

        It must do so bit for bit: not under a schedule that depends on the number of steps.
        """
        return False

    def warm_start(self) -> tuple[ModelConfigBase, int] | None:
        """Return (key, steps), or None if the training is not `extendable`.

        Configurations with equal key differ only in the steps of their last phase, and the shorter training is a prefix
        of the longer.
        """
        phases: tuple[PhaseBase, ...] = getattr(self, "phases", ())
        if not phases or not self.extendable():
            return None
        key = (*phases[:-1], phases[-1].model_copy(update={"steps": 1}))
        return self.model_copy(update={"phases": key}), phases[-1].steps
