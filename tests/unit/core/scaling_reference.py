"""The decision once more, from the design's words alone: slow, plain, and with no state but
lists of all that ever happened, from which everything is worked out again each time.

Times are whole seconds, but of requests, (begin, end), eighths of a second, so that nothing is
ever rounded. It shares no code with the real one.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil


@dataclass
class Plan:
    rps: int | None
    concurrency: int | None
    cpu: int | None
    memory: int | None
    limit: int
    least: int
    most: int
    delay: int
    freeze: int
    stop: int
    weighted: bool


@dataclass
class Past:
    """One decision that was made."""

    time: int
    ready: int
    called_for_panic: bool
    in_panic: bool
    unheld: int
    answer: int
    count: int
    stage: str


@dataclass
class Reference:
    plan: Plan
    requests: list = field(default_factory=list)
    samples: list = field(default_factory=list)
    past: list = field(default_factory=list)

    def decide(self, now, *, ready, in_flight, queued, waited):
        stage = self.idle_stage(now, in_flight, queued)
        stable = self.rules(60, now, ready)
        panic = self.rules(6, now, ready)
        queue = self.queue(ready, in_flight, queued, waited)
        fewest = min([ready, *(p.ready for p in self.since_sleep() if now - p.time <= 6)])
        calls = max([*panic, *queue], default=0) >= 2 * max(1, fewest)
        last_call = max((p.time for p in self.since_sleep() if p.called_for_panic), default=None)
        in_panic = stage == "serving" and (
            calls or (last_call is not None and now - last_call < 60)
        )
        counting = stable + queue + (panic if in_panic else [])
        unheld = max(counting, default=self.past[-1].count if self.past else 0)
        answer = self.limited(now, unheld, ready=ready, in_panic=in_panic, awake=stage == "serving")
        count, shown = self.bounded(now, answer, stage)
        self.past.append(
            Past(now, ready, calls and stage == "serving", in_panic, unheld, answer, count, shown)
        )
        return count, shown

    def idle_stage(self, now, in_flight, queued):
        plan = self.plan
        if in_flight or queued or (plan.weighted and plan.least):
            return "serving"
        before = self.past[-1].stage if self.past else "zero"
        ticks = 8 * now
        last = max((min(end, ticks) for begin, end in self.requests if begin <= ticks), default=0)
        idle = Fraction(ticks - last, 8)
        if before == "zero":
            return "zero"
        limits = [one for one in (plan.freeze, plan.stop) if one]
        if not plan.weighted:
            return "zero" if limits and idle >= min(limits) else "serving"
        if plan.stop and idle >= plan.stop:
            return "zero"
        if before == "frozen" or (plan.freeze and idle >= plan.freeze):
            return "frozen"
        return "serving"

    def rules(self, window, now, ready):
        plan, wants = self.plan, []
        since = now - window
        first, last = 8 * since, 8 * now
        if plan.rps:
            arrived = sum(1 for begin, _ in self.requests if first <= begin < last)
            wants.append(ceil(Fraction(arrived, window) / (plan.rps * Fraction(7, 10))))
        if plan.concurrency:
            lived = sum(max(0, min(end, last) - max(begin, first)) for begin, end in self.requests)
            average = Fraction(lived, 8 * window)
            wants.append(ceil(average / (plan.concurrency * Fraction(7, 10))))
        for kind, target in ((1, plan.cpu), (2, plan.memory)):
            seconds = {}
            for sample in self.samples:
                if since <= sample[0] < now:
                    seconds.setdefault(sample[0], []).append(sample[kind])
            if target and seconds and ready:
                means = [Fraction(sum(one), len(one)) for one in seconds.values()]
                wants.append(ceil(ready * sum(means) / len(means) / target))
        return wants

    def queue(self, ready, in_flight, queued, waited):
        if self.plan.limit and ready and queued and waited >= 1:
            return [ceil(Fraction(in_flight + queued, self.plan.limit))]
        return []

    def since_sleep(self):
        """Decisions since the version was last asleep, or due to be."""
        found = []
        for one in reversed(self.past):
            if one.answer == -1:
                break
            found.append(one)
        return found

    def panic_row(self):
        """Decisions of the panic that the last decision was in, if it was."""
        found = []
        for one in reversed(self.past):
            if not one.in_panic:
                break
            found.append(one)
        return found

    def limited(self, now, unheld, *, ready, in_panic, awake):
        if not awake:
            return -1
        answer = unheld
        if in_panic:
            answer = max([answer, *(one.answer for one in self.panic_row())])
        answer = min(answer, 1000 * max(1, ready))
        answer = max(answer, ceil(Fraction(ready, 2)))
        lowered = [
            after.time
            for before, after in zip([None, *self.past], self.past, strict=False)
            if before is not None and after.count < before.count
        ]
        if lowered and now - lowered[-1] < 1:
            answer = max(answer, self.past[-1].count)
        return answer

    def bounded(self, now, answer, stage):
        recent = [
            max(one.answer, min(one.unheld, 1))
            for one in self.past
            if now - one.time < self.plan.delay
        ]
        held = max([max(answer, 0), *recent])
        if stage != "serving" and held <= 1:
            return (1 if stage == "frozen" else 0), stage
        return min(max(held, 1, self.plan.least), self.plan.most), "serving"
