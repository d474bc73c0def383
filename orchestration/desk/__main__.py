"""`python -m orchestration.desk ADDRESS PORT` serves the desk in this process until it is interrupted."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress

import uvicorn

from orchestration.desk.application import application
from orchestration.desk.guard import LOOPBACK
from orchestration.launch.home import prepare

GRACE_SECONDS = 2
"""How long open connections may take to close."""


def serve(address: str, port: int) -> None:
    """Serve the desk on one address; the guard accepts it as a host also beyond the loopback interface."""
    prepare()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # uvicorn raises it again after its own clean-up, so that the contexts around it are closed too.
        signal.signal(number, signal.default_int_handler)
    with application(() if address in LOOPBACK else (address,)) as app:
        uvicorn.run(
            app,
            host=address,
            port=port,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        serve(sys.argv[1], int(sys.argv[2]))
