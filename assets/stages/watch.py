"""Watch a running training: pass its progress on, keep its running record, write checkpoints, prune it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assets.home.checkpoints import Checkpoints
from assets.home.running import RunningRecord
from assets.stages.pruning import Judge
from trainers.study import Progress, Report


@dataclass
class Watch:
    """Pass progress on, write a checkpoint when one is due, and remember how far the training came."""

    report: Report
    checkpoints: Checkpoints
    record: RunningRecord
    judge: Judge | None = None
    """Prunes a trial of a search."""
    on_phase_end: Callable[[Progress], None] = lambda progress: None
    phase: int = 0
    step: int = 0
    total_steps: int = 0
    pruned: bool = False
    losses: dict[str, float] | None = None

    def __call__(self, progress: Progress) -> bool:
        """Take a report; return whether the training shall stop."""
        self.phase, self.step, self.total_steps = progress.phase, progress.step, progress.total_steps
        self.losses = {name: float(loss) for name, loss in progress.losses.items()}
        self.record.progress(self.phase, self.step, self.total_steps, self.losses, progress.phase_end)
        pruned = self._prune(progress)  # before a possible stop, so that no interim value is lost
        stop = self.report(progress) or self.record.asked_to_stop or pruned
        if progress.phase_end:  # before the checkpoint, from which a resumed training does not pass here again
            self.on_phase_end(progress)
        self.checkpoints.offer(progress, stopping=stop)
        return stop

    def _prune(self, progress: Progress) -> bool:
        """Return whether the training is pruned; its interim values go into its checkpoints."""
        if self.judge is None:
            return False
        self.pruned = self.judge(progress)
        self.checkpoints.interim_values = self.judge.report
        return self.pruned

    @property
    def last_losses(self) -> dict[str, Any]:
        """The losses that were reported last, as numbers of a manifest."""
        return {f"last_{name}": loss for name, loss in (self.losses or {}).items()}
