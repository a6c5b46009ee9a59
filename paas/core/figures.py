"""What one version did in a stretch of time, as values that can be added up.

Counts are of the stretch. Gauges are sums over the looks that were taken in it, so that
their mean is right however stretches are put together: over times by adding both, over
versions by adding the sums alone (a version that nobody saw in a look counts as zero).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
"""By the first digit of the answer's status; `none` had no answer, its client had left."""
GAUGES = ("in_flight", "queued", "ready", "frozen", "starting", "cpu", "memory")
"""`in_flight` is an average over the stretch of requests held and running, the others are
as seen; `cpu` in cores, `memory` in bytes, of all its replicas together."""

K = TypeVar("K")

_NO_CLASSES = (0,) * len(CLASSES)
_NO_GAUGES = (0.0,) * len(GAUGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`classes` go with `CLASSES`, `gauges` with `GAUGES`. `errors` are our own error
    answers by code; `latency` has the buckets of `core.latency` that are not empty, and
    `seconds` the sum of what is in them. `cold_seconds` is how long the cold starts took,
    summed up.
    """

    classes: tuple[int, ...] = _NO_CLASSES
    errors: Mapping[str, int] = field(default_factory=dict)
    latency: Mapping[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    cold_starts: int = 0
    cold_seconds: float = 0.0
    gauges: tuple[float, ...] = _NO_GAUGES

    @property
    def requests(self) -> int:
        return sum(self.classes)

    def __add__(self, other: "Figures") -> "Figures":
        return total((self, other))


NOTHING = Figures()


def total(figures: Iterable[Figures]) -> Figures:
    """All of them added up."""
    found = [one for one in figures if one is not NOTHING]
    if len(found) < 2:
        return found[0] if found else NOTHING
    return Figures(
        classes=tuple(map(sum, zip(*(one.classes for one in found), strict=True))),
        errors=_added(one.errors for one in found),
        latency=_added(one.latency for one in found),
        seconds=sum(one.seconds for one in found),
        cold_starts=sum(one.cold_starts for one in found),
        cold_seconds=sum(one.cold_seconds for one in found),
        gauges=tuple(map(sum, zip(*(one.gauges for one in found), strict=True))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """One stretch of all services: `at` is its beginning (epoch), `looks` how often they
    were looked at in it; figures by service id and version name ('': of no version).
    """

    at: int
    looks: int
    rows: Mapping[tuple[str, str], Figures]

    def __add__(self, other: "Rollup") -> "Rollup":
        rows = dict(self.rows)
        for key, figures in other.rows.items():
            rows[key] = rows[key] + figures if key in rows else figures
        return Rollup(at=self.at, looks=self.looks + other.looks, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One service's: (version, beginning, figures), and looks by beginning."""

    figures: tuple[tuple[str, int, Figures], ...] = ()
    looks: Mapping[int, int] = field(default_factory=dict)


def _added(counts: Iterable[Mapping[K, int]]) -> dict[K, int]:
    found: dict[K, int] = {}
    for one in counts:
        for key, number in one.items():
            found[key] = found.get(key, 0) + number
    return found
