"""The course of one training through its phases: chunks of steps, checks, the best weights, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from trainers.common.config import CurriculumPhase
from trainers.common.curriculum import phase_rates, schedule_of
from trainers.common.jax_training.programs import CHUNK, FAILURES, Call, Chunk, Clock, Learner, Programs
from trainers.common.jax_training.state import Columns, State, from_arrays, to_arrays
from trainers.common.schedules import after_check
from trainers.study import Failed, Job, Place, Progress, Report, Settled, Trained

Calls = Generator[Call, Chunk | None, Trained | Failed]
"""A training as a generator: it yields the arguments of a call, is sent the result, and returns its outcome."""


def no_columns(steps: np.ndarray) -> Columns:
    """Add no column to the history."""
    return {}


@dataclass(frozen=True)
class PhaseData:
    """The data of one phase; trainings side by side share them."""

    train: Any
    """Training data on the device: any pytree of arrays."""
    batches: Callable[[int, np.ndarray], Any]
    """(seed, steps (K,) of the phase) -> batches: arrays (K, ...) that depend on (seed, step) alone."""
    check_every: int
    """Steps between two checks, an epoch or a fixed number; the last step of the phase is followed by one too."""
    validation: Any = None
    """Validation data on the device; None: the score of a model is the mean training loss since the last check."""
    columns: Callable[[np.ndarray], Columns] = no_columns
    """Steps (K,) of the phase -> further columns (K,) of the history: epoch, horizon."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Further entries of `Trained.counts` where the training ends in this phase."""


