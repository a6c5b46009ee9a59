"""A version's load over the last minute, in buckets of one second.

The board counts; a `Windows` is told the counters' state from time to time (`count`)
and spreads what was added evenly over the time since it was last told. So totals are
exact whatever the rhythm, and a second's share is off by no more than the load changed
between two looks. Memory is constant, and so is the cost after a pause of any length:
a bucket knows its second, so one that is too old counts as empty.
"""

from dataclasses import dataclass, field
from math import floor

LONGEST = 60
"""Seconds of the longest window."""
ROUNDING = 0.001
"""Seconds by which `Tally.busy`, a sum of differences of times, may seem to shrink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A version's counters at one moment. `arrivals` is every request that ever came,
    `busy` the time integral of requests held and running: what their lives have lasted
    so far, summed up, in seconds.
    """

    arrivals: int = 0
    busy: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Averages:
    """One window's averages over all replicas: requests a second, requests in flight
    (held ones too); of CPU and memory percent of a replica's limit, None without data.
    """

    rps: float = 0.0
    concurrency: float = 0.0
    cpu: float | None = None
    memory: float | None = None


@dataclass(slots=True)
class _Use:
    """A weighted mean of samples, None without any."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, sample: float | None, weight: float = 1.0) -> None:
        if sample is not None:
            self.total += sample * weight
            self.weight += weight

    @property
    def mean(self) -> float | None:
        return self.total / self.weight if self.weight else None


@dataclass(slots=True)
class _Bucket:
    second: int
    arrivals: float = 0.0
    busy: float = 0.0
    cpu: _Use = field(default_factory=_Use)
    memory: _Use = field(default_factory=_Use)


class Windows:
    """The load of one version since `now`, when its counters stood at `tally`.

    All times are seconds of one monotonic clock; one that steps back counts as standing.
    """

    def __init__(self, now: float, *, tally: Tally = Tally()) -> None:
        self._tally = tally
        self._counted = now
        self._ring: list[_Bucket | None] = [None] * (LONGEST + 2)

    def count(self, tally: Tally, now: float) -> None:
        """The counters as they stand now. Counters below the last ones began anew at 0."""
        shrunk = self._tally.busy - tally.busy
        began_anew = tally.arrivals < self._tally.arrivals or shrunk > ROUNDING
        before = Tally() if began_anew else self._tally
        arrivals, busy = tally.arrivals - before.arrivals, max(0.0, tally.busy - before.busy)
        since, self._counted = self._counted, max(now, self._counted)
        self._tally = tally
        if arrivals or busy:
            self._spread(arrivals, busy, since)

    def sample(self, now: float, *, cpu: float | None = None, memory: float | None = None) -> None:
        """One replica's use at this moment, percent of its limits."""
        bucket = self._bucket(floor(now))
        bucket.cpu.add(cpu)
        bucket.memory.add(memory)

    def averages(self, seconds: int, now: float) -> Averages:
        """Over the last `seconds` (at most `LONGEST`). Of the second in which the window
        begins, the part inside it counts. Each second with samples of CPU or memory has
        the same weight, however many there were.
        """
        arrivals = busy = 0.0
        cpu, memory = _Use(), _Use()
        oldest = floor(now) - seconds
        for bucket in self._ring:
            if bucket is None or not oldest <= bucket.second <= now:
                continue
            inside = 1.0 if bucket.second > oldest else floor(now) + 1 - now
            arrivals += bucket.arrivals * inside
            busy += bucket.busy * inside
            cpu.add(bucket.cpu.mean, inside)
            memory.add(bucket.memory.mean, inside)
        return Averages(
            rps=arrivals / seconds,
            concurrency=busy / seconds,
            cpu=cpu.mean,
            memory=memory.mean,
        )

    def _spread(self, arrivals: float, busy: float, since: float) -> None:
        until = self._counted
        last = floor(until)
        length = until - since
        for second in range(max(floor(since), last - LONGEST), last + 1):
            overlap = min(until, second + 1) - max(since, second)
            share = overlap / length if length else 1.0
            bucket = self._bucket(second)
            bucket.arrivals += arrivals * share
            bucket.busy += busy * share

    def _bucket(self, second: int) -> _Bucket:
        place = second % len(self._ring)
        found = self._ring[place]
        if found is None or found.second != second:
            found = self._ring[place] = _Bucket(second)
        return found
