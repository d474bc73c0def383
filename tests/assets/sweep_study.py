"""A study of configurations alone, with every kind of field that a sweep has to deal with."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from trainers.common.names import check_name
from trainers.study import Config, DatasetConfigBase, ModelConfigBase, Study

HEADS = ("plain", "signed", "unit_exp")


class DatasetConfig(DatasetConfigBase):
    family: Literal["wide", "narrow"] = "wide"
    size: Annotated[int, Field(ge=1)] = 10
    start: Annotated[float, Field(ge=0, lt=360)] | Literal["random"] = "random"
    seed: Annotated[int, Field(ge=0)] = 0


class Phase(Config):
    steps: Annotated[int, Field(ge=1)] = 100
    rate: Annotated[float, Field(gt=0)] = 1e-3
    segment_length: Annotated[int, Field(ge=2)] = 18
    window: tuple[float, float] = (0.0, 1.0)


class Loss(Config):
    name: str = "mse"
    weight: Annotated[float, Field(ge=0)] = 0.0


class Lstm(Config):
    kind: Literal["lstm"] = "lstm"
    width: int = 8


class Gru(Config):
    kind: Literal["gru"] = "gru"
    width: int = 8


class Mlp(Config):
    kind: Literal["mlp"] = "mlp"
    width: int = 8


class Segmentation(Config):
    lengths: tuple[int, ...] = (18,)


class ModelConfig(ModelConfigBase):
    shared: ClassVar[tuple[str, ...]] = ("seed", "phases[*].rate", "loss.weight")

    head: str = "plain"
    width: Annotated[int, Field(ge=1)] = 64
    planar: bool = True
    loss: Loss = Loss()
    network: Annotated[Lstm | Gru | Mlp, Field(discriminator="kind")] = Lstm()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] = (Phase(),)

    def model_post_init(self, context: object) -> None:
        check_name("head", self.head, HEADS)

    def segmentation(self) -> Segmentation:
        return Segmentation(lengths=tuple(phase.segment_length for phase in self.phases))


STUDY = Study(
    name="paper",
    title="Configurations alone",
    framework="jax",
    package="tests.assets.nowhere",
    dataset=DatasetConfig,
    model=ModelConfig,
    presets={
        "small": DatasetConfig(size=2),
        "small_again": DatasetConfig(size=2),
        "test": DatasetConfig(size=5, seed=1005),
    },
    headline=("error",),
)

GOOD = """study: paper
description: What works?
tests: [test, {other: {size: 3, seed: 9}}]
base:
  dataset: small
  model: {phases: [{steps: 50}, {steps: 500, rate: 1e-4}]}
vary:
  model.head: [plain, signed]
  model.seed: [0, 1]
"""
