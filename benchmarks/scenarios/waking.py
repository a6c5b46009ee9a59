"""S1, S2: the first answer of services that sleep, beside what the engine alone takes."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bare_engine import BareEngine
from benchmarks.scenarios.load import OK, Outcome, failures, run
from benchmarks.scenarios.report import Machine, Report, p50, p95
from benchmarks.scenarios.stage import Stage, stage

ROUNDS = {1: 20, 5: 4, 10: 3}
"""How often so many services are woken at once."""
FROZEN_SAMPLES = 20
SETTLE = 0.5
"""Seconds between one side's turn and the other's: the engine is still removing."""
EVENTS = 500
IN_ENGINE = ("create", "start")


def s1() -> Report:
    """One request each at the same moment; the engine's own starts in turn with ours."""
    report = Report(id="1", title="1, 5 and 10 services at zero get one request each at once")
    with stage() as here:
        services = [here.deploy(cpu=1.0) for _ in range(max(ROUNDS))]
        version = here.world.api.version(f"{services[0]}-001")
        engine = BareEngine(version, installation=here.world.daemon.installation)
        here.to_zero(*services)
        machine = Machine()
        for count, rounds in ROUNDS.items():
            _woken(here, report, engine, services[:count], rounds)
        machine.tell(report)
    return report


def s2() -> Report:
    """Frozen, asked once, again and again."""
    report = Report(id="2", title="one frozen service")
    answers: list[Outcome] = []
    with stage() as here:
        service = here.deploy()
        machine = Machine()
        for _ in range(FROZEN_SAMPLES):
            here.to_ice(service)
            answers += run(here.crowd(service).at_once(1))
        machine.tell(report)
        waits = [1e3 * one.first for one in answers]
        report.equal("failures", failures(answers), {})
        report.equal(
            "answers that waited for a wake", sum(one.cold for one in answers), FROZEN_SAMPLES
        )
        report.at_most("first byte, median", p50(waits), 40, unit="ms")
        report.at_most("first byte, p95", p95(waits), 100, unit="ms")
        report.equal("wakes by the engine", len(here.acts(service, "unpause")), FROZEN_SAMPLES)
    return report


# ---- private


def _woken(
    here: Stage, report: Report, engine: BareEngine, services: list[str], rounds: int
) -> None:
    count = len(services)
    alone: list[float] = []
    answers: list[Outcome] = []
    for number in range(rounds):
        for ours in (number % 2 == 0, number % 2 == 1):
            time.sleep(SETTLE)
            if ours:
                answers += run(_one_each(here, services))
            else:
                alone += _alone(engine, count)
        here.to_zero(*services)
    waits = [1e3 * one.first for one in answers]
    good = sum(one.status == OK for one in answers)
    report.equal(f"{count} at once: answers of 200", good, count * rounds)
    if count == 1:
        report.at_most("median beyond the engine's own", p50(waits) - p50(alone), 30, unit="ms")
        report.at_most("p95 beyond the engine's own", p95(waits) - p95(alone), 60, unit="ms")
        own = _own(here, services[0], waits)
        report.note("first byte less the daemon's calls of the engine", f"median {p50(own):.0f} ms")
    for name, values in (("first byte", waits), ("the engine's own", alone)):
        text = f"median {p50(values):.0f} ms, p95 {p95(values):.0f} ms"
        report.note(f"{count} at once: {name}", text)


def _alone(engine: BareEngine, count: int) -> list[float]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: engine.start(), range(count)))


def _own(here: Stage, service: str, waits: list[float]) -> list[float]:
    """What is left of each wait, milliseconds; the events tell of the starts, newest first."""
    told = here.world.api.items(f"/v1/services/{service}/events", limit=EVENTS)
    events = [one for one in told if one["kind"] == "replica.started"][: len(waits)]
    calls = [1e3 * sum(one["data"][f"{name}_seconds"] for name in IN_ENGINE) for one in events]
    return [wait - call for wait, call in zip(waits, reversed(calls), strict=True)]


async def _one_each(here: Stage, services: list[str]) -> list[Outcome]:
    now = time.monotonic()
    return await asyncio.gather(*(here.crowd(one).ask(now) for one in services))
