"""How many replicas a version should have, and why.

`decide` is run every two seconds, and at once when a request queues or a replica dies.
Each rule answers for a stable and a panic window; the largest answer wins. Panic begins
when the panic window asks for twice what is ready and holds the highest answer until a
stable window has passed without that. "Ready" is here the fewest within the panic window:
a load that doubles raises the stable answer by one or two replicas before the panic window
shows it all, and measured by those it would not have doubled.

Between one and none only the idle rules decide (`core.idle`); a version that is idle for
as long as they say needs no more than one replica, whatever a window still remembers.
Everything that must be known from one decision to the next is in `Memory`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil

from paas.core.idle import Activity, Idle, IdleSettings, Stage, ladder
from paas.core.spec import ScalingRules
from paas.core.windows import Averages

STABLE = 60
PANIC = 6
"""Seconds of the two windows."""
PANIC_FACTOR = 2.0
"""Panic begins when this many times what is ready is asked for."""
UP_FACTOR = 1000
DOWN_FACTOR = 2
PACE = 1.0
"""Decisions sooner than this after one that lowered the count do not lower it further:
of those that come out of turn, many may follow within one regular interval.
"""
OVERDUE = 1.0
"""Seconds after which a request that still waits, though a replica is ready, says that
the version can do no more at once.
"""


class Rule(StrEnum):
    """What an answer comes from. QUEUE needs no setting: it follows from the version's
    own `concurrency` when requests are `OVERDUE`.
    """

    RPS = "rps"
    CONCURRENCY = "concurrency"
    CPU = "cpu"
    MEMORY = "memory"
    QUEUE = "queue"


class Span(StrEnum):
    """The window an answer comes from; NOW is no window but the moment itself."""

    STABLE = "stable"
    PANIC = "panic"
    NOW = "now"


class Limit(StrEnum):
    """What changed the rules' answer, in the order in which it happens."""

    PANIC = "panic"
    UP = "up"
    DOWN = "down"
    IDLE = "idle"
    DELAY = "delay"
    AWAKE = "awake"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleSettings:
    """One version's settings at this moment. `concurrency` is the most requests in flight
    per replica (0 = no limit), `utilisation` the part of a target for rates and
    concurrency at which a replica counts as full, `scale_down_delay` seconds. `idle.min`
    is the minimum, the scheduled ones included; `min_reason` says where it comes from.
    """

    rules: ScalingRules
    max: int
    idle: IdleSettings
    min_reason: str = ""
    concurrency: int = 0
    utilisation: float = 0.7
    scale_down_delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One version as it is now. `ready` counts replicas that serve; `waited` is for how
    long the oldest waiting request has waited while one was ready, seconds (0 = none).
    """

    ready: int
    stable: Averages
    panic: Averages
    activity: Activity
    waited: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Panic:
    """`at` is when it was last called for, `peak` the highest answer since it began."""

    at: float
    peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the next decision must know: the last count and stage, the panic it is in, when
    the count was last lowered, how many were ready within the panic window, as (time,
    number), rising, and the answers within the scale-down delay, as (time, answer), falling.
    """

    count: int = 0
    stage: Stage = Stage.ZERO
    panic: Panic | None = None
    lowered_at: float | None = None
    ready: tuple[tuple[float, int], ...] = ()
    answers: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One rule's answer for one window: `average` and `target` in the rule's own unit,
    the target per replica and with the utilisation in it.
    """

    rule: Rule
    span: Span
    average: float
    target: float
    wanted: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How many replicas, at which stage, and why.

    `answer` is the one that won, None when no rule had data; `answers` are all there
    were. `wanted` is what the limits, named in `limited_by`, were applied to.
    """

    count: int
    stage: Stage
    reason: str
    answer: Answer | None
    wanted: int
    limited_by: tuple[Limit, ...]
    in_panic: bool
    idle: Idle
    answers: tuple[Answer, ...]


def adopted(running: int, *, frozen: int, now: float) -> Memory:
    """The memory of a version that was found with so many replicas when the daemon
    started: as if in panic, so that nothing scales down because the memory is new.
    """
    if running:
        return Memory(count=running, stage=Stage.SERVING, panic=Panic(at=now, peak=running))
    return Memory(count=1, stage=Stage.FROZEN) if frozen else Memory()


