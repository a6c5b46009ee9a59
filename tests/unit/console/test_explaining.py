"""Why a version runs what it runs, in both languages."""

from dataclasses import replace

import pytest

from paas.console import wording
from paas.console.explaining import explain
from paas.control.explanation import Queue, Sleep, Starts, VersionExplanation
from paas.control.view import ReplicaView, VersionView
from paas.core.idle import Activity, Idle, IdleSettings, Keeps, Stage
from paas.core.model import Condition, ReplicaState, VersionStatus
from paas.core.scaling import Answer, Decision, Limit, Rule, ScaleSettings, Span
from paas.core.schedules import ScheduledMin
from paas.core.spec import ScalingRules
from paas.live.requests import OpenRequest, RequestKind
from tests import builders

NOW = 1_000_000.0
ENGLISH, CHINESE = wording.load("en"), wording.load("zh")
RECENT = Idle(stage=Stage.SERVING, reason="", keeps=Keeps.RECENT)
RPS = Answer(rule=Rule.RPS, span=Span.STABLE, average=62.0, target=35, wanted=2, reason="")
DECISION = Decision(
    count=2,
    stage=Stage.SERVING,
    reason="",
    answer=RPS,
    wanted=2,
    limited_by=(),
    in_panic=False,
    idle=RECENT,
    answers=(RPS,),
)


def found(*states: str, status: str = "ready", **fields: object) -> VersionExplanation:
    version = builders.version(1, service="shop", status=VersionStatus(status))
    view = VersionView(
        service=builders.service(version, name="shop"),
        version=version,
        condition=Condition.SERVING,
        weight=100,
        replicas=tuple(
            ReplicaView(id=f"r{number}", version=version.name, state=ReplicaState(state))
            for number, state in enumerate(states)
        ),
        internal_address=None,
        urls=(),
    )
    known: dict[str, object] = {
        "view": view,
        "decision": None,
        "settings": ScaleSettings(rules=ScalingRules(rps=50), max=10, idle=IdleSettings(min=1)),
        "scheduled": ScheduledMin(),
        "idle": RECENT,
        "activity": Activity(last_active=0.0, in_flight=1),
    }
    return VersionExplanation(**known | fields)  # type: ignore[arg-type] # the test's own


def told(*states: str, **fields: object) -> str:
    """In English; the Chinese must say as many sentences."""
    case = found(*states, **fields)  # type: ignore[arg-type] # the test's own
    english = explain(case, ENGLISH, now=NOW)
    assert len(explain(case, CHINESE, now=NOW)) == len(english)
    return " ".join(english)


def test_as_many_as_its_load_needs_until_it_sleeps() -> None:
    sleep = Sleep(freezes_at=NOW + 240, stops_at=NOW + 7200)
    assert told("ready", "ready", decision=DECISION, sleep=sleep) == (
        "As many replicas run as are wanted: 2. "
        "62 requests a second over 60 s, 35 per replica: 2 needed. "
        "Without a request it freezes in 4 min. Without a request it stops in 2 h."
    )


def test_what_is_missing_and_what_limits() -> None:
    limited = replace(DECISION, limited_by=(Limit.PANIC, Limit.MIN))
    text = told("ready", "starting", decision=limited)
    assert text.startswith("1 ready of 2 wanted")
    assert "A burst" in text
    assert "At least 1: its minimum." in text
    assert text.endswith("It never goes to sleep.")


@pytest.mark.parametrize("limit", Limit)
@pytest.mark.parametrize("rule", Rule)
def test_every_rule_and_limit_has_words(rule: Rule, limit: Limit) -> None:
    answer = replace(RPS, rule=rule, span=Span.PANIC)
    assert told("ready", decision=replace(DECISION, answer=answer, limited_by=(limit,)))


@pytest.mark.parametrize("keeps", [one for one in Keeps if one is not Keeps.RECENT])
def test_every_reason_to_stay_awake_has_words(keeps: Keeps) -> None:
    assert "awake" in told("ready", decision=DECISION, idle=replace(RECENT, keeps=keeps))


@pytest.mark.parametrize("kind", RequestKind)
def test_who_keeps_it_awake(kind: RequestKind) -> None:
    request = OpenRequest(
        version_id="v", kind=kind, client=b"203.0.113.9", since=NOW - 60, method=b"", path=b""
    )
    keeps = Keeps.STREAM if kind is RequestKind.WEBSOCKET else Keeps.REQUEST
    text = told("ready", decision=DECISION, idle=replace(RECENT, keeps=keeps), requests=(request,))
    assert "from 203.0.113.9" in text or "to 203.0.113.9" in text
    assert "since 1 min ago" in text


def test_asleep() -> None:
    since = Sleep(since=NOW - 60, stops_at=NOW + 30)
    assert told("frozen", sleep=since) == (
        "Frozen, last used 1 min ago: no CPU is used, the next request wakes it in some 20 ms. "
        "Without a request it stops in 30 s."
    )
    assert told(sleep=since) == (
        "At zero, last used 1 min ago: the next request starts it and waits for it."
    )
    assert told("ready").startswith("1 replicas are leaving")


def test_what_is_no_decision_of_ours() -> None:
    assert told(status="failed") == "Its deployment failed."
    assert told(status="starting") == "It is being deployed."


def test_trouble() -> None:
    starts = Starts(failures=3, next_try=NOW + 8)
    text = told(starts=starts, queue=Queue(waiting=2, oldest=1.5))
    assert text.endswith(
        "Requests wait for a replica: 2, the oldest for 1.5 s. "
        "Failed starts in a row: 3. Next try in 8 s."
    )
    assert "no memory" in told(starts=Starts(no_memory=True))
