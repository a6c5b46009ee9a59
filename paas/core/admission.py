"""Whether there is memory for one more replica, and who has to make room for it.

Two things are looked at: what the host has free now, and what all replicas together
may come to use, the sum of their limits. Room is made by stopping frozen replicas,
those idle longest first; nobody is stopped in vain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from paas.core.sizes import format_size

_MEBIBYTE = 1024**2


class Verdict(StrEnum):
    """EVICT: allowed once those are stopped. REFUSE: with the code `no_memory`."""

    ALLOW = "allow"
    EVICT = "evict"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes: of the host, what it has free (what the kernel calls available), what must
    stay free, and the sum of the limits of all replicas there are. `overcommit` is how
    many times the host's memory that sum may come to.
    """

    total: int
    free: int
    reserve: int
    committed: int
    overcommit: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is to be started: its limit, and what it is expected to use (the limit, as
    long as nothing better is known), bytes. Both are 0 for what exists already and is
    only to be woken or frozen.
    """

    limit: int
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A frozen replica that could be stopped: idle since (any clock), its limit and what
    it uses, bytes.
    """

    replica: str
    idle_since: float
    limit: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """`evict` are the replicas to stop first, in that order."""

    verdict: Verdict
    evict: tuple[str, ...] = ()
    reason: str = ""


def admit(host: Room, need: Need, frozen: Sequence[Frozen]) -> Admission:
    """Whether that may be started, or woken.

    To freeze a replica, put it among the `frozen` and need nothing: if it is to be
    evicted, stop it instead.
    """
    short = need.expected + host.reserve - host.free
    over = host.committed + need.limit - int(host.total * host.overcommit)
    reason = _reason(host, need, short=short)
    evict: list[str] = []
    for one in sorted(frozen, key=lambda one: one.idle_since):
        if short <= 0 and over <= 0:
            break
        evict.append(one.replica)
        short, over = short - one.size, over - one.limit
    if short > 0 or over > 0:
        return Admission(verdict=Verdict.REFUSE, reason=reason)
    if evict:
        return Admission(verdict=Verdict.EVICT, evict=tuple(evict), reason=reason)
    return Admission(verdict=Verdict.ALLOW)


def _reason(host: Room, need: Need, *, short: int) -> str:
    if short > 0:
        return (
            f"the host has {_mebibytes(host.free)} of memory free; {_mebibytes(need.expected)} "
            f"are needed and {_mebibytes(host.reserve)} stay in reserve"
        )
    return (
        f"the memory limits of all replicas would come to "
        f"{_mebibytes(host.committed + need.limit)}, more than {host.overcommit:g} times the "
        f"host's {_mebibytes(host.total)}"
    )


def _mebibytes(size: int) -> str:
    """Rounded, for people."""
    return format_size(size // _MEBIBYTE * _MEBIBYTE)
