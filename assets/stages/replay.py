"""Make one artifact again, alone and verbosely: `python -m assets.stages.replay` reads a task from standard input.

It prints every report as it comes. The stored artifact is replaced only by a success; checkpoints are neither read nor
written, so that a failure shows from where the training began.
"""

from __future__ import annotations

import faulthandler
import json
import sys
import traceback
from collections.abc import Mapping

from assets.home.checkpoints import Checkpoints, RestoredState
from assets.stages.exception_status import one_line, status_of
from assets.stages.freshness import Planner
from assets.stages.layers import LAYERS
from assets.stages.make import make, run
from assets.stages.making import Making
from assets.stages.tasks import Task, task_from_json
from assets.store.store import Store
from trainers.study import Failed, Progress


class NoCheckpoints(Checkpoints):
    """Checkpoints that stay as they are until the model is stored."""

    def offer(self, progress: Progress, stopping: bool = False) -> None:
        """Write nothing."""

    def newest(self) -> RestoredState:
        """Find nothing."""
        return RestoredState()


def main() -> int:
    """Make what standard input asks for; return 0 if it is ok."""
    faulthandler.enable()
    task, store = task_from_json(json.loads(sys.stdin.readline())), Store()
    planner = Planner(store)
    for item in task.item.upstream():
        if planner.verdict(item).due:
            outcome = run(item, planner.fingerprint(item), store)
            _say(f"{item.layer} {item.key}: {outcome.status} {outcome.detail}")
    return replay(task, store)


def replay(task: Task, store: Store) -> int:
    """Make one artifact verbosely; return 0 if it is ok, else 1."""
    making = Making(task.item, task.fingerprint, LAYERS[task.item.layer].stage, store, _report)
    making.checkpoints = making.watch.checkpoints = NoCheckpoints(
        task.item.study, task.item.hash, task.fingerprint.value
    )
    try:
        failed = make(making)
    except BaseException as error:  # printed here, where a run would store it
        traceback.print_exc()
        failed = making.failure(status_of(error), one_line(error))
    _say(_end(task, failed))
    return 1 if failed else 0


def _end(task: Task, failed: Failed | None) -> str:
    if failed is None:
        return f"{task.item.key}: ok, and stored"
    place = f"stage {failed.place.stage}, phase {failed.place.phase}, step {failed.place.step}"
    return f"{task.item.key}: {failed.status} in {place}: {failed.detail}; what is stored is unchanged"


def _report(progress: Progress) -> bool:
    _say(f"phase {progress.phase}, step {progress.step} of {progress.total_steps}: {_losses(progress.losses)}")
    return False


def _losses(losses: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {float(value):.6g}" for name, value in losses.items())


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
