"""Train by Adam on all segments at once, resumable at every report."""

import os
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch

from tests.toy_study.config import ModelConfig
from tests.toy_study.network import arrays, change, start, tensors
from trainers.study import Arrays, Failed, Job, Place, Progress, Report, Trained

EVERY = 10
COLUMNS = ("phase", "step", "learning_rate", "loss", "validation_loss")


def train(jobs: Sequence[Job], report: Report) -> Iterator[Trained | Failed]:
    """Train each job; numbers depend on nothing but its configuration and segments."""
    for job in jobs:
        yield Training(job).run(report)


class Training:
    """One training: weights, Adam's moments, history."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config: ModelConfig = job.config
        self.scale = float(job.segments.fitted["scale"])
        self.weights = start(self.config)
        self.moments = {name: torch.zeros(2, *w.shape, dtype=w.dtype) for name, w in self.weights.items()}
        self.history: list[tuple[float, ...]] = []
        self.phase, self.step = 0, 0
        self.total = sum(phase.steps for phase in self.config.phases)
        if job.state is not None:
            self._restore(job.state)

    def run(self, report: Report) -> Trained | Failed:
        """Go through the phases from where the state stands."""
        start_time = time.monotonic()
        ends = np.cumsum([phase.steps for phase in self.config.phases])
        stopped = False
        while self.step < self.total and self.config.kind == "network" and not stopped:
            self.phase = int(np.searchsorted(ends, self.step, side="right"))
            loss = self._step()
            if not np.isfinite(loss):
                place = Place("train", self.phase, self.step)
                return Failed(self.job.key, "diverged", place, f"the loss is {loss}", self._trained(start_time))
            phase_end = self.step == ends[self.phase]
            if self.step % EVERY == 0 or phase_end:
                self._misbehave()
                losses = {"loss": loss, "validation_loss": self.history[-1][-1]}
                stop = report(Progress(self.job.key, self.phase, self.step, self.total, losses, self._state, phase_end))
                stopped = stop and self.step < self.total
        return self._trained(start_time, stopped)

    def _step(self) -> float:
        rate = self.config.phases[self.phase].learning_rate
        loss = self._loss("train")
        gradients = torch.autograd.grad(loss, list(self.weights.values()))
        self.step += 1
        for (name, weight), gradient in zip(self.weights.items(), gradients, strict=True):
            self._adam(weight, self.moments[name], gradient, rate)
        with torch.no_grad():
            row = (self.phase, self.step, rate, float(loss), float(self._loss("validation")))
        self.history.append(row)
        return float("nan") if self._half_way("diverge") else row[3]

    def _loss(self, part: str) -> torch.Tensor:
        y = torch.tensor(self.job.segments.phases[self.phase][f"{part}/y"]) / self.scale
        if not len(y):
            return torch.tensor(float("nan"))
        return ((y[:, :-1] + change(self.weights, y[:, :-1]) - y[:, 1:]) ** 2).mean()

    def _adam(self, weight: torch.Tensor, moments: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        moments[0].mul_(0.9).add_(gradient, alpha=0.1)
        moments[1].mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        first, second = moments[0] / (1 - 0.9**self.step), moments[1] / (1 - 0.999**self.step)
        with torch.no_grad():
            weight.sub_(rate * first / (second.sqrt() + 1e-8))

    def _half_way(self, behaviour: str) -> bool:
        return self.config.behaviour == behaviour and self.step >= self.total // 2

    def _misbehave(self) -> None:
        if self.config.behaviour == "slow":
            time.sleep(0.2)
        if self._half_way("crash"):
            os._exit(3)
        if self._half_way("hang"):
            time.sleep(3600)
        if self._half_way("memory"):
            raise MemoryError("no room for the gradients")
        if self._half_way("raise"):
            raise ValueError("the teapot is empty")
        if self._half_way("print"):
            print("a library prints to standard output")
            os.write(1, b"and so does one that is written in C\n")

    def _state(self) -> Arrays:
        weights = {f"weights/{name}": array for name, array in arrays(self.weights).items()}
        moments = {f"moments/{name}": array.numpy().copy() for name, array in self.moments.items()}
        history = np.array(self.history, dtype=np.float64).reshape(-1, len(COLUMNS))
        return {**weights, **moments, "history": history, "place": np.array([self.phase, self.step])}

    def _restore(self, state: Arrays) -> None:
        parts = {name: {} for name in ("weights", "moments")}
        for name, array in state.items():
            head, _, rest = name.partition("/")
            if rest:
                parts[head][rest] = array
        self.weights = tensors(parts["weights"])
        self.moments = {name: torch.from_numpy(array.copy()) for name, array in parts["moments"].items()}
        self.history = [tuple(row) for row in state["history"]]
        self.phase, self.step = (int(number) for number in state["place"])

    def _trained(self, started: float, stopped: bool = False) -> Trained:
        last = arrays(self.weights)
        history = pd.DataFrame(self.history, columns=list(COLUMNS)).astype({"phase": int, "step": int})
        return Trained(
            key=self.job.key,
            weights={f"{kind}/{name}": array for kind in ("best", "last") for name, array in last.items()},
            state=self._state(),
            history=history,
            timings={"train": time.monotonic() - started},
            counts={"parameters": sum(array.size for array in last.values()), "steps": self.step},
            fitted=dict(self.job.segments.fitted),
            meta=dict(self.job.segments.meta),
            stopped=stopped,
        )
