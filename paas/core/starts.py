"""How long a version usually takes to start, and so for how long a request waits for it."""

from collections.abc import Sequence
from statistics import median

KEPT = 5
"""Starts remembered of each version: an odd number, and few enough that a change shows
after three.
"""
SHORTEST_WAIT = 10.0
WAIT_FACTOR = 3.5


def remembered(starts: Sequence[float], seconds: float) -> tuple[float, ...]:
    """The last starts' seconds with one more, oldest first."""
    return (*starts, seconds)[-KEPT:]


def usual_start(starts: Sequence[float]) -> float | None:
    """The median: one start on a busy host does not make a version slow. None without any."""
    return median(starts) if starts else None


def wait_limit(*, start_timeout: float, usual: float | None) -> float:
    """Seconds for which a request waits at most for a replica."""
    return min(start_timeout, max(SHORTEST_WAIT, WAIT_FACTOR * (usual or 0.0)))
