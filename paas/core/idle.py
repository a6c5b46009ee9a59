"""When a version without traffic is frozen, and when it is stopped.

serving → frozen after `freeze_after` seconds without a request, → zero after
`stop_after`; back only by demand. Only the last replica of a version goes this way.
A version without weight does not lie frozen: it goes to zero at once after the shorter
of the two times. A rollback soon after a deployment finds the old version warm, and a
small host does not keep the memory of every version before that.

Idle time is measured by the monotonic clock and stored with the id of the host's boot:
so neither a wall clock that jumps nor a restart of the daemon moves it. After a boot,
when none of the old replicas runs any more, it begins anew.
"""

from dataclasses import dataclass
from enum import StrEnum

SETTLED = 1.0
"""Seconds without a request after which the end of the last one is stored."""


class Stage(StrEnum):
    """How far asleep a version is. Of a frozen one at most one replica is left, and none
    is started to be frozen.
    """

    SERVING = "serving"
    FROZEN = "frozen"
    ZERO = "zero"


class Keeps(StrEnum):
    """What keeps a version awake."""

    QUEUED = "queued"
    STREAM = "stream"
    REQUEST = "request"
    DEPLOYMENT = "deployment"
    STARTING = "starting"
    MIN = "min"
    RECENT = "recent"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSettings:
    """Seconds (0 = never), the least number of replicas at this moment, and whether the
    service's split gives the version any weight.
    """

    freeze_after: float = 300.0
    stop_after: float = 3600.0
    min: int = 0
    weighted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a version does now; times are monotonic seconds.

    `last_active` is the last moment anything was in flight or queued, or a deployment of
    it under way. `streams` are those `in_flight` that stay open (WebSockets, streams).
    `started` is when a replica last became ready by a start or a wake of this daemon,
    None when that never happened (a replica it took over was ready before): who was
    started for somebody that gave up meanwhile gets a whole idle time for the next one.
    """

    last_active: float
    started: float | None = None
    in_flight: int = 0
    streams: int = 0
    queued: int = 0
    deploying: bool = False
    starting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """The stage a version should be at. `seconds` is for how long it was idle;
    `freezes_at` and `stops_at` (monotonic) are when it goes further if nothing happens,
    None for never or not from here.
    """

    stage: Stage
    reason: str
    keeps: Keeps | None = None
    seconds: float = 0.0
    freezes_at: float | None = None
    stops_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One moment by the host's clocks; `boot` is the id of the run of its kernel, whose
    monotonic clock goes on across restarts of the daemon.
    """

    boot: str
    monotonic: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is stored of a version's idle time: when it was last active, or, while `busy`,
    since when that is not known yet. `at.wall` is for people; it decides nothing.
    """

    at: Moment
    busy: bool = False


def ladder(settings: IdleSettings, activity: Activity, *, stage: Stage, now: float) -> Idle:
    """The stage after `stage`, the one the version is at."""
    keeps = _kept_awake(settings, activity)
    if keeps is not None:
        return Idle(stage=Stage.SERVING, reason=_WORDS[keeps], keeps=keeps)
    since = max(activity.last_active, activity.started or activity.last_active)
    idle = max(0.0, now - since)
    freeze, stop = _limits(settings)
    if stage is Stage.ZERO:
        return Idle(stage=stage, reason="no request since it was stopped", seconds=idle)
    if stop and idle >= stop:
        reason = f"idle for {idle:.0f} s, stopped after {stop:.0f} s"
        return Idle(stage=Stage.ZERO, reason=reason, seconds=idle)
    stops_at = since + stop if stop else None
    if stage is Stage.FROZEN or (freeze and idle >= freeze):
        reason = f"idle for {idle:.0f} s, frozen until the next request"
        return Idle(stage=Stage.FROZEN, reason=reason, seconds=idle, stops_at=stops_at)
    return Idle(
        stage=Stage.SERVING,
        reason=_recent(idle, freeze=freeze, stop=stop),
        keeps=Keeps.RECENT,
        seconds=idle,
        freezes_at=since + freeze if freeze and (not stop or freeze < stop) else None,
        stops_at=stops_at,
    )


def to_store(stored: Mark | None, *, last_active: float, busy: bool, now: Moment) -> Mark | None:
    """The mark to store in place of `stored`, None while that one still tells the truth:
    one write when a row of requests begins, one when it is over for `SETTLED` seconds.
    """
    known = stored if stored is not None and stored.at.boot == now.boot else None
    if busy or now.monotonic - last_active < SETTLED:
        return None if known is not None and known.busy else Mark(at=now, busy=True)
    if known is not None and not known.busy and known.at.monotonic == last_active:
        return None
    wall = now.wall - (now.monotonic - last_active)
    return Mark(at=Moment(boot=now.boot, monotonic=last_active, wall=wall))


def resumed(stored: Mark | None, now: Moment) -> float:
    """`last_active` of a version after a start of the daemon, in monotonic seconds.

    It is now, if the version was busy until an unknown moment, or the host has booted
    since, or nothing was stored.
    """
    if stored is None or stored.busy or stored.at.boot != now.boot:
        return now.monotonic
    return min(stored.at.monotonic, now.monotonic)


_WORDS = {
    Keeps.QUEUED: "requests wait for it",
    Keeps.STREAM: "a stream or WebSocket is open",
    Keeps.REQUEST: "requests are in flight",
    Keeps.DEPLOYMENT: "a deployment is under way",
    Keeps.STARTING: "a replica is starting",
    Keeps.MIN: "its minimum keeps it awake",
}


def _kept_awake(settings: IdleSettings, activity: Activity) -> Keeps | None:
    found = {
        Keeps.QUEUED: activity.queued > 0,
        Keeps.STREAM: activity.streams > 0,
        Keeps.REQUEST: activity.in_flight > 0,
        Keeps.DEPLOYMENT: activity.deploying,
        Keeps.STARTING: activity.starting,
        Keeps.MIN: settings.weighted and settings.min > 0,
    }
    return next((keeps for keeps, holds in found.items() if holds), None)


def _recent(idle: float, *, freeze: float, stop: float) -> str:
    first = _first(freeze, stop)
    return f"idle for {idle:.0f} of {first:.0f} s" if first else "it never sleeps"


def _limits(settings: IdleSettings) -> tuple[float, float]:
    """Seconds until it is frozen and until it is stopped; 0 = never."""
    freeze, stop = settings.freeze_after, settings.stop_after
    if settings.weighted:
        return freeze, stop
    return 0.0, _first(freeze, stop)


def _first(freeze: float, stop: float) -> float:
    return min(freeze, stop) if freeze and stop else freeze or stop