def decide(
    settings: ScaleSettings, observation: Observation, *, memory: Memory, now: float
) -> tuple[Decision, Memory]:
    """The decision at `now` (monotonic seconds) and the memory for the next one."""
    idle = ladder(settings.idle, observation.activity, stage=memory.stage, now=now)
    answers = _answers(settings, observation)
    awake = idle.stage is Stage.SERVING
    ready = _lately_ready(memory, observation.ready, now) if awake else ()
    panic = _panic(memory, ready[0][1], answers, now) if ready else None
    best = _best(answers, in_panic=panic is not None)
    course = _Course.of(best, otherwise=memory.count)
    wanted = course.count
    if awake:
        _pace(course, observation.ready, memory, panic=panic, now=now)
    elif course.count > 1:
        course.to(1, Limit.IDLE, idle.reason)
    answer = course.count
    kept = _delay(course, settings.scale_down_delay, memory, now)
    stage = _stage(course, settings, idle)
    decision = Decision(
        count=course.count,
        stage=stage,
        reason="; ".join(course.words),
        answer=best,
        wanted=wanted,
        limited_by=tuple(course.limits),
        in_panic=panic is not None,
        idle=idle,
        answers=answers,
    )
    return decision, Memory(
        count=course.count,
        stage=stage,
        panic=replace(panic, peak=max(panic.peak, answer)) if panic else None,
        lowered_at=now if course.count < memory.count else memory.lowered_at,
        ready=ready,
        answers=kept,
    )


@dataclass(slots=True, kw_only=True)
class _Course:
    """A count on its way through the limits."""

    count: int
    words: list[str]
    limits: list[Limit] = field(default_factory=list)

    @classmethod
    def of(cls, best: Answer | None, *, otherwise: int) -> "_Course":
        if best is None:
            return cls(count=otherwise, words=[f"no data, so as before → {otherwise}"])
        return cls(count=best.wanted, words=[best.reason])

    def to(self, count: int, limit: Limit, reason: str) -> None:
        self.count = count
        self.limits.append(limit)
        self.words.append(f"{reason} → {count}")


def _answers(settings: ScaleSettings, observation: Observation) -> tuple[Answer, ...]:
    """All there are: those of the stable window, of the moment, of the panic window."""
    return (
        *_window_answers(settings, observation.stable, Span.STABLE, observation.ready),
        *_queue_answers(settings.concurrency, observation),
        *_window_answers(settings, observation.panic, Span.PANIC, observation.ready),
    )


def _window_answers(
    settings: ScaleSettings, averages: Averages, span: Span, ready: int
) -> list[Answer]:
    """One of each rule that is on and has data; what replicas use says nothing while none
    is ready.
    """
    rules, full = settings.rules, settings.utilisation
    rows = (
        (Rule.RPS, averages.rps, rules.rps, full, 1),
        (Rule.CONCURRENCY, averages.concurrency, rules.concurrency, full, 1),
        (Rule.CPU, averages.cpu, rules.cpu, 1.0, ready),
        (Rule.MEMORY, averages.memory, rules.memory, 1.0, ready),
    )
    return [
        _answer(rule, span, average=average, target=goal * part, replicas=replicas)
        for rule, average, goal, part, replicas in rows
        if average is not None and goal is not None and replicas
    ]


def _queue_answers(concurrency: int, observation: Observation) -> list[Answer]:
    """What it takes to run at once all there is, when requests wait although all ready
    replicas do what they may.
    """
    activity = observation.activity
    if not (concurrency and observation.ready and activity.queued):
        return []
    if observation.waited < OVERDUE:
        return []
    load = float(activity.in_flight + activity.queued)
    return [_answer(Rule.QUEUE, Span.NOW, average=load, target=float(concurrency), replicas=1)]


