"""`orrery attach`: follow the output of a launch that runs in the background."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.request import refuse

TICK_SECONDS = 0.2

What = Annotated[str, typer.Argument(help="A sweep that was launched with --detach; empty: the one that runs.")]


def attach(sweep: What = "") -> None:
    """Show what a detached launch prints, from its beginning to its end; Ctrl-C leaves it running."""
    from assets.home.launches import launches
    from assets.store.locks import is_held

    running = [one for one in launches() if one.alive]
    matches = [one for one in running if sweep in ("", one.sweep, one.sweep.partition("/")[2])]
    if len(matches) != 1:
        names = ", ".join(one.sweep for one in running) or "none"
        refuse(f"given {sweep!r}; expected one launch that runs, and there is {names}; see `orrery status`")
    (launch,) = matches
    if not launch.log:
        refuse(f"{launch.sweep} runs in the terminal of process {launch.pid}; only --detach keeps its output")
    try:
        for text in follow(Path(launch.log), lambda: is_held(launch.log)):  # its last words come after its record
            sys.stdout.write(text)
            sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"\norrery: {launch.sweep} still runs as process {launch.pid}; `orrery stop {launch.sweep}` ends it")


def follow(log: Path, going: Callable[[], bool]) -> Iterator[str]:
    """Yield what a file holds and what is added to it, until nothing more will be."""
    with log.open(encoding="utf-8", errors="replace") as file:
        last = False
        while True:
            if text := file.read():
                yield text
            elif last:
                return
            else:
                last = not going()
                time.sleep(0.0 if last else TICK_SECONDS)
