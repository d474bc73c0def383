"""`orrery stop`: end one training and keep its best, or a whole launch."""

import os
import signal
import time
from typing import TYPE_CHECKING, Annotated

import typer

from assets.identity.labels import names
from orchestration.cli.request import clear_errors, refuse

if TYPE_CHECKING:
    from assets.home.launches import Launch
    from assets.home.leases import Held

What = Annotated[
    str, typer.Argument(help="A sweep that runs (<study>/<sweep>), or the key or hash of a training, or its beginning.")
]

PATIENCE_SECONDS = 30.0


def stop(what: What) -> None:
    """Ask a training, or all of a launch, to checkpoint and end; the best so far is kept, a further run goes on."""
    from assets.home import launches, leases

    with clear_errors():
        for record in launches.found():
            if what in (record.sweep, record.sweep.partition("/")[2]) and record.alive:
                return _stop_launch(record)
        name = what.rpartition("/")[2]
        running = [one for one in leases.held() if one.alive and one.layer == "model"]
        meant = [one for one in running if names(name, one.hash, one.told.get("key", ""))]
        if len(meant) > 1:
            refuse(
                f"{what!r} may be any of {', '.join(one.told.get('key', one.hash) for one in meant)}; give more of it"
            )
        for held in meant:
            return _stop_training(held)
    refuse(f"{what!r} does not run now; `orrery status` shows what does: give its sweep, or the key of a training")


def _stop_launch(record: "Launch") -> None:
    """Signal the launcher, and wait for its end."""
    if record.holder.alive is None:
        refuse(f"{record.sweep} runs on {record.holder.host}; stop it there")
    os.kill(record.holder.pid, signal.SIGTERM)
    if _wait(lambda: record.holder.alive):
        print(f"{record.sweep}: stopped; `orrery run {record.sweep}` goes on from the checkpoints")
    else:
        print(f"{record.sweep}: asked to stop; process {record.holder.pid} still works; once more breaks it off")


def _stop_training(held: "Held") -> None:
    """Leave a request beside the lease, and wait for the training to see it at its next report."""
    from assets.home.leases import Lease, read

    lease = Lease(held.study, held.layer, held.hash)
    lease.stop_path.touch()
    key = held.told.get("key", held.hash)

    def works() -> bool:
        found = read(lease.path)
        return bool(found and found.holder == held.holder)

    if _wait(works):
        print(f"{key}: stopped, its best so far is kept; a further run goes on from there")
    else:
        print(f"{key}: asked to stop; it will at its next report")


def _wait(going, seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait for something to end; return whether it did."""
    until = time.monotonic() + seconds
    while going():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