def _answer(rule: Rule, span: Span, *, average: float, target: float, replicas: int) -> Answer:
    """Rounded to a millionth first: that much of a replica is arithmetic, not load."""
    wanted = ceil(round(replicas * average / target, 6))
    reason = _PHRASES[rule].format(
        average=_figure(average),
        target=_figure(target),
        ready=replicas,
        seconds=PANIC if span is Span.PANIC else STABLE,
        wanted=wanted,
    )
    return Answer(
        rule=rule, span=span, average=average, target=target, wanted=wanted, reason=reason
    )


_PHRASES = {
    Rule.RPS: "{average} rps over {seconds} s, target {target} per replica → {wanted}",
    Rule.CONCURRENCY: "{average} requests in flight over {seconds} s, "
    "target {target} per replica → {wanted}",
    Rule.CPU: "{average} % CPU over {seconds} s with {ready} ready, target {target} % → {wanted}",
    Rule.MEMORY: "{average} % memory over {seconds} s with {ready} ready, "
    "target {target} % → {wanted}",
    Rule.QUEUE: "{average} requests run or wait too long, {target} at a time per replica "
    "→ {wanted}",
}


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _best(answers: Sequence[Answer], *, in_panic: bool) -> Answer | None:
    """The largest, the first of equals; what the panic window says counts in panic only."""
    counting = [one for one in answers if in_panic or one.span is not Span.PANIC]
    return max(counting, key=lambda one: one.wanted, default=None)


def _lately_ready(memory: Memory, ready: int, now: float) -> tuple[tuple[float, int], ...]:
    """How many were ready in each decision of the panic window, each fewer than all that
    came after it: the first is the fewest.
    """
    fewer = [(at, one) for at, one in memory.ready if now - at <= PANIC and one < ready]
    return (*fewer, (now, ready))


def _panic(memory: Memory, fewest: int, answers: Sequence[Answer], now: float) -> Panic | None:
    """The panic it is in now; its peak does not know of this decision's answer."""
    before = memory.panic if memory.panic and now - memory.panic.at < STABLE else None
    urgent = max((one.wanted for one in answers if one.span is not Span.STABLE), default=0)
    if urgent >= PANIC_FACTOR * max(1, fewest):
        return Panic(at=now, peak=before.peak if before else 0)
    return before


def _pace(course: _Course, ready: int, memory: Memory, *, panic: Panic | None, now: float) -> None:
    """What one decision may change."""
    if panic and panic.peak > course.count:
        course.to(panic.peak, Limit.PANIC, "the highest since panic began")
    most, least = UP_FACTOR * max(1, ready), ceil(ready / DOWN_FACTOR)
    if course.count > most:
        course.to(most, Limit.UP, f"at most {UP_FACTOR} times what is ready")
    if course.count < least:
        course.to(least, Limit.DOWN, "no less than half of what is ready")
    recent = memory.lowered_at is not None and now - memory.lowered_at < PACE
    if recent and course.count < memory.count:
        course.to(memory.count, Limit.DOWN, "lowered only a moment ago")


def _delay(
    course: _Course, delay: float, memory: Memory, now: float
) -> tuple[tuple[float, int], ...]:
    """Answers within the delay, each higher than all that came after it."""
    if delay <= 0:
        return ()
    higher = [
        (at, count) for at, count in memory.answers if now - at < delay and count > course.count
    ]
    kept = (*higher, (now, course.count))
    if higher:
        course.to(kept[0][1], Limit.DELAY, f"the highest of the last {delay:.0f} s")
    return kept


def _stage(course: _Course, settings: ScaleSettings, idle: Idle) -> Stage:
    """The idle rules have the last replica; as long as there are more it serves."""
    if idle.stage is Stage.SERVING or course.count > 1:
        _bounds(course, settings, idle)
        return Stage.SERVING
    course.words.clear()
    course.to(1 if idle.stage is Stage.FROZEN else 0, Limit.IDLE, idle.reason)
    return idle.stage


def _bounds(course: _Course, settings: ScaleSettings, idle: Idle) -> None:
    least = settings.idle.min
    if course.count < 1:
        course.to(1, Limit.AWAKE, idle.reason)
    if course.count < least:
        course.to(least, Limit.MIN, settings.min_reason or f"at least {least}")
    if course.count > settings.max:
        course.to(settings.max, Limit.MAX, f"at most {settings.max}")
