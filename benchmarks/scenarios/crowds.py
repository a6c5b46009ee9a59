"""S3, S4, S11: many at once for one version that sleeps or can take no more."""

import time

from benchmarks.scenarios.load import OK, Outcome, failures, run
from benchmarks.scenarios.report import Machine, Report, p95
from benchmarks.scenarios.stage import Stage, stage

SINGLE, SINGLE_MAX = 100, 10
HUNDREDS, AT_A_TIME = 500, 50


def s3() -> Report:
    """One at a time per replica: replicas up to the maximum, and the rest wait."""
    report = Report(id="S3", title="100 at once at zero, one at a time per replica, max 10")
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
    report = Report(id="S4", title="500 at once at zero, one replica suffices")
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


# ---- private


async def _in_order(here: Stage, service: str) -> list[Outcome]:
    """All within a fraction of what a start takes, yet with an order to speak of."""
    crowd = here.crowd(service)
    await crowd.warm(HUNDREDS)
    now = time.monotonic() + 0.05
    return await crowd.at([now + number * 0.0004 for number in range(HUNDREDS)], "/?ms=5")
