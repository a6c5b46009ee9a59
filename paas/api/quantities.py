"""Sizes and times as the API writes them: `512MiB`, `2026-01-02T03:04:05.678Z`."""

import re
from datetime import UTC, datetime

SIZE_RULE = "must be a whole number of bytes or a size such as 512MiB or 2GiB"

_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))? ?([A-Za-z]{1,3})")


def size_bytes(text: str) -> int:
    """`512MiB` → 536870912. Raises `ValueError` with the rule."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (unit := _UNITS.get(match[3].upper())) is None:
        raise ValueError(SIZE_RULE)
    return int(float(f"{match[1]}.{match[2] or 0}") * unit)


def size_text(size: int) -> str:
    """The size in the largest binary unit that holds it exactly."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size and size % unit == 0:
            return f"{size // unit}{name}"
    return f"{size}B"


def rfc3339(moment: float) -> str:
    """Seconds since the epoch → RFC 3339 in UTC with milliseconds."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def rfc3339_or_none(moment: float | None) -> str | None:
    """None stays None: it has not happened yet."""
    return None if moment is None else rfc3339(moment)
