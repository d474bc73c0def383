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
"""How long open connections may take to end."""


def serve(address: str, port: int) -> None:
    """Serve the desk on one address; an address beyond the loopback interface is a host that the guard accepts."""
    prepare()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # uvicorn raises it again, and the rest is to be closed too
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
