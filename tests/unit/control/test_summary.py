"""An explanation in words, and as the API answers it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from paas.api import explained
from paas.control.explanation import (
    Explanation,
    Queue,
    Sleep,
    Starts,
    ToldFailure,
    VersionExplanation,
)
from paas.control.summary import summary
from paas.control.view import ReplicaView, VersionView
from paas.core.idle import Activity, Idle, IdleSettings, Keeps, Stage
from paas.core.model import Condition, Failure, ReplicaState, VersionStatus
from paas.core.scaling import Answer, Decision, Limit, Rule, ScaleSettings, Span
from paas.core.schedules import Schedule, ScheduledMin
from paas.core.spec import ReplicaRange, ScalingRules
from paas.live.requests import OpenRequest, RequestKind
from tests import builders

NOW = datetime(2026, 5, 4, 14, 5, tzinfo=UTC).timestamp()
WHY = "62 rps over 60 s, target 35 per replica → 2"
SERVING = Idle(stage=Stage.SERVING, reason="requests are in flight", keeps=Keeps.REQUEST)
RECENT = Idle(stage=Stage.SERVING, reason="idle for 60 of 300 s", keeps=Keeps.RECENT, seconds=60)
RPS = Answer(rule=Rule.RPS, span=Span.STABLE, average=62.00004, target=35, wanted=2, reason=WHY)


def decision(count=2, **fields):
    known = {
        "count": count, "stage": Stage.SERVING, "reason": WHY, "answer": RPS, "wanted": 2,
        "limited_by": (), "in_panic": False, "idle": SERVING, "answers": (RPS,),
    }  # fmt: skip
    return Decision(**known | fields)


def view(*states, **fields):
    version = builders.version(1, service="hello", **fields)
    replicas = tuple(
        ReplicaView(id=f"r{index}", version=version.name, state=ReplicaState(state))
        for index, state in enumerate(states)
    )
    return VersionView(
        service=builders.service(version, name="hello", split={version.name: 100}),
        version=version,
        condition=Condition.SERVING if version.status is VersionStatus.READY else None,
        weight=100,
        replicas=replicas,
        internal_address=None,
        urls=(),
    )


def found(*states, **fields):
    known = {
        "view": view(*states),
        "decision": decision(),
        "settings": ScaleSettings(rules=ScalingRules(rps=50), max=10, idle=IdleSettings()),
        "scheduled": ScheduledMin(),
        "idle": SERVING,
        "activity": Activity(last_active=0.0, in_flight=1),
    }
    return VersionExplanation(**known | fields)


def request(kind=RequestKind.WEBSOCKET, *, ago=180.0, **fields):
    known = {
        "version_id": "hello-id-1", "kind": kind, "client": b"203.0.113.9", "since": NOW - ago,
        "method": b"GET", "path": b"/live",
    }  # fmt: skip
    return OpenRequest(**known | fields)


def words(*states, **fields):
    return summary(found(*states, **fields), now=NOW)


STREAM = {
    "idle": replace(SERVING, keeps=Keeps.STREAM),
    "activity": Activity(last_active=0.0, in_flight=1, streams=1),
}
IDLE = Activity(last_active=0.0)


def test_a_websocket_keeps_it_awake():
    assert words("ready", "ready", requests=(request(),), **STREAM) == (
        "hello-001 runs 2 replicas because 62 rps over 60 s, target 35 per replica → 2; "
        "a WebSocket from 203.0.113.9 open since 14:02 UTC keeps it awake."
    )


def test_the_oldest_websocket_is_named_before_requests_that_are_older():
    several = (
        request(RequestKind.REQUEST, ago=9000, queued=True),
        request(RequestKind.STREAM, ago=600, client=b"192.0.2.7"),
        request(ago=86400),
    )
    told = words("ready", "ready", requests=several, **STREAM | {
        "activity": Activity(last_active=0.0, in_flight=2, streams=1, queued=1)
    })  # fmt: skip
    assert "a WebSocket from 203.0.113.9 open since 2026-05-03 14:05 UTC and 1 more keep it" in told


@pytest.mark.parametrize(
    ("kind", "told"),
    [(RequestKind.REQUEST, "a request from"), (RequestKind.STREAM, "an answer under way from")],
)
def test_a_request_keeps_it_awake(kind, told):
    assert told in words("ready", "ready", requests=(request(kind),))


@pytest.mark.parametrize(
    ("keeps", "told"),
    [
        (Keeps.QUEUED, "requests that wait keep it awake"),
        (Keeps.STREAM, "open WebSockets keep it awake"),
        (Keeps.REQUEST, "requests in flight keep it awake"),
        (Keeps.DEPLOYMENT, "its deployment keeps it awake"),
        (Keeps.STARTING, "a replica that starts keeps it awake"),
        (Keeps.MIN, "its minimum keeps it awake"),
    ],
)
def test_what_else_keeps_it_awake(keeps, told):
    assert words("ready", "ready", idle=replace(SERVING, keeps=keeps)).endswith(f"; {told}.")


def test_a_schedule_keeps_it_awake():
    settings = replace(found().settings, min_reason="at least 2 until Mon 20:00 (Europe/Berlin)")
    told = words("ready", "ready", idle=replace(SERVING, keeps=Keeps.MIN), settings=settings)
    assert told.endswith("its schedule keeps it awake: at least 2 until Mon 20:00 (Europe/Berlin).")


@pytest.mark.parametrize(
    ("sleep", "told"),
    [
        (
            Sleep(freezes_at=NOW + 240, stops_at=NOW + 3540),
            "without a request it freezes at 14:09 UTC and stops at 15:04 UTC.",
        ),
        (Sleep(stops_at=NOW + 86400), "without a request it stops at 2026-05-05 14:05 UTC."),
        (Sleep(), "it never sleeps."),
    ],
)
def test_without_requests_it_goes_to_sleep(sleep, told):
    said = words("ready", idle=RECENT, activity=IDLE, sleep=sleep, decision=decision(1))
    assert said == f"hello-001 runs 1 replica because {WHY}; {told}"


def test_it_has_not_all_it_wants():
    assert "runs 1 of 3 wanted replicas because" in words("ready", "starting", decision=decision(3))
    assert "runs 0 of 1 wanted replica because" in words("starting", decision=decision(1))


def test_sleeping():
    asleep = {"idle": Idle(stage=Stage.FROZEN, reason="idle"), "activity": IDLE}
    sleep = Sleep(since=NOW - 600, stops_at=NOW + 3000)
    frozen = decision(1, stage=Stage.FROZEN)
    assert words("frozen", decision=frozen, sleep=sleep, **asleep) == (
        "hello-001 is frozen, idle since 13:55 UTC: the next request wakes it, "
        "or is stopped at 14:55 UTC."
    )
    assert words("frozen", decision=frozen, **asleep) == (
        "hello-001 is frozen: the next request wakes it."
    )
    assert words(decision=None, sleep=Sleep(since=NOW - 86400), **asleep) == (
        "hello-001 is at zero, idle since 2026-05-03 14:05 UTC: the next request starts it."
    )
    gone = decision(0, stage=Stage.ZERO)
    assert words("ready", decision=gone, **asleep).endswith(
        "runs 1 replica that no one needs any more."
    )


def test_versions_that_are_not_ready():
    failure = Failure(code="port_silent", message="Nothing listens on port 80.")
    failed = view(status=VersionStatus.FAILED, failure=failure)
    assert words(view=failed, decision=None) == "hello-001 failed: Nothing listens on port 80."
    cancelled = view(status=VersionStatus.FAILED)
    assert words(view=cancelled, decision=None) == "hello-001 failed: its deployment failed."
    starting = view("starting", status=VersionStatus.STARTING)
    assert words(view=starting) == "hello-001 is starting: its deployment is under way."


def test_what_waits_and_what_is_wrong():
    one = words("ready", queue=Queue(waiting=1, oldest=1.24), starts=Starts(failures=1))
    assert one.endswith("A request waits for a replica since 1.2 s. It failed once.")
    many = words(
        "ready", queue=Queue(waiting=4, oldest=3), starts=Starts(failures=3, next_try=NOW + 12)
    )
    assert many.endswith(
        "4 requests wait for a replica, the oldest for 3.0 s. "
        "It failed 3 times in a row; the next try is in 12 s."
    )
    full = words("ready", starts=Starts(no_memory=True, next_try=NOW + 5))
    assert full.endswith(
        "The host has no memory for another replica of it; the next try is in 5 s."
    )


def test_as_json():
    weekdays = Schedule(min=2, start="0 8 * * *", end="0 20 * * *")
    spec = builders.spec(replicas=ReplicaRange(min=0, max=4, schedules=(weekdays,)))
    told = ToldFailure(
        time=NOW - 5, kind="version.crashing", failure=Failure(code="exited", message="It ended.")
    )
    woken = builders.event(
        "replica.woken",
        time=NOW - 9,
        data={"replica": "r1", "seconds": 0.021, "queue_seconds": 0.001, "wake_seconds": 0.02},
    )
    one = found(
        "ready",
        "starting",
        view=view("ready", "starting", spec=spec),
        decision=decision(3, wanted=2, limited_by=(Limit.MIN,), in_panic=True),
        scheduled=ScheduledMin(min=2, reason="x", until=NOW + 60),
        sleep=Sleep(since=NOW - 1),
        requests=(request(path=b"/\xff\x1b"),),
        starts=Starts(failures=3, next_try=NOW + 1),
        cold_starts=(woken,),
        failures=(told,),
    )
    service = builders.service(name="hello", split={"hello-001": 100})
    answer = explained.service(
        Explanation(service=service, time=NOW, versions=(one,), errors=())
    ).model_dump(mode="json")
    (version,) = answer.pop("versions")
    assert answer == {
        "service": "hello", "time": "2026-05-04T14:05:00.000Z", "split": {"hello-001": 100},
        "maintenance": "off", "request_log": False, "errors": [],
    }  # fmt: skip
    assert version["replicas"] == {
        "starting": 1, "ready": 1, "frozen": 0, "draining": 0, "stopped": 0,
    }  # fmt: skip
    rps = {
        "rule": "rps", "window": "stable", "average": 62.0, "target": 35.0, "wanted": 2,
        "reason": WHY,
    }  # fmt: skip
    assert version["decision"] == {
        "count": 3, "stage": "serving", "reason": WHY, "wanted": 2, "limited_by": ["min"],
        "in_panic": True, "answer": rps, "answers": [rps],
    }  # fmt: skip
    assert version["settings"]["min_until"] == "2026-05-04T14:06:00.000Z"
    assert version["settings"]["schedules"][0]["end"] == "0 20 * * *"
    assert version["awake"]["requests"] == [
        {
            "kind": "websocket", "client": "203.0.113.9", "since": "2026-05-04T14:02:00.000Z",
            "method": "GET", "path": "/\\xff\\x1b", "queued": False,
        }
    ]  # fmt: skip
    assert version["sleep"] == {
        "idle_since": "2026-05-04T14:04:59.000Z", "freezes_at": None, "stops_at": None,
    }  # fmt: skip
    assert version["starts"]["next_try"] == "2026-05-04T14:05:01.000Z"
    assert version["cold_starts"] == [
        {
            "time": "2026-05-04T14:04:51.000Z", "kind": "replica.woken", "replica": "r1",
            "seconds": 0.021, "phases": {"queue": 0.001, "wake": 0.02},
        }
    ]  # fmt: skip
    assert version["failures"][0]["code"] == "exited"


def test_a_version_that_was_never_decided_on():
    answer = explained.service(
        Explanation(
            service=builders.service(), time=NOW, versions=(found(decision=None),), errors=()
        )
    )
    assert answer.versions[0].decision is None
    without = found(decision=decision(1, answer=None, answers=()))
    again = explained.service(
        Explanation(service=builders.service(), time=NOW, versions=(without,), errors=())
    )
    assert again.versions[0].decision is not None
    assert again.versions[0].decision.answer is None
