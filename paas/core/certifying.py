"""Which host gets a certificate when: planning, renewal, back-off, budgets, alarms.

What an authority decides by its clock is wall time; how long we wait is monotonic. Renewal
is reckoned from the moment at which we got a certificate, by our own clock, so that a clock
that is wrong cannot make every new certificate look old.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from paas.core.model import Failure

HOUR = 3600.0
DAY = 24 * HOUR

AT_ONCE = 4
"""Orders under way at a time."""
MOST_ORDERS, ORDERS_WITHIN = 100, 3 * HOUR
"""A third of what the largest public authority allows an account."""
MOST_FAILURES, FAILURES_WITHIN = 5, HOUR
"""What it allows a host."""
FIRST_RETRY, LAST_RETRY = 60.0, 12 * HOUR
AWAY_RETRY = 1800.0
"""Longest pause between two looks whether an authority is back."""
HTTP_PORT, HTTPS_PORT = 80, 443
ALARMS = (14, 7, 1)
"""Days before a certificate expires."""
JITTER = 0.05
JUMP = 60.0
"""Seconds by which a clock that is set right may move at once."""


class Challenge(StrEnum):
    """How an authority is shown that a host is ours."""

    HTTP = "http-01"
    TLS = "tls-alpn-01"
    DNS = "dns-01"


class Source(StrEnum):
    """Where a certificate came from: a file of the settings, an upload, an authority."""

    FILE = "file"
    UPLOAD = "upload"
    ACME = "acme"


class CertificateState(StrEnum):
    NONE = "none"
    PENDING = "pending"
    VALID = "valid"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What stands in a certificate; times are wall time."""

    names: tuple[str, ...]
    issuer: str
    begins: float
    expires: float

    @property
    def lifetime(self) -> float:
        return max(1.0, self.expires - self.begins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A certificate that we have, since `obtained` by our clock, of the authority behind that
    `directory`, which wants it renewed at `renew_at`. `warned` are the days of the last alarm.
    """

    facts: Facts
    source: Source
    obtained: float
    directory: str = ""
    renew_at: float | None = None
    warned: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What failed in a row, and when it is tried again; times are monotonic."""

    failures: int = 0
    times: tuple[float, ...] = ()
    retry_at: float = float("-inf")
    failure: Failure | None = None


CLEAN = Record()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that `due` looks at. `orders` are when orders began, `away` is the authority's own
    record; `now` is monotonic, `wall` wall time that can be trusted. What another `directory`
    issued is replaced: it may have been for trying.
    """

    now: float
    wall: float
    directory: str = ""
    held: Mapping[str, Held] = field(default_factory=dict)
    records: Mapping[str, Record] = field(default_factory=dict)
    running: Collection[str] = ()
    orders: tuple[float, ...] = ()
    away: Record = CLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatus:
    """A host's certificate as people see it. `failure` is why the last try failed, also
    while an older one is in use; times are wall time.
    """

    state: CertificateState
    source: Source | None = None
    facts: Facts | None = None
    failure: Failure | None = None
    next_try: float | None = None
    renews: float | None = None


NO_CERTIFICATE = CertificateStatus(state=CertificateState.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WallTime:
    """Wall time as an offset from the monotonic clock, in which a jump is believed only
    after it has stayed for an hour.
    """

    offset: float
    jumped: float | None = None
    since: float = 0.0

    def at(self, now: float) -> float:
        return now + self.offset

    def seen(self, now: float, wall: float) -> "WallTime":
        """After a look at both clocks."""
        offset = wall - now
        if abs(offset - self.offset) < JUMP:
            return WallTime(offset=offset)
        if self.jumped is None or abs(offset - self.jumped) >= JUMP:
            return replace(self, jumped=offset, since=now)
        if now - self.since >= HOUR:
            return WallTime(offset=offset)
        return self


def due(hosts: Iterable[str], situation: Situation) -> list[str]:
    """The hosts to order certificates for now, the most urgent first."""
    free = min(_places(situation), MOST_ORDERS - len(recent_orders(situation)))
    waiting = [host for host in hosts if host not in situation.running and _is_due(host, situation)]
    return sorted(waiting, key=lambda host: _urgency(host, situation))[: max(0, free)]


def renewal(host: str, held: Held) -> float:
    """When it is to be renewed: when its authority says so, else after two thirds of its
    lifetime, a little earlier or later for each host.
    """
    lifetime, got = held.facts.lifetime, held.obtained
    if held.renew_at is not None:
        soonest = got + min(DAY, lifetime / 6)
        return max(soonest, min(held.renew_at, got + 0.9 * lifetime))
    return got + lifetime * (2 / 3 - JITTER * spread(host))


def challenge_for(
    host: str, setting: str, *, plain: Collection[int], secure: Collection[int]
) -> Challenge:
    """How a host is proved; the ports are those on which we listen. A wildcard can only be
    proved by DNS. Whoever forwards port 80 to another port of ours is proved by HTTP, too.
    """
    if host.startswith("*."):
        return Challenge.DNS
    if setting != "auto":
        return Challenge(setting)
    by_tls = HTTP_PORT not in plain and HTTPS_PORT in secure
    return Challenge.TLS if by_tls else Challenge.HTTP


def failed(
    record: Record,
    failure: Failure,
    *,
    now: float,
    wait: float | None = None,
    most: float = LAST_RETRY,
) -> Record:
    """The record after one more failure; `wait` is the least that the authority asks for,
    `most` bounds what we wait otherwise.
    """
    failures = record.failures + 1
    times = (*(one for one in record.times if now - one < FAILURES_WITHIN), now)
    delay = min(most, FIRST_RETRY * 2 ** min(failures - 1, 20))
    retry_at = now + max(delay, wait or 0.0)
    if len(times) >= MOST_FAILURES:
        retry_at = max(retry_at, times[-MOST_FAILURES] + FAILURES_WITHIN)
    return Record(failures=failures, times=times, retry_at=retry_at, failure=failure)


def forgiven(record: Record, now: float) -> Record:
    """After its domain was taken away: who adds it again wants it tried again, but never
    more often than authorities allow.
    """
    times = tuple(one for one in record.times if now - one < FAILURES_WITHIN)
    full = len(times) >= MOST_FAILURES
    retry_at = times[-MOST_FAILURES] + FAILURES_WITHIN if full else float("-inf")
    return Record(times=times, retry_at=retry_at)


def recent_orders(situation: Situation) -> tuple[float, ...]:
    """Those that count against the budget."""
    return tuple(one for one in situation.orders if situation.now - one < ORDERS_WITHIN)


def alarm(held: Held, wall: float) -> int | None:
    """The days left, as one of `ALARMS`, if nobody was told yet. A renewal that is not late
    alarms nobody.
    """
    left = held.facts.expires - wall
    latest = held.facts.lifetime / (3 if held.source is Source.ACME else 1)
    reached = [days for days in ALARMS if left <= days * DAY < latest]
    if not reached or (held.warned is not None and held.warned <= min(reached)):
        return None
    return min(reached)


def status(host: str, situation: Situation, *, ordered: bool) -> CertificateStatus:
    """What is to be told of a host; `ordered`: certificates are ordered for it."""
    held, record = situation.held.get(host), situation.records.get(host, CLEAN)
    next_try = _next_try(record, situation) if ordered else None
    if held is None:
        return CertificateStatus(
            state=_without(record, ordered=ordered), failure=record.failure, next_try=next_try
        )
    expired = held.facts.expires <= situation.wall
    automatic = ordered and held.source is Source.ACME
    return CertificateStatus(
        state=CertificateState.FAILED if expired else CertificateState.VALID,
        source=held.source,
        facts=held.facts,
        failure=record.failure or (_EXPIRED if expired else None),
        next_try=next_try,
        renews=renewal(host, held) if automatic else None,
    )


def spread(host: str) -> float:
    """A number from 0 to 1 that is always the same for a host."""
    return zlib.crc32(host.encode()) / 2**32


_EXPIRED = Failure(
    code="certificate_expired",
    message="The certificate has expired; browsers refuse it.",
    advice="Upload a new one, or delete it so that one is ordered.",
)


def _places(situation: Situation) -> int:
    """How many orders may begin. One at a time finds out whether an authority is back."""
    if not situation.away.failures:
        return AT_ONCE - len(situation.running)
    return int(not situation.running and situation.away.retry_at <= situation.now)


def _is_due(host: str, situation: Situation) -> bool:
    if situation.records.get(host, CLEAN).retry_at > situation.now:
        return False
    held = situation.held.get(host)
    if held is None:
        return True
    if held.source is not Source.ACME:
        return False
    return held.directory != situation.directory or renewal(host, held) <= situation.wall


def _urgency(host: str, situation: Situation) -> tuple[int, float, str]:
    held = situation.held.get(host)
    failures = situation.records.get(host, CLEAN).failures
    return failures, 0.0 if held is None else held.facts.expires, host


def _without(record: Record, *, ordered: bool) -> CertificateState:
    if not ordered:
        return CertificateState.NONE
    return CertificateState.FAILED if record.failures else CertificateState.PENDING


def _next_try(record: Record, situation: Situation) -> float | None:
    if not record.failures:
        return None
    wait = max(record.retry_at, situation.away.retry_at) - situation.now
    return situation.wall + max(0.0, wait)
