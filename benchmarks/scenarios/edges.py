"""13: requests that come at the very moment at which their version freezes or is stopped."""

import asyncio
import random
import time
from collections import Counter

from benchmarks.scenarios.load import OK, Crowd, Outcome, failures, run
from benchmarks.scenarios.report import Machine, Report, p95
from benchmarks.scenarios.stage import stage

SERVICES, SECONDS = 6, 60.0
FREEZE, STOP = 1.0, 2.5
SHORTEST, LONGEST = 0.9, 5.0
"""Silence between two requests, seconds: decisions come every two seconds, so both edges
fall into it, each time elsewhere.
"""
SEED = 7


def edges() -> Report:
    """Short idle times, silences that end around them, on several services at once."""
    report = Report(
        id="13", title=f"frozen after {FREEZE:g} s, stopped after {STOP:g} s, and asked then"
    )
    with stage() as here:
        services = [here.deploy() for _ in range(SERVICES)]
        for service in services:
            here.idle(service, freeze_after=FREEZE, stop_after=STOP)
        machine = Machine()
        answers = run(_asked([here.crowd(one) for one in services]))
        machine.tell(report)
        done = Counter(act.action for service in services for act in here.acts(service))
        report.equal("answers of 200", sum(one.status == OK for one in answers), len(answers))
        report.at_most("longest answer", max(one.seconds for one in answers), 10, unit="s")
        report.at_least("freezes", done["pause"], SERVICES)
        report.at_least("stops", done["destroy"], SERVICES)
        report.note("failures", failures(answers))
        report.note("requests", len(answers))
        report.note("of these cold", sum(one.cold for one in answers))
        report.note("wakes and starts", f"{done['unpause']} and {done['start']}")
        report.note("p95 of the answers", f"{p95([one.seconds for one in answers]):.2f} s")
    return report


# ---- private


async def _asked(crowds: list[Crowd]) -> list[Outcome]:
    turns = await asyncio.gather(
        *(_turns(crowd, random.Random(SEED + number)) for number, crowd in enumerate(crowds))
    )
    return [one for turn in turns for one in turn]


async def _turns(crowd: Crowd, chance: random.Random) -> list[Outcome]:
    answers: list[Outcome] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        answers.append(await crowd.ask(time.monotonic()))
        await asyncio.sleep(chance.uniform(SHORTEST, LONGEST))
    return answers
