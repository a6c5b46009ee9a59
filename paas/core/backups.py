"""When the store is copied, and which copies are kept.

A copy is named after its moment in UTC (`paas-20261125T030000Z.db`), so that names sort
by age and say when, whatever became of the file's own time.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

_FORM = "paas-%Y%m%dT%H%M%SZ.db"
DAY = 86400.0
AHEAD = 3600.0
"""Seconds by which a copy may be younger than now: more, and the clock was wrong then."""


def copy_name(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime(_FORM)


def taken(name: str) -> float | None:
    """The moment in a copy's name; None for what is no copy's name."""
    try:
        return datetime.strptime(name, _FORM).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def due(now: float, names: Collection[str], hour: int) -> bool:
    """Whether there is no copy since that hour (UTC) last struck."""
    moment = datetime.fromtimestamp(now, UTC)
    struck = moment.replace(hour=hour, minute=0, second=0, microsecond=0)
    if struck > moment:
        struck -= timedelta(days=1)
    times = [time for name in names if (time := taken(name)) is not None]
    return not any(struck.timestamp() <= time <= now + AHEAD for time in times)


def surplus(names: Collection[str], keep: int) -> list[str]:
    """The oldest copies beyond the newest `keep`."""
    copies = sorted(name for name in names if taken(name) is not None)
    return copies[: max(0, len(copies) - keep)]
