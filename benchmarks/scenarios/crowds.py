"""S3, S4, S11: many at once for one version that sleeps or can take no more."""

import time
from pathlib import Path

from benchmarks.scenarios.load import OK, Outcome, failures, run
from benchmarks.scenarios.report import Machine, Report, p95
from benchmarks.scenarios.stage import Stage, stage

SINGLE, SINGLE_MAX = 100, 10
HUNDREDS, AT_A_TIME = 500, 50
FLOOD = 300


def s3() -> Report:
    """One at a time per replica: replicas up to the maximum, and the rest wait."""
    report = Report(id="3", title="100 at once at zero, one at a time per replica, max 10")
    with stage() as here:
        service = here.asleep(concurrency=1, replicas={"max": SINGLE_MAX})
        before = len(here.acts(service, "start"))
        machine = Machine()
        answers = run(here.crowd(service).at_once(SINGLE, "/?ms=300"))
        machine.tell(report)
        report.equal("answers of 200", sum(one.status == OK for one in answers), SINGLE)
        started = len(here.acts(service, "start")) - before
        report.at_most("replicas ever started", started, SINGLE_MAX)
        most = max(int(one.body.split()[2]) for one in answers if one.status == OK)
        report.at_most("most in flight in one replica", most, 1)
        report.note("failures", failures(answers))
        report.note("all answered after", f"{max(one.seconds for one in answers):.2f} s")
    return report


def s4() -> Report:
    """One suffices: a single start, and the first come are the first served."""
    report = Report(id="4", title="500 at once at zero, one replica suffices")
    with stage() as here:
        service = here.asleep(concurrency=AT_A_TIME, scaling={"rps": 10_000})
        before = len(here.acts(service, "start"))
        machine = Machine()
        answers = run(_in_order(here, service))
        machine.tell(report)
        report.equal("answers of 200", sum(one.status == OK for one in answers), HUNDREDS)
        report.equal("starts", len(here.acts(service, "start")) - before, 1)
        served = [int(one.body.split()[0]) for one in answers if one.status == OK]
        moved = max(abs(number - turn) for number, turn in enumerate(served))
        limit = AT_A_TIME - 1
        report.at_most("places by which one was served out of turn", moved, limit)
        report.note("failures", failures(answers))
        report.note("p95 of the answers", f"{p95([one.seconds for one in answers]):.2f} s")
    return report


def s11() -> Report:
    """One replica, one at a time: what does not fit is refused, and it goes on."""
    report = Report(id="11", title=f"{FLOOD} uploads of 1 MiB at once, one replica that takes one")
    with stage() as here:
        service = here.deploy(concurrency=1, replicas={"max": 1})
        here.ready(service, 1)
        daemon, machine = here.world.daemon, Machine()
        run(here.crowd(service).at_once(10))
        before = _memory(daemon.pid, "VmRSS:")
        answers = run(here.crowd(service).at_once(FLOOD, "/?ms=50", bytes(2**20)))
        grown = _memory(daemon.pid, "VmHWM:") - before
        machine.tell(report)
        served = sum(one.status == OK for one in answers)
        refused = [one for one in answers if one.code == "queue_full"]
        report.at_least("answers of 200", served, 60)
        report.equal(
            "answers that are neither 200 nor 503 queue_full", FLOOD - served - len(refused), 0
        )
        report.equal("refused without Retry-After", sum(not one.retry_after for one in refused), 0)
        report.at_most("memory that the daemon grew by", grown / 2**20, 64 + 32, unit="MiB")
        after = run(here.crowd(service).steps([(5.0, 4.0)]))
        report.equal("failures afterwards", failures(after), {})
        report.note("answers", {"200": served} | failures(answers))
        report.note("last refusal after", f"{max(one.seconds for one in refused):.2f} s")
        report.note("all served after", f"{max(one.seconds for one in answers):.1f} s")
    return report


# ---- private


def _memory(pid: int, field: str) -> int:
    """Bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


async def _in_order(here: Stage, service: str) -> list[Outcome]:
    """All within a fraction of what a start takes, yet with an order to speak of."""
    crowd = here.crowd(service)
    await crowd.warm(HUNDREDS)
    now = time.monotonic() + 0.05
    return await crowd.at([now + number * 0.0004 for number in range(HUNDREDS)], "/?ms=5")
