"""What running work says of itself, passed on to whoever shows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[dict], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def publish(line: dict) -> None:
    """Hand one line of a worker to the present listener, if there is one."""
    listener = _listener.get()
    if listener:
        listener(line)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send every line that is published inside this block to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