@dataclass(frozen=True)
class Course:
    """One job on its way through its phases.

    After every `check_every` steps and at the end of a phase there is a check: it measures the validation loss, stores
    the weights if their score is the lowest of the phase, and advances a plateau rule.
    """

    job: Job
    programs: Programs
    phases: Sequence[CurriculumPhase]
    data: Callable[[int], PhaseData]
    """Number of a phase -> its data."""
    report: Report
    clock: Clock = field(default_factory=Clock)

    def calls(self) -> Calls:
        """Train through all phases, from the job's state or from the start; yield every call of the program.

        Raises:
            ValueError: the job's state is not one of its configuration or of a prefix of it.
        """
        fresh = self.programs.start(self.job.config.seed)
        state = State(self.programs.method, fresh, fresh.model)
        if self.job.state:
            state = from_arrays(self.programs, self.phases, fresh, self.job.state)
        for number in range(state.phase, len(self.phases)):
            phase, data = self.phases[number], self.data(number)
            state = state.next_phase(self.programs, phase) if number > state.phase else state
            while state.step < phase.steps:
                state, failure = yield from self._chunk(state, phase, data)
                if failure:
                    return failure
                if self.report(self._progress(state)):
                    return self._outcome(state, stopped=state.steps < self._total_steps)
        return self._outcome(state, stopped=False)

    @property
    def _total_steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    def _chunk(
        self, state: State, phase: CurriculumPhase, data: PhaseData
    ) -> Generator[Call, Chunk, tuple[State, Failed | None]]:
        """Advance to the next check, or by CHUNK steps where that is farther away."""
        count = min(CHUNK, phase.steps - state.step, data.check_every - state.step % data.check_every)
        steps = np.arange(state.step, state.step + count)
        rates = np.zeros(CHUNK, np.float32)
        rates[:count] = phase_rates(phase, steps) * state.plateau.factor
        batches = jax.tree.map(_pad_to_chunk, data.batches(self.job.config.seed, steps))
        chunk = yield Call(data.train, state.learner, batches, rates, np.int32(count))
        done = int(chunk.done)
        rows = {name: np.asarray(values) for name, values in chunk.rows.items()}
        if done:
            state = self._after_steps(state, chunk.learner, rows, rates[:done], data.columns(steps[:done]))
        if done < count:
            return state, self._failure(state, {name: float(values[done]) for name, values in rows.items()})
        return self._check(state, phase, data)

    def _after_steps(self, state: State, learner: Learner, rows: Columns, rates: np.ndarray, further: Columns) -> State:
        """Return the state after the steps of `rates`; validation columns are NaN until a check measures them."""
        count, method = len(rates), self.programs.method
        columns = {name: values[:count] for name, values in rows.items() if name != FAILURES}
        losses = [name for name in columns if name not in ("gradient_norm", *method.counts)]
        block = {
            "phase": np.full(count, state.phase),
            "step": np.arange(state.steps + 1, state.steps + count + 1),
            "learning_rate": rates,
            **further,
            **columns,
            **{f"validation_{name}": np.full(count, np.nan, np.float32) for name in (*losses, *method.validation_only)},
        }
        return replace(state, learner=learner, step=state.step + count, blocks=(*state.blocks, block))

    def _check(self, state: State, phase: CurriculumPhase, data: PhaseData) -> tuple[State, Failed | None]:
        """Return the state after the check that is due at this step, if one is, and after the end of the phase.

        A validation loss that is not finite is divergence.
        """
        every, last = data.check_every, state.step == phase.steps
        if state.step % every and not last:
            return state, None
        # the mean over the steps since the last check; the last interval of a phase may be shorter
        score = float(np.mean(state.recent("loss", (state.step - 1) % every + 1), dtype=np.float64))
        if data.validation is not None:
            row = self.programs.validate(self.clock, state.learner.model, data.validation)
            for name, value in row.items():
                state.blocks[-1][f"validation_{name}"][-1] = value
            score = float(row["loss"])
            if not np.isfinite(score):
                return state, self._divergence(state, f"validation loss {score}")
        if score < state.score:
            state = replace(state, best=state.learner.model, score=score)
        state = replace(state, plateau=after_check(schedule_of(phase), state.plateau, score, state.step, phase.steps))
        return (state.end_phase() if last else state), None

    def _progress(self, state: State) -> Progress:
        row = {name: float(values[-1]) for name, values in state.blocks[-1].items()}
        losses = {name: value for name, value in row.items() if name not in ("phase", "step") and np.isfinite(value)}
        return Progress(
            key=self.job.key,
            phase=state.phase,
            step=state.steps,
            total_steps=self._total_steps,
            losses=losses,
            state=lambda: to_arrays(state),
            phase_end=state.step == self.phases[state.phase].steps,
        )

    def _failure(self, state: State, row: dict[str, float]) -> Failed:
        """Return the failure of a step from its row; the place is the number of steps done before it."""
        status: Settled = "solver_failed" if row.get(FAILURES) else "diverged"
        if status == "solver_failed":
            what = f"the solver gave up on {row[FAILURES]:.0f} segments; loosen rtol or raise max_steps"
            return self._failed(state, status, what)
        return self._divergence(state, f"loss {row['loss']}, gradient norm {row['gradient_norm']}")

    def _divergence(self, state: State, what: str) -> Failed:
        return self._failed(state, "diverged", f"{what}; lower the rate or set clip_norm")

    def _failed(self, state: State, status: Settled, what: str) -> Failed:
        """Return a failure after the steps done so far, with the model that there is."""
        before = f"last finite loss {state.blocks[-1]['loss'][-1]:.6g}" if state.blocks else "no step succeeded before"
        place = Place("train", state.phase, state.steps)
        return Failed(self.job.key, status, place, f"{what}; {before}", self._outcome(state, stopped=True))

    def _outcome(self, state: State, stopped: bool) -> Trained:
        history, arrays = state.table(), state.method.to_arrays(state.learner.model)
        sums = {name: int(history[name].sum()) if name in history else 0 for name in state.method.counts}
        parameters = sum(int(array.size) for array in arrays.values())
        return Trained(
            key=self.job.key,
            weights={**state.weights(), **state.ended},
            state=to_arrays(state),
            history=history,
            timings=self.clock.seconds,
            counts={"parameters": parameters, "steps": state.steps, **sums, **self.data(state.phase).counts},
            fitted=self.job.segments.fitted,
            meta=self.job.segments.meta,
            stopped=stopped,
        )


def _pad_to_chunk(values: np.ndarray) -> np.ndarray:
    """Pad batches (K, ...) with zeros to (CHUNK, ...): calls of one shape share one compiled program."""
    return np.concatenate([values, np.zeros((CHUNK - len(values), *values.shape[1:]), values.dtype)])
