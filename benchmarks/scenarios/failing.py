"""S5: versions that crash at start, start slowly, or never listen."""

import time
from itertools import pairwise

from benchmarks.scenarios.load import OK, Outcome, failures, run
from benchmarks.scenarios.program import Mood, mood
from benchmarks.scenarios.report import Machine, Report
from benchmarks.scenarios.stage import Stage, stage
from tests.e2e.waiting import until

CROWD = 20
WAIT = 10.0
"""The shortest time for which a request waits for a start, seconds."""
SLACK = 1.0
SLOW = 10.0
START_TIMEOUT = 15.0
ATTEMPTS_SECONDS = 20.0
RECOVERY = 40.0


def s5() -> Report:
    """Each waits in a queue of its own; all are answered, and within their limits."""
    report = Report(id="5", title="a version that crashes at start, a slow one, a silent one")
    machine = Machine()
    with stage() as here:
        gateway = here.world.api.get("/v1/health").json["gateway"]
        with mood(gateway) as told:
            _crashing(here, told, report)
        with mood(gateway) as told:
            _slow(here, told, report)
        with mood(gateway) as told:
            _silent(here, told, report)
    machine.tell(report)
    return report


# ---- private


def _crashing(here: Stage, told: Mood, report: Report) -> None:
    service = here.asleep(env={"MOOD": told.place})
    told.word, begun = "crash", time.time()
    waited = run(here.crowd(service).at_once(CROWD))
    report.equal("crashing: answers", failures(waited), {"503 start_failed": CROWD})
    report.at_most("crashing: answered after", _longest(waited), WAIT, unit="s")
    later = run(here.crowd(service).at_once(CROWD))
    report.equal("crashing, from then on: answers", failures(later), {"503 start_failed": CROWD})
    report.at_most("crashing, from then on: answered after", _longest(later), 0.5, unit="s")
    report.equal("crashing, from then on: condition", here.condition(service), "crashing")
    time.sleep(max(0.0, begun + ATTEMPTS_SECONDS - time.time()))
    starts = [one.at for one in here.acts(service, "start", since=begun)]
    pauses = [after - before for before, after in pairwise(starts)]
    report.at_most(f"crashing: attempts in {ATTEMPTS_SECONDS:g} s", len(starts), 6)
    grows = all(after > before for before, after in pairwise(pauses))
    report.equal("crashing: each pause is longer", grows, wanted=True)
    report.note("pauses between attempts", ", ".join(f"{one:.1f} s" for one in pauses))
    report.equal("events", len(here.world.events(service, "version.crashing")), 1)
    told.word, now = "0", time.monotonic()
    until(lambda: _served(here, service), "it serves again", seconds=RECOVERY, pause=0.5)
    report.note("crashes no more: serves after", f"{time.monotonic() - now:.1f} s")


def _slow(here: Stage, told: Mood, report: Report) -> None:
    told.word = f"{SLOW * 1000:.0f}"
    service = here.asleep(env={"MOOD": told.place})
    answers = run(here.crowd(service).at_once(CROWD))
    report.equal("slow: answers of 200", sum(one.status == OK for one in answers), CROWD)
    report.at_most("slow: answered after", _longest(answers), SLOW + 2 * SLACK, unit="s")


def _silent(here: Stage, told: Mood, report: Report) -> None:
    service = here.asleep(env={"MOOD": told.place}, timeouts={"start": START_TIMEOUT})
    told.word = "never"
    answers = run(here.crowd(service).at_once(CROWD))
    report.equal("silent: answers", failures(answers), {"503 start_timeout": CROWD})
    report.at_most("silent: answered after", _longest(answers), WAIT + SLACK, unit="s")
    again = all(one.retry_after for one in answers)
    report.equal("silent: told when to try again", again, wanted=True)
    event = until(
        lambda: here.world.events(service, "replica.failed"),
        "its failure is told",
        seconds=START_TIMEOUT + 5,
    )
    report.equal("silent: reason", event[0]["data"]["code"], "not_listening")


def _served(here: Stage, service: str) -> bool:
    return here.world.get(service).status == OK


def _longest(answers: list[Outcome]) -> float:
    return max(one.seconds for one in answers)
