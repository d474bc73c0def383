"""`orrery stop`: end one training and keep its best, or a whole launch."""

import os
import signal
import time
from typing import TYPE_CHECKING, Annotated

import typer

from assets.identity.labels import names
from orchestration.cli.request import clear_errors, refuse

if TYPE_CHECKING:
    from assets.home.launches import LaunchRecord
    from assets.home.running import Attempt

What = Annotated[
    str, typer.Argument(help="A sweep that runs (<study>/<sweep>), or the key or hash of a training, or its beginning.")
]

PATIENCE_SECONDS = 30.0


def stop(what: What) -> None:
    """Ask a training, or all of a launch, to checkpoint and end; the best so far is kept, and a further run resumes."""
    from assets.home.launches import launches
    from assets.home.running import running

    with clear_errors():
        for record in launches():
            if what in (record.sweep, record.sweep.partition("/")[2]) and record.alive:
                return _stop_launch(record)
        name = what.rpartition("/")[2]
        trainings = [one for one in running() if one.layer == "model" and names(name, one.hash, one.key)]
        if len(trainings) > 1:
            refuse(f"{what!r} may be any of {', '.join(one.key for one in trainings)}; give more of it")
        for training in trainings:
            return _stop_training(training)
    refuse(f"{what!r} does not run now; `orrery status` shows what does: give its sweep, or the key of a training")


def _stop_launch(record: "LaunchRecord") -> None:
    """Signal the launcher, and wait for its end."""
    if not record.here:
        refuse(f"{record.sweep} runs on {record.host}; stop it there")
    os.kill(record.pid, signal.SIGTERM)
    if _wait(lambda: record.alive):
        print(f"{record.sweep}: stopped; `orrery run {record.sweep}` resumes from the checkpoints")
    else:
        print(f"{record.sweep}: asked to stop; process {record.pid} still works; once more breaks it off")


def _stop_training(attempt: "Attempt") -> None:
    """Leave a request beside the running record, and wait for the training to see it at its next report."""
    from assets.home.running import attempt_at

    attempt.ask_to_stop()

    def works() -> bool:
        latest = attempt_at(attempt.record.path)
        return latest is not None and latest.alive and latest.begun == attempt.begun

    if _wait(works):
        print(f"{attempt.key}: stopped, its best so far is kept; a further run resumes from there")
    else:
        print(f"{attempt.key}: asked to stop; it will at its next report")


def _wait(going, seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait for something to end; return whether it did."""
    until = time.monotonic() + seconds
    while going():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
