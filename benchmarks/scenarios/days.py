"""A burst and a night: what scaling looks like over time. The ramp's picture is that of S7."""

import asyncio
import time
from collections.abc import Sequence

from benchmarks.scenarios.load import Outcome, failures, run
from benchmarks.scenarios.report import Machine, Report
from benchmarks.scenarios.stage import Stage, stage
from benchmarks.scenarios.timeline import Timeline, recorded

QUIET, BURST = 5.0, 200.0
STEPS = ((QUIET, 15.0), (BURST, 15.0), (QUIET, 110.0))
DAY = 15.0
"""Requests a second."""
FREEZE, STOP = 20.0, 50.0
EVENING, NIGHT, MORNING, SILENCE = 20.0, 70.0, 20.0, 35.0
"""Seconds: traffic, silence until zero, traffic, silence until frozen."""

ENDING = 2.0
"""Seconds in which the engine ends a replica."""
NIGHT_ORDER = ["frozen", "zero", "started", "frozen", "woken"]


def burst() -> Report:
    """Forty times the load for a quarter of a minute."""
    report = Report(id="burst", title=f"{QUIET:g} → {BURST:g} → {QUIET:g} requests/s")
    with stage() as here:
        service = here.deploy(scaling={"rps": 25}, replicas={"max": 20}, cpu=0.25)
        machine = Machine()
        timeline = Timeline(
            title="A burst (target: 25 requests/s per replica)", begin=time.monotonic()
        )
        with recorded(timeline, here.world.api, f"{service}-001"):
            answers = run(here.crowd(service).steps(STEPS, "/?ms=50", begin=timeline.begin))
        machine.tell(report)
        _note(report, timeline, answers)
        most = max(count for _, count in timeline.ready(0, 200))
        report.at_least("replicas at the height", most, 12)
        report.at_most("replicas at the end", len(timeline.seen[-1][1]), 2)
    return report


def night() -> Report:
    """An evening, a night in which it freezes and is stopped, a morning, a nap."""
    title = f"frozen after {FREEZE:g} s of silence, stopped after {STOP:g} s"
    report = Report(id="night", title=title)
    with stage() as here:
        service = here.deploy(scaling={"rps": 25}, cpu=0.25)
        here.idle(service, freeze_after=FREEZE, stop_after=STOP)
        machine = Machine()
        timeline = Timeline(title=f"A night: {title}", begin=time.monotonic())
        wall = time.time() - (time.monotonic() - timeline.begin)
        with recorded(timeline, here.world.api, f"{service}-001"):
            answers = run(_night(here, service, timeline.begin))
        machine.tell(report)
        _note(report, timeline, answers)
        timeline.marks = _marks(here, service, wall)
        order = [name for _, name in timeline.marks]
        report.equal("what the night did", order, NIGHT_ORDER)
        cold = [one for one in answers if one.cold]
        slow = [f"{1e3 * one.seconds:.0f} ms" for one in (cold[0], cold[-1])]
        report.note("first answers from zero and from frozen", " and ".join(slow))
    return report


# ---- private


def _marks(here: Stage, service: str, wall: float) -> list[tuple[float, str]]:
    """What the engine did. It also lets a frozen replica go on in order to end it: that is
    no waking.
    """
    acts = here.acts(service, since=wall)
    ended = {act.replica: act.at for act in acts if act.action == "destroy"}
    names = {"pause": "frozen", "unpause": "woken", "destroy": "zero", "create": "started"}
    return [
        (act.at - wall, names[act.action])
        for act in acts
        if act.action in names
        and not (
            act.action == "unpause" and ended.get(act.replica, act.at + ENDING) < act.at + ENDING
        )
    ]


async def _night(here: Stage, service: str, begin: float) -> list[Outcome]:
    crowd = here.crowd(service)
    answers = await crowd.steps([(DAY, EVENING)], "/?ms=20", begin=begin)
    morning = begin + EVENING + NIGHT
    answers += await crowd.steps([(DAY, MORNING)], "/?ms=20", begin=morning)
    waking = morning + MORNING + SILENCE
    answers += await crowd.at([waking, waking + 1.0, waking + 2.0], "/?ms=20")
    await asyncio.sleep(5.0)
    return answers


def _note(report: Report, timeline: Timeline, answers: Sequence[Outcome]) -> None:
    bad = [one.due for one in answers if one.status != 200]
    timeline.note_requests([one.due for one in answers], bad)
    report.timeline = timeline
    report.equal("failures", failures(answers), {})
