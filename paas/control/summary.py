"""What an explanation says in one or two sentences, for people. Times are UTC."""

from datetime import UTC, datetime

from paas.control.explanation import VersionExplanation
from paas.core.idle import Keeps
from paas.core.model import ReplicaState, VersionStatus
from paas.live.requests import OpenRequest, RequestKind

NEAR = 20 * 3600.0
"""Seconds within which the hour says which day is meant."""
_KINDS = {
    RequestKind.REQUEST: "a request",
    RequestKind.STREAM: "an answer under way",
    RequestKind.WEBSOCKET: "a WebSocket",
}
_KEEPS = {
    Keeps.QUEUED: "requests that wait",
    Keeps.STREAM: "open WebSockets",
    Keeps.REQUEST: "requests in flight",
    Keeps.DEPLOYMENT: "its deployment",
    Keeps.STARTING: "a replica that starts",
    Keeps.MIN: "its minimum",
}
_PLURAL = (Keeps.QUEUED, Keeps.STREAM, Keeps.REQUEST)


def summary(found: VersionExplanation, *, now: float) -> str:
    """How many replicas, why, what keeps it awake, and what is wrong."""
    return " ".join(filter(None, (_state(found, now), _waiting(found), _trouble(found, now))))


def _state(found: VersionExplanation, now: float) -> str:
    version = found.view.version
    if version.status is VersionStatus.FAILED:
        why = version.failure.message if version.failure else "its deployment failed."
        return f"{version.name} failed: {why}"
    if version.status is not VersionStatus.READY:
        return f"{version.name} is {version.status}: its deployment is under way."
    states = [one.state for one in found.view.replicas]
    decision = found.decision
    if decision is not None and decision.count and ReplicaState.FROZEN not in states:
        runs = _runs(states.count(ReplicaState.READY), decision.count)
        return f"{version.name} runs {runs} because {decision.reason}; {_rest(found, now)}."
    if ReplicaState.FROZEN in states:
        stops = found.sleep.stops_at
        until = f", or is stopped at {_moment(stops, now)}" if stops else ""
        return f"{version.name} is frozen{_since(found, now)}: the next request wakes it{until}."
    if ReplicaState.READY in states:
        count = states.count(ReplicaState.READY)
        return f"{version.name} runs {_runs(count, count)} that no one needs any more."
    return f"{version.name} is at zero{_since(found, now)}: the next request starts it."


def _runs(ready: int, wanted: int) -> str:
    if ready == wanted:
        return f"{ready} {'replica' if ready == 1 else 'replicas'}"
    return f"{ready} of {wanted} wanted {'replica' if wanted == 1 else 'replicas'}"


def _rest(found: VersionExplanation, now: float) -> str:
    """What keeps it awake, or when it goes to sleep."""
    keeps, sleep = found.idle.keeps, found.sleep
    if keeps in (None, Keeps.RECENT):
        ways = [("freezes", sleep.freezes_at), ("stops", sleep.stops_at)]
        told = [f"{verb} at {_moment(at, now)}" for verb, at in ways if at is not None]
        return f"without a request it {' and '.join(told)}" if told else "it never sleeps"
    if keeps in (Keeps.STREAM, Keeps.REQUEST) and (oldest := _oldest(found, keeps)):
        return _by_requests(oldest, found.activity.in_flight - 1, now)
    if keeps is Keeps.MIN and found.settings.min_reason:
        return f"its schedule keeps it awake: {found.settings.min_reason}"
    verb = "keep" if keeps in _PLURAL else "keeps"
    return f"{_KEEPS[keeps]} {verb} it awake"


def _oldest(found: VersionExplanation, keeps: Keeps) -> OpenRequest | None:
    """Of the requests that are open the one to name; a WebSocket before others."""
    there = [one for one in found.requests if not one.queued]
    sockets = [one for one in there if one.kind is RequestKind.WEBSOCKET]
    return next(iter(sockets if keeps is Keeps.STREAM else there), None)


def _by_requests(oldest: OpenRequest, others: int, now: float) -> str:
    client = oldest.client.decode("ascii", "replace")
    what = f"{_KINDS[oldest.kind]} from {client} open since {_moment(oldest.since, now)}"
    if others > 0:
        return f"{what} and {others} more keep it awake"
    return f"{what} keeps it awake"


def _waiting(found: VersionExplanation) -> str:
    queue = found.queue
    if not queue.waiting:
        return ""
    if queue.waiting == 1:
        return f"A request waits for a replica since {queue.oldest:.1f} s."
    return f"{queue.waiting} requests wait for a replica, the oldest for {queue.oldest:.1f} s."


def _trouble(found: VersionExplanation, now: float) -> str:
    starts = found.starts
    again = "" if starts.next_try is None else f"; the next try is in {starts.next_try - now:.0f} s"
    if starts.no_memory:
        return f"The host has no memory for another replica of it{again}."
    if starts.failures:
        times = "once" if starts.failures == 1 else f"{starts.failures} times in a row"
        return f"It failed {times}{again}."
    return ""


def _since(found: VersionExplanation, now: float) -> str:
    since = found.sleep.since
    return f", idle since {_moment(since, now)}" if since is not None else ""


def _moment(at: float, now: float) -> str:
    form = "%H:%M UTC" if abs(at - now) < NEAR else "%Y-%m-%d %H:%M UTC"
    return datetime.fromtimestamp(at, UTC).strftime(form)
