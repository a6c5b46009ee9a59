"""What is known of certificates, and what must not be forgotten over a restart: how often
what failed, so that a daemon that dies again and again bothers no authority.
"""

from collections.abc import Collection
from dataclasses import replace

from paas.core.certifying import (
    AWAY_RETRY,
    CLEAN,
    LAST_RETRY,
    Record,
    Situation,
    WallTime,
    failed,
    forgiven,
    recent_orders,
)
from paas.core.model import Failure
from paas.ports import Clock, KeptCertificate, Keyring, Notes

UNREACHABLE = "authority_unreachable"
AWAY = ""
"""The authority's own record stands under the empty host."""


class CertificateMemory:
    """`kept` and `records` by host; changed synchronously, saved by `save`."""

    def __init__(self, keyring: Keyring, clock: Clock, *, directory: str) -> None:
        self._directory = directory
        self._keyring = keyring
        self._clock = clock
        self._running: set[str] = set()
        self._orders: tuple[float, ...] = ()
        self._away = CLEAN
        self._time = WallTime(offset=clock.time() - clock.monotonic())
        self.kept: dict[str, KeptCertificate] = {}
        self.records: dict[str, Record] = {}

    @property
    def wall(self) -> float:
        """Wall time, jumps of which are believed late."""
        return self._time.at(self._clock.monotonic())

    async def load(self) -> None:
        """What is on disk. Times of the wall clock that lie ahead count as now."""
        self.kept = {one.host: one for one in await self._keyring.certificates()}
        notes = await self._keyring.notes()
        now, offset = self._clock.monotonic(), self._time.offset
        self._orders = tuple(min(now, at - offset) for at in notes.orders)
        known = {host: _shifted(one, -offset, now=now) for host, one in notes.records.items()}
        self._away = known.pop(AWAY, CLEAN)
        self.records = known

    async def save(self) -> None:
        """Raises `Unavailable`."""
        offset = self._time.offset
        records = {host: _shifted(one, offset) for host, one in self.records.items()}
        if self._away.failures:
            records[AWAY] = _shifted(self._away, offset)
        orders = tuple(at + offset for at in recent_orders(self.situation()))
        await self._keyring.keep_notes(Notes(records=records, orders=orders))

    def look(self) -> None:
        """At the clocks."""
        self._time = self._time.seen(self._clock.monotonic(), self._clock.time())

    def situation(self) -> Situation:
        return Situation(
            now=self._clock.monotonic(),
            wall=self.wall,
            directory=self._directory,
            held={host: one.held for host, one in self.kept.items()},
            records=self.records,
            running=self._running,
            orders=self._orders,
            away=self._away,
        )

    def about(self, host: str) -> Situation:
        """As far as it is about that host."""
        held, record = self.kept.get(host), self.records.get(host)
        return Situation(
            now=self._clock.monotonic(),
            wall=self.wall,
            directory=self._directory,
            held={host: held.held} if held else {},
            records={host: record} if record else {},
            away=self._away,
        )

    def began(self, host: str) -> None:
        self._running.add(host)
        self._orders = (*recent_orders(self.situation()), self._clock.monotonic())

    def ended(self, host: str) -> None:
        self._running.discard(host)

    def succeeded(self, host: str) -> None:
        """The authority is there, so nobody has to wait for it any more."""
        self.records.pop(host, None)
        self._away = CLEAN
        for other, record in list(self.records.items()):
            if record.failure is not None and record.failure.code == UNREACHABLE:
                del self.records[other]

    def failed(self, host: str, failure: Failure, wait: float | None) -> Failure | None:
        """Answers why it failed the time before."""
        before, now = self.records.get(host, CLEAN), self._clock.monotonic()
        self.records[host] = failed(before, failure, now=now, wait=wait)
        if failure.code == UNREACHABLE:
            self._away = failed(self._away, failure, now=now, most=AWAY_RETRY)
        return before.failure

    def forget(self, wanted: Collection[str]) -> None:
        """Failures of hosts that nobody wants any more, but for what bounds the next tries."""
        for host in self.records.keys() - set(wanted):
            record = forgiven(self.records[host], self._clock.monotonic())
            if record.times:
                self.records[host] = record
            else:
                del self.records[host]


def _shifted(record: Record, by: float, *, now: float | None = None) -> Record:
    times = tuple(at + by for at in record.times)
    retry_at = record.retry_at + by
    if now is not None:
        times = tuple(min(now, at) for at in times)
        retry_at = min(retry_at, now + LAST_RETRY)
    return replace(record, times=times, retry_at=retry_at)
