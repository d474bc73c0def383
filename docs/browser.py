"""A headless Chromium that is asked over its DevTools protocol: go to a page, wait for what it shows, take a picture.

https://chromedevtools.github.io/devtools-protocol. Two things need it beyond `chromium --screenshot`: windows as narrow
as a phone, and pages that fill themselves by and by.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
HEADLESS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--no-first-run",
            "--remote-debugging-port=0")  # fmt: skip
START_SECONDS = 60.0
LARGEST_ANSWER = 2**27
PHONE = 600
"""Pixels below which a window counts as that of a phone."""


@dataclass
class Tab:
    """One page of the browser."""

    socket: ClientConnection
    session: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result.

        Raises:
            RuntimeError: the browser refuses.
        """
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        while (answer := json.loads(self.socket.recv(timeout=START_SECONDS))).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, address: str, width: int, height: int) -> None:
        """Go to a page in a window of this size; a narrow one is that of a phone."""
        narrow = width < PHONE
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if narrow else 1, "mobile": narrow}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        self.ask("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """Return the value of an expression on the page."""
        parameters = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        return self.ask("Runtime.evaluate", **parameters)["result"].get("value")

    def wait(self, expression: str, seconds: float = 60.0) -> float:
        """Wait until an expression on the page is true; return how long that took [s].

        Raises:
            TimeoutError: it does not become true.
        """
        began = time.monotonic()
        while not self.value(expression):
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not true after {seconds:.0f} s: {expression}")
            time.sleep(0.1)
        return time.monotonic() - began

    def shows(self, text: str, seconds: float = 60.0) -> float:
        """Wait until a page shows a text; return how long that took [s]."""
        return self.wait(f"document.body.innerText.includes({json.dumps(text)})", seconds)

    def picture(self, whole: bool = False) -> bytes:
        """Return what the window shows, or the whole page, as a PNG."""
        self.ask("Page.bringToFront")
        picture = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(picture["data"])


def installed() -> str | None:
    """Return the browser of this machine; none where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator[Tab]:
    """Start a browser with a profile that is thrown away, and yield its one page.

    Raises:
        SystemExit: there is no browser on this machine.
    """
    program = installed()
    if program is None:
        raise SystemExit(f"no browser found; install one of {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [program, *HEADLESS, f"--user-data-dir={folder}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_address(Path(folder), process), max_size=LARGEST_ANSWER) as socket:
                yield _first_page(socket)
        finally:
            process.terminate()
            process.wait()


def _address(folder: Path, process: subprocess.Popen) -> str:
    """Return where the browser listens, which it writes into its profile."""
    port_file, end = folder / "DevToolsActivePort", time.monotonic() + START_SECONDS
    while not (port_file.exists() and len(port_file.read_text().splitlines()) == 2):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the browser did not start (exit code {process.poll()})")
        time.sleep(0.05)
    port, path = port_file.read_text().splitlines()
    return f"ws://127.0.0.1:{port}{path}"


def _first_page(socket: ClientConnection) -> Tab:
    whole = Tab(socket, "")
    page = next(one for one in whole.ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
    attached = whole.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
    tab = Tab(socket, attached["sessionId"], whole.numbers)
    tab.ask("Page.enable")
    return tab
