"""Why a service runs what it runs, as values: everything there is to tell, nothing of how.

Times are epoch seconds, None for never or unknown.
"""

from dataclasses import dataclass

from paas.control.view import VersionView
from paas.core.idle import Activity, Idle
from paas.core.model import Event, Failure, Service
from paas.core.scaling import Decision, ScaleSettings
from paas.core.schedules import ScheduledMin
from paas.live.requests import OpenRequest, RequestRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """`since` is when the last request ended, None while one is there; then when it will
    freeze and stop if nothing happens.
    """

    since: float | None = None
    freezes_at: float | None = None
    stops_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Requests that wait for a replica. `oldest` and `wait_limit` are seconds."""

    waiting: int = 0
    oldest: float = 0.0
    limit: int = 0
    wait_limit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """How starting goes: `failures` in a row, the earliest `next_try` while one has to be
    waited for, and whether the host had no memory at the last one.
    """

    failures: int = 0
    next_try: float | None = None
    no_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFailure:
    """`kind` is the event's that told it."""

    time: float
    kind: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionExplanation:
    """One version now. `decision` is the last one, None while nothing of it should run;
    `idle` and `activity` are of this moment. `requests` are the oldest that are open;
    `cold_starts` are events, newest first as `failures` are.
    """

    view: VersionView
    decision: Decision | None
    settings: ScaleSettings
    scheduled: ScheduledMin
    idle: Idle
    activity: Activity
    sleep: Sleep = Sleep()
    requests: tuple[OpenRequest, ...] = ()
    queue: Queue = Queue()
    starts: Starts = Starts()
    cold_starts: tuple[Event, ...] = ()
    failures: tuple[ToldFailure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A service at `time`. `errors` are the last answers of the proxy's own, newest first;
    they are known while the service keeps its requests.
    """

    service: Service
    time: float
    versions: tuple[VersionExplanation, ...]
    errors: tuple[RequestRecord, ...]
