"""S8: fewer replicas while each of them holds long requests and WebSockets."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from benchmarks.scenarios.load import Outcome, beside, failures
from benchmarks.scenarios.report import Machine, Report
from benchmarks.scenarios.stage import Stage, stage
from benchmarks.scenarios.timeline import Timeline, recorded
from benchmarks.scenarios.websocket import WebSocket, opened
from tests.e2e.waiting import until

REPLICAS = 4
TARGET = 5
BUSY_RATE, QUIET_RATE = 14.0, 0.5
"""Requests a second that take all replicas, and one of them."""
WORK = 12.0
DRAIN = 20.0
SOCKETS = 8
GOING_AWAY = 1001
LONGEST = 200.0


@dataclass(slots=True)
class _Held:
    """What the clients see."""

    short: list[Outcome] = field(default_factory=list)
    long: list[Outcome] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)
    over: bool = False


def s8() -> Report:
    """The load falls, so replicas are drained, each with requests and WebSockets on it."""
    title = f"{REPLICAS} replicas become one, each with requests of {WORK:g} s and WebSockets"
    report = Report(id="8", title=title)
    with stage() as here:
        service = here.deploy(
            scaling={"rps": TARGET}, timeouts={"drain": DRAIN}, replicas={"max": REPLICAS}
        )
        machine, held = Machine(), _Held()
        timeline = Timeline(title=title, begin=time.monotonic())
        with (
            recorded(timeline, here.world.api, f"{service}-001"),
            beside(_clients(here, service, held)) as clients,
        ):
            try:
                here.ready(service, REPLICAS)
                until(lambda: held.sockets, "WebSockets are open", seconds=60)
                here.ready(service, 1, seconds=LONGEST)
            finally:
                held.over = True
        clients.result()
        machine.tell(report)
        report.timeline = timeline
        _judge(report, held, timeline)
    return report


# ---- private


async def _clients(here: Stage, service: str, held: _Held) -> None:
    crowd = here.crowd(service)
    held.short = await crowd.steps([(BUSY_RATE, 15.0)], "/?ms=20")
    address = ("127.0.0.1", here.world.daemon.proxy_port)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        sockets = [
            await stack.enter_async_context(opened(address, f"{service}.localhost"))
            for _ in range(SOCKETS)
        ]
        asked = []
        held.sockets = sockets
        while not held.over:
            asked.append(group.create_task(crowd.ask(time.monotonic(), f"/?ms={WORK * 1000:.0f}")))
            for one in sockets:
                one.say()
            await asyncio.sleep(1 / QUIET_RATE)
        held.long = [await one for one in asked]
        for one in sockets:
            one.say()
        await asyncio.sleep(1.0)


def _judge(report: Report, held: _Held, timeline: Timeline) -> None:
    report.equal("short requests: failures", failures(held.short), {})
    report.equal("long requests: failures", failures(held.long), {})
    report.note("long requests", len(held.long))
    codes = Counter(one.code for one in held.sockets)
    report.note("WebSockets that lived on", codes.pop(0, 0))
    report.equal("WebSockets ended otherwise than by 1001", codes.total() - codes[GOING_AWAY], 0)
    report.note("WebSockets ended by 1001", codes[GOING_AWAY])
    drained = sorted(timeline.lasted("draining").values())
    report.equal("replicas drained", len(drained), REPLICAS - 1)
    report.at_least("shortest drain", min(drained, default=0), DRAIN - 2, unit="s")
    report.at_most("longest drain", max(drained, default=0), DRAIN + 2, unit="s")
