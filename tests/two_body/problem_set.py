"""Small data and small configurations for the tests of training and evaluation."""

from trainers.study import Job, Trained
from trainers.two_body.config import DatasetConfig, ModelConfig, Phase
from trainers.two_body.segment import segment
from trainers.two_body.simulate import simulate
from trainers.two_body.train import train

ORBITS = simulate(DatasetConfig(orbits=3, points=60, eccentricity=(0.0, 0.3), seed=5))
TEST = simulate(DatasetConfig(orbits=5, points=60, eccentricity=(0.0, 0.4), seed=6))


def small(**changes) -> ModelConfig:
    settings = {"width": 8, "depth": 1, "activation": "tanh", "validate_every": 4, "batch_size": 256}
    phases = changes.pop("phases", (Phase(steps=10, learning_rate=1e-2, segment_length=5),))
    return ModelConfig(**(settings | changes), phases=phases)


def job(config: ModelConfig, key: str = "a", state=None, orbits=ORBITS) -> Job:
    return Job(key, config, segment(config.segmentation(), orbits), state)


def trained(config: ModelConfig, **options) -> Trained:
    (outcome,) = train([job(config, **options)])
    assert isinstance(outcome, Trained), outcome
    return outcome
