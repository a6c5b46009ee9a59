"""S10: the daemon is killed under load and started again; its replicas never notice."""

import time

from benchmarks.scenarios.load import beside, failures
from benchmarks.scenarios.report import Machine, Report
from benchmarks.scenarios.stage import stage
from tests.e2e.waiting import until

REPLICAS, TARGET = 6, 5
BUSY, QUIET = (20.0, 30.0), (1.0, 100.0)
KILL_AT = 20.0
STABLE = 60.0


def s10() -> Report:
    """The load falls soon after, so that a new memory would let replicas go."""
    report = Report(id="10", title="kill -9 under load, then a start")
    with stage() as here:
        service = here.asleep(scaling={"rps": TARGET}, replicas={"max": REPLICAS})
        daemon, machine = here.world.daemon, Machine()
        begun = time.monotonic()
        with beside(here.crowd(service).steps([BUSY, QUIET], "/?ms=50", begin=begun)) as asked:
            here.ready(service, REPLICAS)
            time.sleep(max(0.0, begun + KILL_AT - time.monotonic()))
            before, killed, wall = (
                set(here.world.containers(service)),
                time.monotonic(),
                time.time(),
            )
            daemon.kill9()
            daemon.start()
            back = time.monotonic()
            here.ready(service, REPLICAS, seconds=10)
            report.at_most(
                "all adopted after the daemon served", time.monotonic() - back, 5, unit="s"
            )
            report.equal("the same replicas", set(here.world.containers(service)) == before, True)
            time.sleep(max(0.0, back + STABLE - 1 - time.monotonic()))
            acts = [one for one in here.acts(service, since=wall) if one.action != "exec_die"]
            report.equal("what the engine did in the first stable window", acts, [])
            until(lambda: len(here.states(service)) < REPLICAS, "fewer", seconds=STABLE)
            report.note(
                "first scale-down after the daemon served", f"{time.monotonic() - back:.0f} s"
            )
        answers = asked.result()
        machine.tell(report)
        away = [one for one in answers if killed - 1 <= one.due <= back + 0.5]
        others = [one for one in answers if one not in away]
        report.equal("failures before and after", failures(others), {})
        report.note("the daemon was away for", f"{back - killed:.2f} s")
        report.note("failures while it was away", f"{failures(away)} of {len(away)}")
    return report
