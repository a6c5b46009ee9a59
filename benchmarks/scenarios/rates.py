"""S6, S7: constant rates, through the proxy and against straight to the replica."""

import time
from collections.abc import Callable
from math import ceil

from benchmarks.scenarios.load import Crowd, Outcome, failures, run
from benchmarks.scenarios.report import Machine, Report, p50, p95
from benchmarks.scenarios.stage import stage
from benchmarks.scenarios.timeline import Timeline, recorded

RATE, TURN_SECONDS, TURNS = 200.0, 8.0, 4
STEPS = (50.0, 100.0, 200.0)
STEP_SECONDS = 30.0
TARGET, UTILISATION, MOST = 25, 0.7, 20
SETTLED = 10.0
"""Seconds after a step in which the right number must have been reached."""


def s6() -> Report:
    """What the proxy costs: both ways in turn, the same loader, the same replica."""
    report = Report(id="6", title="through the proxy and straight, 200 requests/s of 100 ms")
    with stage() as here:
        service = here.deploy(scaling={"rps": 10_000}, cpu=1.0)
        here.ready(service, 1)
        machine = Machine()
        ways = {"proxy": here.crowd(service), "straight": here.straight(service)}
        found = run(_in_turn(ways))
        machine.tell(report)
        for name, answers in found.items():
            report.equal(f"{name}: failures", failures(answers), {})
        ours, theirs = (_millis(found[way], lambda one: one.seconds) for way in ways)
        report.at_most("median beyond straight", p50(ours) - p50(theirs), 2, unit="ms")
        report.at_most("p95 beyond straight", p95(ours) - p95(theirs), 10, unit="ms")
        for name, values in (("proxy", ours), ("straight", theirs)):
            report.note(name, f"median {p50(values):.1f} ms, p95 {p95(values):.1f} ms")
        late = p95(_millis(found["proxy"] + found["straight"], lambda one: one.late))
        report.note("p95 of the loader's own lateness", f"{late:.1f} ms")
    return report


def s7() -> Report:
    """From zero, and doubled twice."""
    report = Report(id="7", title="50 → 100 → 200 requests/s from zero, target 25 per replica")
    with stage() as here:
        service = here.asleep(scaling={"rps": TARGET}, replicas={"max": MOST}, cpu=0.25)
        machine = Machine()
        timeline = Timeline(
            title=f"A ramp (target: {TARGET} requests/s per replica)", begin=time.monotonic()
        )
        with recorded(timeline, here.world.api, f"{service}-001"):
            answers = run(
                here.crowd(service).steps([(one, STEP_SECONDS) for one in STEPS], "/?ms=50")
            )
        machine.tell(report)
        report.equal("failures", failures(answers), {})
        for number, rate in enumerate(STEPS):
            _judge(report, timeline, answers, number, rate)
        bad = [one.due for one in answers if one.status != 200]
        timeline.note_requests([one.due for one in answers], bad)
        report.timeline = timeline
    return report


# ---- private


async def _in_turn(ways: dict[str, Crowd]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {name: [] for name in ways}
    for crowd in ways.values():
        await crowd.steps([(RATE, 1.0)], "/?ms=100")
    for turn in range(TURNS):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            found[name] += await ways[name].steps([(RATE, TURN_SECONDS)], "/?ms=100")
    return found


def _judge(
    report: Report, timeline: Timeline, answers: list[Outcome], number: int, rate: float
) -> None:
    begin, end = number * STEP_SECONDS, (number + 1) * STEP_SECONDS
    right = ceil(rate / (TARGET * UTILISATION))
    reached = [at for at, ready in timeline.ready(begin, end) if ready == right]
    after = reached[0] - begin if reached else float("inf")
    report.at_most(f"{rate:g}/s: {right} replicas after", after, SETTLED, unit="s")
    settled = [
        one
        for one in answers
        if begin + SETTLED <= one.due - timeline.begin < end and one.status == 200
    ]
    whole = p95(_millis(settled, lambda one: one.seconds))
    own = p95(_millis(settled, lambda one: one.own))
    report.at_most(f"{rate:g}/s: p95 beyond the program's own", whole - own, 15, unit="ms")
    late = p95(_millis(settled, lambda one: one.late))
    ready = sorted({count for _, count in timeline.ready(begin + SETTLED, end)})
    report.note(
        f"{rate:g}/s settled",
        f"p95 {whole:.1f} ms, the program's own {own:.1f} ms, "
        f"the loader late by {late:.1f} ms; replicas {ready}",
    )


def _millis(answers: list[Outcome], value: Callable[[Outcome], float]) -> list[float]:
    return [1e3 * value(one) for one in answers]
