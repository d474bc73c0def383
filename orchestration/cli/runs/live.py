"""Progress of a run: one bar per job on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUIET_SECONDS = 10.0


@contextmanager
def live_display(quiet: bool = False) -> Iterator[Callable[[dict], None]]:
    """Yield a listener that shows the lines of the workers."""
    if quiet:
        yield lambda line: None
    elif sys.stdout.isatty():
        with _bars() as listener:
            yield listener
    else:
        yield PlainLines()


class PlainLines:
    """Print a line when a job ends, and one for a running job every ten seconds at most."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, line: dict) -> None:
        """Show one line of a worker."""
        name = f"{line.get('layer', '')} {line.get('key', '')}".strip()
        if line.get("event") == "trial":
            print(line["text"], flush=True)
        if line.get("event") == "done":
            print(f"{name}: {line['status']} in {line.get('seconds', 0.0):.1f} s", flush=True)
        elif line.get("event") == "progress" and time.monotonic() - self._last > QUIET_SECONDS:
            self._last = time.monotonic()
            print(f"{name}: step {line['step']} of {line['total_steps']}, loss {_loss(line)}", flush=True)


@contextmanager
def _bars() -> Iterator[Callable[[dict], None]]:
    """Show a bar per running job."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, transient=False) as bars:
        tasks: dict[str, TaskID] = {}

        def show(line: dict) -> None:
            key, event = line.get("key", ""), line.get("event")
            if event == "trial":
                bars.console.print(line["text"], markup=False)
            elif event == "start":
                tasks[key] = bars.add_task(f"{line.get('layer', '')} {key}", total=None, note="")
            elif event == "progress" and key in tasks:
                bars.update(tasks[key], total=line["total_steps"], completed=line["step"], note=f"loss {_loss(line)}")
            elif event == "done" and key in tasks:
                bars.console.print(
                    f"{line.get('layer', '')} {key}: {line['status']} in {line.get('seconds', 0.0):.1f} s", markup=False
                )
                bars.remove_task(tasks.pop(key))

        yield show


def _loss(line: dict) -> str:
    losses = line.get("losses") or {}
    return f"{losses['loss']:.4g}" if "loss" in losses else "-"
