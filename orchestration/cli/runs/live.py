"""Progress of a run: one bar per task on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

QUIET_SECONDS = 10.0
"""Least time between two plain lines about trainings that go on."""


@contextmanager
def live_display(quiet: bool, titles: Mapping[str, str]) -> Iterator[Callable[[dict], None]]:
    """Yield a listener that shows the lines of the workers; `titles` are the names of artifacts by key."""
    if quiet:
        yield lambda line: None
    elif sys.stdout.isatty():
        with _bars(titles) as listener:
            yield listener
    else:
        yield PlainLines(titles)


class PlainLines:
    """Print a line when a task ends, and one for a running training every ten seconds at most."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self.titles = titles
        self._last = time.monotonic()

    def __call__(self, line: dict) -> None:
        """Show one line of a worker."""
        event = line.get("event")
        if event == "trial":
            print(line["text"], flush=True)
        elif event == "done":
            print(_end(line, self.titles), flush=True)
        elif event == "progress" and time.monotonic() - self._last > QUIET_SECONDS:
            self._last = time.monotonic()
            step = f"step {line['step']} of {line['total_steps']}, loss {_loss(line)}"
            print(f"{_title(line, self.titles)}: {step}", flush=True)


@contextmanager
def _bars(titles: Mapping[str, str]) -> Iterator[Callable[[dict], None]]:
    """Show a bar per running task."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, transient=False) as bars:
        tasks: dict[str, TaskID] = {}

        def show(line: dict) -> None:
            key, event = line.get("key", ""), line.get("event")
            if event == "trial":
                bars.console.print(line["text"], markup=False)
            elif event == "start":
                tasks[key] = bars.add_task(_title(line, titles), total=None, note="")
            elif event == "progress" and key in tasks:
                bars.update(tasks[key], total=line["total_steps"], completed=line["step"], note=f"loss {_loss(line)}")
            elif event == "done" and key in tasks:
                bars.console.print(_end(line, titles), markup=False)
                bars.remove_task(tasks.pop(key))

        yield show


def _title(line: dict, titles: Mapping[str, str]) -> str:
    """Return the layer and title of the artifact that a line is about; its key where it has no title."""
    key = line.get("key", "")
    return f"{line.get('layer', '')} {titles.get(key, key)}".strip()


def _end(line: dict, titles: Mapping[str, str]) -> str:
    """Say how a task ended, with its key, by which commands name it; a title with which the key begins adds nothing."""
    key = line.get("key", "")
    title = titles.get(key, "")
    name = key if key.startswith(title) else f"{title} ({key})"
    return f"{line.get('layer', '')} {name}: {line['status']} in {line.get('seconds', 0.0):.1f} s"


def _loss(line: dict) -> str:
    losses = line.get("losses") or {}
    return f"{losses['loss']:.4g}" if "loss" in losses else "-"
