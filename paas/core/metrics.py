"""Figures of the moment as families of samples, in no particular format.

Labels are of a bounded set only: services, versions, classes and codes; never a path.
"""

from dataclasses import dataclass, field
from enum import StrEnum

Labels = tuple[str, ...]


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Distribution:
    """`buckets` are (upper end, how many up to it); `count` of all, and their `total`."""

    buckets: tuple[tuple[float, int], ...]
    count: int
    total: float


@dataclass(slots=True)
class Family:
    """Samples of one name, by their labels' values. A counter's name has no `_total`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    samples: list[tuple[Labels, float | Distribution]] = field(default_factory=list)

    def add(self, value: float | Distribution, *labels: str) -> None:
        self.samples.append((labels, value))
