"""The posterior network's flow on two tasks of sbibm, compared with its reference posteriors: C2ST, 0.5 is best.

    python -m pip download --no-deps sbibm==1.1.0 && unzip sbibm-1.1.0-py2.py3-none-any.whl -d sbibm-files
    python results/urease/sbibm.py sbibm-files two_moons 10000 0        # task, simulations, seed

Only the package's data files are read: ten observations with 10,000 reference samples each. Simulators and priors are
those of sbibm (Lueckmann et al. 2021, arXiv 2101.04653): for sir, an epidemic of a million people over 160 days, of
which ten counts of 1000 tested are seen. Flow, training loop, coordinates of the box and C2ST are those of the study.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from trainers.common.schedules import Schedule
from trainers.common.splits import split
from trainers.common.torch_training.epochs import train_epochs
from trainers.common.torch_training.task import Phase, Task, initialise
from trainers.study import Job, Segments, Trained
from trainers.urease.bounded import from_normal, to_normal
from trainers.urease.losses import posterior_nll
from trainers.urease.models.networks import spline_flow
from trainers.urease.scores.distances import c2st
from trainers.urease.settings import Flow

Array = np.ndarray
EPOCHS, BATCH, RATE = {10_000: 100, 100_000: 30}, 256, 2e-3
COMPARED = 2000
"""Samples of each posterior that are told apart; sbibm takes 10,000, which takes ten times as long."""


class TwoMoons:
    """theta uniform in [-1, 1]^2, x a crescent shifted by theta."""

    @staticmethod
    def draw(random: np.random.Generator, count: int) -> Array:
        return random.uniform(-1, 1, (count, 2))

    @staticmethod
    def simulate(theta: Array, random: np.random.Generator) -> Array:
        angle = random.uniform(-np.pi / 2, np.pi / 2, len(theta))
        radius = random.normal(0.1, 0.01, len(theta))
        crescent = np.stack([radius * np.cos(angle) + 0.25, radius * np.sin(angle)], axis=1)
        sum_, difference = theta[:, 0] + theta[:, 1], theta[:, 1] - theta[:, 0]
        return crescent + np.stack([-np.abs(sum_), difference], axis=1) / 2**0.5

    @staticmethod
    def normal(theta: Array) -> Array:
        return to_normal(theta, np.full(2, -1.0), np.full(2, 1.0))

    @staticmethod
    def back(z: Array) -> Array:
        return from_normal(z, np.full(2, -1.0), np.full(2, 1.0))

    @staticmethod
    def features(x: Array) -> Array:
        return x


class Sir:
    """theta = contact and recovery rate, log-normal; x = ten binomial counts of the infected."""

    LOCATION, SCALE = np.log([0.4, 0.125]), np.array([0.5, 0.2])

    @classmethod
    def draw(cls, random: np.random.Generator, count: int) -> Array:
        return cls.back(random.standard_normal((count, 2)))

    @staticmethod
    def simulate(theta: Array, random: np.random.Generator) -> Array:
        beta, gamma = theta.T
        S, infected, seen, step = np.full(len(theta), 1e6 - 1), np.ones(len(theta)), [], 0.25
        for k in range(153 * 4 + 1):
            if k % 68 == 0:
                seen.append(infected)
            state = np.stack([S, infected])

            def slope(y: Array) -> Array:
                flow = beta * y[0] * y[1] / 1e6
                return np.stack([-flow, flow - gamma * y[1]])

            a = slope(state)
            b = slope(state + step / 2 * a)
            c = slope(state + step / 2 * b)
            S, infected = state + step / 6 * (a + 2 * b + 2 * c + slope(state + step * c))
        return random.binomial(1000, np.clip(np.stack(seen, axis=1) / 1e6, 0, 1)).astype(float)

    @classmethod
    def normal(cls, theta: Array) -> Array:
        return (np.log(theta) - cls.LOCATION) / cls.SCALE

    @classmethod
    def back(cls, z: Array) -> Array:
        return np.exp(cls.LOCATION + cls.SCALE * z)

    @staticmethod
    def features(x: Array) -> Array:
        return np.concatenate([np.log1p(x), np.sqrt(x) / 10], axis=1)


TASKS = {"two_moons": TwoMoons, "sir": Sir}


class Conditional(nn.Module):
    """An embedding of three layers, then the study's flow."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        layers = [nn.Linear(inputs, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU()]
        self.embedding = nn.Sequential(*layers)
        self.flow = spline_flow(Flow(transforms=4, hidden=(64, 64)), unknowns=2, context=128)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.flow(self.embedding(x)).log_prob(z)


def trained_network(x: Array, z: Array, seed: int) -> Conditional:
    """Train by the shared loop, early stopping on a tenth; return the network with its best weights."""
    network = initialise(lambda: Conditional(x.shape[1]), seed)
    assert isinstance(network, Conditional)
    tensors = [torch.from_numpy(part.astype(np.float32)) for part in (x, z)]
    train, held_out = split(len(x), 0.9, seed)

    def loss(index: Tensor, chosen: Array) -> dict[str, Tensor]:
        rows = torch.from_numpy(chosen)[index]
        return posterior_nll(network(tensors[0][rows], tensors[1][rows]))

    epochs = EPOCHS[len(x)]
    schedule = Schedule(shape="cosine", warmup=1 / epochs)
    phase = Phase(epochs, BATCH, RATE, schedule, weight_decay=1e-5, clip_norm=5.0, patience=20)
    task = Task(
        network,
        (phase,),
        seed,
        lambda i, epoch: loss(i, train),
        len(train),
        lambda i, epoch: loss(i, held_out),
        len(held_out),
    )
    empty = Segments(({},), train, held_out, ({"train_segments": len(train)},))
    outcome = train_epochs(Job("sbibm", None, empty), task, lambda progress: False, torch.device("cpu"))
    assert isinstance(outcome, Trained)
    best = {n.removeprefix("best/"): torch.from_numpy(w) for n, w in outcome.weights.items() if n.startswith("best/")}
    network.load_state_dict(best)
    return network.eval()


def main(files: str, name: str, simulations: int, seed: int) -> None:
    """Train on `simulations` and print the C2ST of every observation."""
    torch.set_num_threads(1)
    task, random = TASKS[name], np.random.default_rng([seed, 99])
    theta = task.draw(random, simulations)
    features = task.features(task.simulate(theta, random))
    mean, scale = features.mean(axis=0), features.std(axis=0)
    network = trained_network((features - mean) / scale, task.normal(theta), seed)
    scores = []
    for number in range(1, 11):
        folder = Path(files) / "sbibm" / "tasks" / name / "files" / f"num_observation_{number}"
        reference = pd.read_csv(folder / "reference_posterior_samples.csv.bz2").to_numpy()[:COMPARED]
        x = task.features(pd.read_csv(folder / "observation.csv").to_numpy())
        with torch.no_grad():
            context = network.embedding(torch.from_numpy(((x - mean) / scale).astype(np.float32)))
            torch.manual_seed(number)
            samples = task.back(network.flow(context[0]).sample((COMPARED,)).double().numpy())
        scores.append(c2st(reference, samples))
        print(f"{name},{simulations},{seed},{number},{scores[-1]:.4f}", flush=True)
    print(f"# mean {np.mean(scores):.3f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
