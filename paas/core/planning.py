"""The keeper's decision: what to do so that what runs is what should run.

Level-triggered: it looks at the whole state each time and trusts no event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a replica is in its life, as the keeper knows it. FREEZING and WAKING last as
    long as the engine takes.
    """

    STARTING = "starting"
    READY = "ready"
    FREEZING = "freezing"
    FROZEN = "frozen"
    WAKING = "waking"
    DRAINING = "draining"
    EXITED = "exited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """How many replicas a version should have; none is started before `not_before`
    (monotonic seconds: crash back-off). `frozen`: those that there are shall sleep.
    """

    count: int
    frozen: bool = False
    not_before: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One replica that exists, or a start under way."""

    replica: str
    version_id: str
    phase: Phase
    in_flight: int = 0
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    version_id: str


@dataclass(frozen=True, slots=True)
class Wake:
    replica: str


@dataclass(frozen=True, slots=True)
class Freeze:
    replica: str


@dataclass(frozen=True, slots=True)
class Drain:
    replica: str


@dataclass(frozen=True, slots=True)
class Remove:
    replica: str


Action = Start | Wake | Freeze | Drain | Remove

_SHED_ORDER = {
    Phase.STARTING: 0,
    Phase.WAKING: 1,
    Phase.FROZEN: 2,
    Phase.FREEZING: 2,
    Phase.READY: 3,
}


def plan(wants: Mapping[str, Want], seen: Sequence[Seen], now: float) -> list[Action]:
    """Actions that bring `seen` to `wants`; an empty list when they agree.

    Exited replicas and those of versions nobody wants are removed; a draining one is
    left to end in peace whatever became of its version. Of too many the least useful
    drain (starting, frozen, then the least busy, youngest); those that stay are woken,
    or frozen, unless a request is on them. The missing ones are started last, so that no
    sleeper that is needed itself makes room for them.
    """
    actions: list[Action] = [
        Remove(one.replica)
        for one in seen
        if one.phase is Phase.EXITED
        or (one.version_id not in wants and one.phase is not Phase.DRAINING)
    ]
    by_version: dict[str, list[Seen]] = {}
    for one in seen:
        if one.phase in _SHED_ORDER:
            by_version.setdefault(one.version_id, []).append(one)
    starts: list[Action] = []
    for version_id, want in wants.items():
        live = by_version.get(version_id, [])
        kept = sorted(live, key=_usefulness)
        surplus = max(0, len(kept) - want.count)
        actions += (Drain(one.replica) for one in kept[:surplus])
        if want.frozen:
            actions += _freeze(kept[surplus:])
            continue
        actions += (Wake(one.replica) for one in kept[surplus:] if one.phase is Phase.FROZEN)
        missing = want.count - len(live) if now >= want.not_before else 0
        starts += (Start(version_id) for _ in range(missing))
    return actions + starts


def _usefulness(one: Seen) -> tuple[int, int, float]:
    return _SHED_ORDER[one.phase], one.in_flight, -one.since


def _freeze(live: Sequence[Seen]) -> list[Action]:
    return [Freeze(one.replica) for one in live if one.phase is Phase.READY and not one.in_flight]
