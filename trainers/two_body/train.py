"""Train neural ODEs of orbits: a curriculum of phases on segments, by gradient through the solver.

Each phase has its own segments, number of steps and learning rate, whose schedule starts anew with the phase. Weights
and the state of the optimiser carry over, so that two phases alike are one long phase. Batches are drawn from slices of
the segments and depend on (seed, phase, step) alone, see `lanes.Slices`. Every `validate_every` steps and at the end of
each phase there is a check: it measures the validation set and keeps the weights if their score is the lowest of the
phase; the score is the validation loss, or without a validation set the mean training loss since the check before.

Single precision throughout; data are normalised in double precision first, and times count from the start of their
segment. Method: Chen et al., Neural Ordinary Differential Equations (2018), discretise-then-optimise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from trainers.common.schedules import after_check
from trainers.study import Failed, Job, Place, Progress, Report, Trained
from trainers.two_body.baselines import fitted_of, train_baseline
from trainers.two_body.checkpoint import Columns, Run, from_state, to_arrays
from trainers.two_body.lessons import Lesson
from trainers.two_body.lessons import lesson as lesson_of
from trainers.two_body.network import parameter_count
from trainers.two_body.program import CHUNK, Chunk, Clock, Learner, Programs, programs
from trainers.two_body.together import Call, Steps, groups, train_together


def train(jobs: Sequence[Job], report: Report = lambda progress: False) -> Iterator[Trained | Failed]:
    """Train jobs one after another, or together where their configuration says so; yield one outcome each, in order.

    Jobs of one cohort go through the same compiled programs. No job's numbers depend on another job.
    A segmentation without usable segments, a loss or gradient that is not finite, and a solver that gives up are
    outcomes, not exceptions.

    Raises:
        ValueError: if the state that a job brings along is not one of its configuration or of a prefix of it.
    """
    for group in groups(jobs):
        if group[0].config.kind != "neural_ode":
            yield train_baseline(group[0])
        else:
            lessons = lru_cache(maxsize=1)(partial(lesson_of, group[0].config, group[0].segments))
            yield from train_together([_Course(job, programs(job.config), lessons, Clock(), report) for job in group])


@dataclass(frozen=True)
class _Course:
    """One job on its way through the curriculum."""

    job: Job
    programs: Programs
    lessons: Callable[[int], Lesson]
    """Number of a phase -> its data, which trainings that run together share."""
    clock: Clock
    report: Report

    def steps(self) -> Steps:
        """Go through all phases from where the job's state stands; yield every call of the program."""
        fresh = self.programs.start(self.job.config.seed)
        run = from_state(self.job.config, fresh, self.job.state) if self.job.state else Run(fresh, fresh.network)
        for number in range(run.phase, len(self.job.config.phases)):
            run = run.next_phase() if number > run.phase else run
            lesson = replace(self.lessons(number), phase=self.job.config.phases[number])
            while run.step < lesson.phase.steps:
                run, failure = yield from self._chunk(run, lesson)
                if failure:
                    return failure
                if self.report(self._progress(run, lesson)):
                    return self._trained(run, stopped=run.steps < self._total_steps)
        return self._trained(run, stopped=False)

    @property
    def _total_steps(self) -> int:
        return sum(phase.steps for phase in self.job.config.phases)

    def _chunk(self, run: Run, lesson: Lesson) -> Generator[Call, Chunk, tuple[Run, Failed | None]]:
        """Advance to the next check, or by as many steps as a compiled call takes."""
        config, phase = self.job.config, lesson.phase
        count = min(CHUNK, phase.steps - run.step, config.validate_every - run.step % config.validate_every)
        steps = np.arange(run.step, run.step + count)
        rates = np.zeros(CHUNK, np.float32)
        rates[:count] = phase.learning_rates(steps) * run.plateau.factor
        batches = lesson.batches(config.seed, steps)
        chunk = yield Call(lesson.train, run.learner, batches, rates, np.int32(count))
        done = int(chunk.done)
        rows = {name: np.asarray(values) for name, values in chunk.rows.items()}
        if done:
            run = self._advanced(run, chunk.learner, _columns(lesson.number, run.steps, done, rates, rows))
        if done < count:
            return run, self._failed(run, {name: float(values[done]) for name, values in rows.items()})
        return self._checked(run, lesson), None

    def _advanced(self, run: Run, learner: Learner, rows: Columns) -> Run:
        return replace(run, learner=learner, step=run.step + len(rows["step"]), blocks=(*run.blocks, rows))

    def _checked(self, run: Run, lesson: Lesson) -> Run:
        """Do what is due at a check and at the end of a phase."""
        every, last = self.job.config.validate_every, run.step == lesson.phase.steps
        if run.step % every and not last:
            return run
        score = float(np.mean(run.recent("loss", (run.step - 1) % every + 1), dtype=np.float64))
        if lesson.validation is not None:
            measured = self.programs.validate(self.clock, run.learner.network, lesson.validation, lesson.acceleration)
            for name, value in measured.items():
                run.blocks[-1][f"validation_{name}"][-1] = value
            score = float(measured["loss"])
        if score < run.score:
            run = replace(run, best=run.learner.network, score=score)
        run = replace(run, plateau=after_check(lesson.phase.rates, run.plateau, score, run.step, lesson.phase.steps))
        return run.end_phase() if last else run

    def _progress(self, run: Run, lesson: Lesson) -> Progress:
        row = {name: float(values[-1]) for name, values in run.blocks[-1].items()}
        losses = {name: value for name, value in row.items() if name not in ("phase", "step") and np.isfinite(value)}
        ended = run.step == lesson.phase.steps
        return Progress(
            self.job.key, run.phase, run.steps, self._total_steps, losses, lambda: to_arrays(run), phase_end=ended
        )

    def _failed(self, run: Run, row: dict[str, float]) -> Failed:
        """Name the step that could not be taken: 0-based, i.e. the number of steps done before it."""
        before = f"last finite loss {run.blocks[-1]['loss'][-1]:.6g}" if run.blocks else "no step succeeded before"
        status: Literal["solver_failed", "diverged"] = "solver_failed" if row["solver_failures"] else "diverged"
        if row["solver_failures"]:
            what = f"the solver gave up on {row['solver_failures']:.0f} segments; loosen rtol or raise max_steps"
        else:
            what = f"loss {row['loss']}, gradient norm {row['gradient_norm']}; lower the rate or set clip_norm"
        detail = f"{what}; {before}"
        place = Place("train", run.phase, run.steps)
        return Failed(self.job.key, status, place, detail, self._trained(run, stopped=True))

    def _trained(self, run: Run, stopped: bool) -> Trained:
        history = run.table()
        last = self.job.segments.counts[run.phase]
        return Trained(
            key=self.job.key,
            weights={**run.weights(), **run.ended},
            state=to_arrays(run),
            history=history,
            timings=self.clock.seconds,
            counts={
                "parameters": parameter_count(self.job.config),
                "steps": run.steps,
                "solver_steps": int(history["solver_steps"].sum()) if run.blocks else 0,
                "train_segments": int(last["train_segments"]),
                "validation_segments": int(last["validation_segments"]),
                "no_validation": int(not last["validation_segments"]),
            },
            fitted=fitted_of(self.job.segments),
            meta=self.job.segments.meta,
            stopped=stopped,
        )


def _columns(phase: int, before: int, count: int, rates: np.ndarray, rows: Columns) -> Columns:
    """Return the history of `count` steps; validation columns are NaN until they are measured."""
    measured = {name: values[:count] for name, values in rows.items() if name != "solver_failures"}
    losses = [name for name in measured if name not in ("gradient_norm", "solver_steps")]
    return {
        "phase": np.full(count, phase),
        "step": np.arange(before + 1, before + count + 1),
        "learning_rate": rates[:count],
        **measured,
        **{f"validation_{name}": np.full(count, np.nan, np.float32) for name in [*losses, "field"]},
    }
