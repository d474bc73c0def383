"""The status that an exception of a stage means."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from trainers.study import Repeatable

DISK_FULL = ("no space left on device", "disk quota exceeded")
NO_MEMORY = ("resource_exhausted", "out of memory", "can't allocate memory", "cannot allocate memory")


def status_of(error: BaseException) -> Repeatable:
    """Return `oom`, `disk_full`, `interrupted` or `failed`; the cause that an error was raised from counts as well."""
    for link in _chain(error):
        if isinstance(link, KeyboardInterrupt):
            return "interrupted"
        if _is_oom(link):
            return "oom"
        if _is_disk_full(link):
            return "disk_full"
    return "failed"


def one_line(error: BaseException) -> str:
    """Return the type and the first line of an error."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _is_oom(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and _says(error, NO_MEMORY)


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return isinstance(error, Exception) and _says(error, DISK_FULL)


def _says(error: BaseException, phrases: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(phrase in text for phrase in phrases)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
