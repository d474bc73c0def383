"""The machine's time zone, by its IANA name."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME = Path("/etc/localtime")


def local_timezone() -> str:
    """Return the IANA name of the machine's time zone: TZ, then the link of /etc/localtime, then UTC.

    >>> isinstance(local_timezone(), str)
    True
    """
    for name in (os.environ.get("TZ", ""), _linked_zone()):
        if name and _known(name):
            return name
    return "UTC"


def _linked_zone() -> str:
    return str(LOCALTIME.resolve()).partition("zoneinfo/")[2]


def _known(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return False
