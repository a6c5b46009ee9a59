"""What `explain` answers: its shapes, and how they are made of the control plane's values."""

from paas.api import render
from paas.api.answers import Failure, Request, ScalingRules, Schedule, Shape, Time
from paas.api.render import moment
from paas.control.explanation import Explanation, ToldFailure, VersionExplanation
from paas.control.summary import summary
from paas.core import scaling
from paas.core.idle import Keeps, Stage
from paas.core.model import Condition, Event, ReplicaState, VersionStatus
from paas.core.scaling import Limit, Rule, Span
from paas.live.requests import OpenRequest, RequestKind

PHASE = "_seconds"


class RuleAnswer(Shape):
    """What one rule says for one window: `average` in the rule's own unit, `target` per
    replica with the utilisation in it.
    """

    rule: Rule
    window: Span
    average: float
    target: float
    wanted: int
    reason: str


class Decision(Shape):
    """The last one. `answer` won, of `answers`, and wanted so many; `limited_by` made
    `count` of that.
    """

    count: int
    stage: Stage
    reason: str
    wanted: int
    limited_by: list[Limit]
    in_panic: bool
    answer: RuleAnswer | None
    answers: list[RuleAnswer]


class DecidedBy(Shape):
    """The settings of this moment. `min` has those of open schedules in it and holds until
    `min_until`; null is never. Idle times are seconds, 0 = never.
    """

    min: int
    min_reason: str
    min_until: Time | None
    max: int
    concurrency: int
    utilisation: float
    rules: ScalingRules
    schedules: list[Schedule]
    freeze_after: float
    stop_after: float


class OpenCall(Shape):
    """One request that is open; `queued` for a replica. `path` is without the query."""

    kind: RequestKind
    client: str
    since: Time
    method: str
    path: str
    queued: bool


class Awake(Shape):
    """`keeps` is null while it sleeps. `requests` are the oldest of all that are open."""

    keeps: Keeps | None
    reason: str
    in_flight: int
    streams: int
    requests: list[OpenCall]


class Sleeps(Shape):
    """`idle_since` is null while there is a request; the others are when it would go on
    to sleep, null for never.
    """

    idle_since: Time | None
    freezes_at: Time | None
    stops_at: Time | None


class Waiting(Shape):
    """Requests that wait for a replica; times are seconds."""

    waiting: int
    oldest: float
    limit: int
    wait_limit: float


class Starting(Shape):
    """`failures` in a row; `next_try` is null when nothing has to be waited for."""

    failures: int
    next_try: Time | None
    no_memory: bool


class ColdStart(Shape):
    """`phases` are seconds: queue, create, start or wake, connect."""

    time: Time
    kind: str
    replica: str
    seconds: float
    phases: dict[str, float]


class PastFailure(Failure):
    time: Time
    kind: str


class ExplainedVersion(Shape):
    """`replicas` counts those that exist by state. Lists have the newest first."""

    name: str
    status: VersionStatus
    condition: Condition | None
    weight: int
    summary: str
    replicas: dict[ReplicaState, int]
    decision: Decision | None
    settings: DecidedBy
    awake: Awake
    sleep: Sleeps
    queue: Waiting
    starts: Starting
    cold_starts: list[ColdStart]
    failures: list[PastFailure]


class ExplainedService(Shape):
    """`errors` are the last answers of our own, newest first, known with `request_log`."""

    service: str
    time: Time
    split: dict[str, int]
    maintenance: str
    versions: list[ExplainedVersion]
    request_log: bool
    errors: list[Request]


def service(found: Explanation) -> ExplainedService:
    """The whole answer."""
    known = found.service
    return ExplainedService(
        service=known.name,
        time=render.rfc3339(found.time),
        split=dict(known.split),
        maintenance=known.settings.maintenance.value,
        versions=[_version(one, found.time) for one in found.versions],
        request_log=known.settings.request_log,
        errors=[render.request(one) for one in found.errors],
    )


def _version(found: VersionExplanation, now: float) -> ExplainedVersion:
    view, starts, queue = found.view, found.starts, found.queue
    states = [one.state for one in view.replicas]
    return ExplainedVersion(
        name=view.version.name,
        status=view.version.status,
        condition=view.condition,
        weight=view.weight,
        summary=summary(found, now=now),
        replicas={state: states.count(state) for state in ReplicaState},
        decision=_decision(found.decision) if found.decision else None,
        settings=_settings(found),
        awake=_awake(found),
        sleep=Sleeps(
            idle_since=moment(found.sleep.since),
            freezes_at=moment(found.sleep.freezes_at),
            stops_at=moment(found.sleep.stops_at),
        ),
        queue=Waiting(
            waiting=queue.waiting,
            oldest=round(queue.oldest, 3),
            limit=queue.limit,
            wait_limit=queue.wait_limit,
        ),
        starts=Starting(
            failures=starts.failures,
            next_try=moment(starts.next_try),
            no_memory=starts.no_memory,
        ),
        cold_starts=[_cold_start(event) for event in found.cold_starts],
        failures=[_failure(one) for one in found.failures],
    )


def _decision(found: scaling.Decision) -> Decision:
    return Decision(
        count=found.count,
        stage=found.stage,
        reason=found.reason,
        wanted=found.wanted,
        limited_by=list(found.limited_by),
        in_panic=found.in_panic,
        answer=_answer(found.answer) if found.answer else None,
        answers=[_answer(one) for one in found.answers],
    )


def _answer(found: scaling.Answer) -> RuleAnswer:
    return RuleAnswer(
        rule=found.rule,
        window=found.span,
        average=round(found.average, 4),
        target=found.target,
        wanted=found.wanted,
        reason=found.reason,
    )


def _settings(found: VersionExplanation) -> DecidedBy:
    known, replicas = found.settings, found.view.version.spec.replicas
    return DecidedBy(
        min=known.idle.min,
        min_reason=known.min_reason,
        min_until=moment(found.scheduled.until),
        max=known.max,
        concurrency=known.concurrency,
        utilisation=known.utilisation,
        rules=render.scaling(known.rules),
        schedules=render.schedules(replicas),
        freeze_after=known.idle.freeze_after,
        stop_after=known.idle.stop_after,
    )


def _awake(found: VersionExplanation) -> Awake:
    return Awake(
        keeps=found.idle.keeps,
        reason=found.idle.reason,
        in_flight=found.activity.in_flight,
        streams=found.activity.streams,
        requests=[_request(one) for one in found.requests],
    )


def _request(found: OpenRequest) -> OpenCall:
    return OpenCall(
        kind=found.kind,
        client=render.latin(found.client),
        since=render.rfc3339(found.since),
        method=render.latin(found.method),
        path=render.latin(found.path),
        queued=found.queued,
    )


def _cold_start(event: Event) -> ColdStart:
    """The phases stand in the event's data as `<phase>_seconds`."""
    data = event.data
    seconds = {key: float(value) for key, value in data.items() if isinstance(value, int | float)}
    return ColdStart(
        time=render.rfc3339(event.time),
        kind=event.kind,
        replica=str(data.get("replica", "")),
        seconds=seconds.get("seconds", 0.0),
        phases={
            key.removesuffix(PHASE): value for key, value in seconds.items() if key.endswith(PHASE)
        },
    )


def _failure(told: ToldFailure) -> PastFailure:
    failure = told.failure
    return PastFailure(
        time=render.rfc3339(told.time),
        kind=told.kind,
        code=failure.code,
        message=failure.message,
        advice=failure.advice,
        log=list(failure.log),
    )
