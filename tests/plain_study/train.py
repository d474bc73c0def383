"""Train by gradient descent on all segments at once, resumable at every report."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from trainers.study import Failed, Job, Place, Progress, Report, Trained

EVERY = 10
COLUMNS = ("phase", "step", "learning_rate", "loss")


def train(jobs: Sequence[Job], report: Report) -> Iterator[Trained | Failed]:
    """Train each job; numbers depend on nothing but its configuration and segments."""
    for job in jobs:
        yield _Training(job).run(report)


class _Training:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.ends = np.cumsum([phase.steps for phase in job.config.phases])
        self.scale = float(job.segments.fitted["scale"])
        state = job.state or {
            "weights": np.random.default_rng(job.config.seed).normal(size=(2, 2)),
            "history": np.zeros((0, len(COLUMNS))),
        }
        self.weights, self.history = np.array(state["weights"]), [tuple(row) for row in state["history"]]

    def run(self, report: Report) -> Trained | Failed:
        while (step := len(self.history)) < self.ends[-1]:
            number = int(np.searchsorted(self.ends, step, side="right"))
            loss = self._step(number)
            if not np.isfinite(loss) or loss > 1e6:
                place = Place("train", number, step)
                return Failed(self.job.key, "diverged", place, f"the loss is {loss}", self._trained())
            if self._report(report, number, loss):
                return self._trained(stopped=True)
        return self._trained()

    def _step(self, number: int) -> float:
        rate = self.job.config.phases[number].learning_rate
        y = self.job.segments.phases[number]["train/y"] / self.scale
        now, then = y[:, :-1].reshape(-1, 2), y[:, 1:].reshape(-1, 2)
        error = now @ self.weights - then
        loss = float((error**2).mean())
        self.weights = self.weights - rate * now.T @ error / len(now)
        self.history.append((number, len(self.history) + 1, rate, loss))
        return loss

    def _report(self, report: Report, number: int, loss: float) -> bool:
        step = len(self.history)
        if step % EVERY and step != self.ends[number]:
            return False
        time.sleep(self.job.config.pause)
        if self.job.config.memory and step >= self.ends[-1] // 2:
            np.ones(2**55)
        last = step == self.ends[number]
        progress = Progress(self.job.key, number, step, int(self.ends[-1]), {"loss": loss}, self._state, last)
        return report(progress) and step < self.ends[-1]

    def _state(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "history": np.array(self.history, float).reshape(-1, len(COLUMNS))}

    def _trained(self, stopped: bool = False) -> Trained:
        history = pd.DataFrame(self.history, columns=list(COLUMNS)).astype({"phase": int, "step": int})
        return Trained(
            key=self.job.key,
            weights={"best/map": self.weights, "last/map": self.weights},
            state=self._state(),
            history=history,
            timings={},
            counts={"parameters": 4, "steps": len(self.history)},
            fitted=dict(self.job.segments.fitted),
            meta=dict(self.job.segments.meta),
            stopped=stopped,
        )
