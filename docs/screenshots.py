"""Make the pictures of the README: `python -m docs.screenshots [--sweep two_body/heads] [--running two_body/seeds]`.

Serves the present home with `orrery ui`, opens its pages in a headless Chromium and writes them to `docs/images/`. The
sweep has to be in the store (`make run`). The sweep that `--running` names is started for the picture of what runs now,
and stopped again with its checkpoints kept; without it there is no such picture. Run it from the project's folder, with
the project installed (`make setup`).
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from assets.catalogue import read_catalogue
from assets.identity.canonical import Item
from assets.store.store import Store, home
from assets.sweeps.sweep import Sweep
from docs.browser import Tab, browser

IMAGES = Path(__file__).parent / "images"
PORTS = (3790, 5790)
COLOURS = (128, 64, 32)
"""Colours of a picture, fewer and fewer until it is small enough."""
MOST_BYTES = 300_000
SETTLING_SECONDS = 2.5
"""What a page that has everything still moves."""
PATIENCE_SECONDS = 300.0
POINTS = 25
"""Points of a loss curve that are worth a picture."""
DESKTOP, PHONE = 1300, 390


@dataclass(frozen=True)
class Shot:
    """A page to take a picture of."""

    name: str
    address: str
    shows: str
    """A text that is there when the page is."""
    width: int = DESKTOP
    height: int = 800


def main() -> None:
    """Write every picture, and print its path and size."""
    parser = argparse.ArgumentParser(prog="python -m docs.screenshots", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sweep", default="two_body/heads", help="whose pages are shown")
    parser.add_argument("--running", default="", help="a sweep to start for the picture of what runs now")
    arguments = parser.parse_args()
    sweep = read_catalogue().sweeps[arguments.sweep]
    first, other = finished(sweep)
    with served() as desk, browser() as tab:
        for shot in shots(sweep, first, other):
            photograph(tab, desk, shot)
        if arguments.running:
            with running(arguments.running, desk):
                live = f"/live?beside={sweep.study}/{first.hash}"
                photograph(tab, desk, Shot("live", live, "stop, keep the best", height=470))


def shots(sweep: Sweep, first: Item, other: Item) -> Iterator[Shot]:
    """Yield what is photographed while nothing runs, on a desktop and on a phone."""
    group, report = f"/locations/orrery/asset-groups/{sweep.study}/lineage", f"/report/{sweep.name}"
    partition = f"/assets/{sweep.study}/model?view=partitions&partition={quote(first.key)}"
    compare = f"/compare?a={sweep.study}/{first.hash}&b={sweep.study}/{other.hash}"
    yield Shot("desk", "/", sweep.name)
    yield Shot("lineage", group, "leaderboard", 1900, 560)
    yield Shot("partition", partition, "use it", 1400, 980)
    yield Shot("report", report, "Leaderboard", height=1100)
    yield Shot("compare", compare, "Settings that differ", height=1100)
    yield Shot("report-phone", report, "Leaderboard", PHONE, 844)
    yield Shot("desk-phone", "/", sweep.name, PHONE, 844)


def finished(sweep: Sweep) -> tuple[Item, Item]:
    """Return two models of a sweep that are stored and ok, the first ones that differ in more than their seed.

    Raises:
        SystemExit: there are none.
    """
    store = Store()
    rows = [row for row in sweep.rows if (store.manifest(*row.configuration.item.address) or {}).get("status") == "ok"]
    if len(rows) < 2:
        raise SystemExit(f"{len(rows)} models of {sweep.name} are in the store; run `orrery run {sweep.name}` first")
    return rows[0].configuration.item, rows[1].configuration.item


@contextmanager
def served() -> Iterator[str]:
    """Serve the desk over the present home; yield its address."""
    ports = ["--port", str(PORTS[0]), "--mlflow-port", str(PORTS[1])]
    command = [sys.executable, "-m", "orchestration.cli", "ui", *ports]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if "sweeps and results" in line), "")
        if not line:
            raise SystemExit("`orrery ui` does not start; its own message stands above")
        yield line.split()[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@contextmanager
def running(sweep: str, desk: str) -> Iterator[None]:
    """Run a sweep until the block ends; the block begins when there is a curve to see."""
    command = [sys.executable, "-m", "orchestration.cli", "run", sweep, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: [job for job in fetched(f"{desk}/live/state") if len(job["curve"]) > POINTS])
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def fetched(address: str) -> Any:
    """Return the JSON that an address answers."""
    with urllib.request.urlopen(address, timeout=120) as answer:
        return json.loads(answer.read())


def until(condition: Callable[[], object]) -> None:
    """Wait for something.

    Raises:
        TimeoutError: it does not come about.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing to see after {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.5)


def photograph(tab: Tab, desk: str, shot: Shot) -> None:
    """Write the picture of a page, in few colours, so that it stays small."""
    tab.open(desk + shot.address, shot.width, shot.height)
    tab.shows(shot.shows, PATIENCE_SECONDS)
    time.sleep(SETTLING_SECONDS)
    tab.value(f"document.querySelectorAll('code').forEach(c => c.textContent === {json.dumps(str(home()))} && "
              "(c.textContent = '.orrery'))")  # fmt: skip
    image = Image.open(io.BytesIO(tab.picture())).convert("RGB")
    IMAGES.mkdir(exist_ok=True)
    path = IMAGES / f"{shot.name}.png"
    for colours in COLOURS:
        image.quantize(colours).save(path, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            break
    print(f"{path}: {path.stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    main()
