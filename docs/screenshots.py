"""Make the pictures of the README: `python docs/screenshots.py [--sweep two_body/heads] [--running two_body/seeds]`.

Serves the present home with `orrery ui`, opens its pages in a headless Chromium and writes them to `docs/images/`. The
sweep has to be in the store (`make run`). The sweep that `--running` names is started for the picture of what runs now,
and stopped again with its checkpoints kept; without it there is no such picture. Run it from the project's folder, with
the project installed (`make setup`).
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from assets.identity import Item
from assets.store import Store
from assets.sweeps import Sweep, read_catalogue

IMAGES = Path(__file__).parent / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
HEADLESS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--hide-scrollbars")
PORTS = (3790, 5790)
COLOURS = 96
LOADING_MILLISECONDS = 30_000
"""Time of the page, which does not pass while it waits for an answer."""
PATIENCE_SECONDS = 300.0
POINTS = 25
"""Points of a loss curve that are worth a picture."""

Page = tuple[str, tuple[int, int]]
"""Address and size of the window."""


def main() -> None:
    """Write every picture, and print its path and size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sweep", default="two_body/heads", help="whose pages are shown")
    parser.add_argument("--running", default="", help="a sweep to start for the picture of what runs now")
    given = parser.parse_args()
    sweep = read_catalogue().sweeps[given.sweep]
    with served() as desk:
        for name, page in pages(sweep, desk).items():
            photograph(desk, name, page)
        if given.running:
            with running(given.running, desk):
                photograph(desk, "live", (f"/live?beside={sweep.study}/{finished(sweep).hash}", (1300, 470)))


def pages(sweep: Sweep, desk: str) -> dict[str, Page]:
    """Return what is photographed while nothing runs; the report where this version makes one."""
    key = quote(finished(sweep).key)
    shown: dict[str, Page] = {
        "desk": ("/", (1300, 520)),
        "lineage": (f"/locations/orrery/asset-groups/{sweep.study}/lineage", (1900, 560)),
        "partition": (f"/assets/{sweep.study}/model?view=partitions&partition={key}", (1400, 980)),
    }
    report = f"/report/{sweep.name}"
    return shown | ({"report": (report, (1300, 1100))} if fetched(desk + report) else {})


def finished(sweep: Sweep) -> Item:
    """Return the first model of a sweep that is stored and ok.

    Raises:
        SystemExit: there is none.
    """
    store = Store()
    for row in sweep.rows:
        if (store.manifest(*row.configuration.item.address) or {}).get("status") == "ok":
            return row.configuration.item
    raise SystemExit(f"no model of {sweep.name} is in the store; run `orrery run {sweep.name}` first")


@contextmanager
def served() -> Iterator[str]:
    """Serve the desk over the present home; yield its address."""
    ports = ["--port", str(PORTS[0]), "--mlflow-port", str(PORTS[1])]
    command = [sys.executable, "-m", "orchestration.cli", "ui", *ports]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = next(line.split()[1] for line in process.stdout if "sweeps and results" in line)
        until(lambda: fetched(f"{address}/graphql", {"query": "{ assetNodes { id } }"})["data"]["assetNodes"])
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@contextmanager
def running(sweep: str, desk: str) -> Iterator[None]:
    """Run a sweep until the block ends; the block begins when there is a curve to see."""
    command = [sys.executable, "-m", "orchestration.cli", "run", sweep, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: [job for job in json.loads(fetched(f"{desk}/live/state")) if len(job["curve"]) > POINTS])
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def fetched(address: str, asked: Any = None) -> Any:
    """Return what a page answers, JSON where something is asked; nothing where it is not there."""
    body = None if asked is None else json.dumps(asked).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            content = answer.read()
    except urllib.error.HTTPError:
        return b""
    return content if asked is None else json.loads(content)


def until(seen: Callable[[], object]) -> None:
    """Wait for something.

    Raises:
        TimeoutError: it does not come about.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing to see after {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.5)


def photograph(desk: str, name: str, page: Page) -> None:
    """Write the picture of a page, in few colours, so that it stays small."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"no browser found; install one of {', '.join(BROWSERS)}")
    address, (width, height) = page
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "page.png"
        where = [f"--user-data-dir={folder}/profile", f"--screenshot={picture}", f"--window-size={width},{height}"]
        command = [browser, *HEADLESS, f"--virtual-time-budget={LOADING_MILLISECONDS}", *where, desk + address]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
        image = Image.open(io.BytesIO(picture.read_bytes())).convert("RGB").quantize(COLOURS)
    IMAGES.mkdir(exist_ok=True)
    image.save(IMAGES / f"{name}.png", optimize=True)
    print(f"{IMAGES / name}.png: {(IMAGES / f'{name}.png').stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    main()
