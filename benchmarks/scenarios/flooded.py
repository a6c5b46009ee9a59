"""S14: one service is flooded; its neighbour's visitors must not feel it."""

from benchmarks.scenarios.load import beside, failures
from benchmarks.scenarios.report import Machine, Report, p99
from benchmarks.scenarios.stage import stage

SECONDS = 20.0
QUIET, FLOOD = 50.0, 400.0
FLOOR = 0.005
"""Seconds below which a p99 on a machine that others use means nothing."""


def s14() -> Report:
    """The flooded one has a single slow replica, so its queue is full all the time."""
    report = Report(id="14", title="one service under flood, another one beside it")
    with stage() as here:
        calm = here.deploy(replicas={"min": 1, "max": 1})
        noisy = here.deploy(replicas={"min": 1, "max": 1}, concurrency=1)
        machine = Machine()
        with beside(here.crowd(calm).steps([(QUIET, SECONDS)])) as asked:
            alone = asked.result()
        flood = here.crowd(noisy).steps([(FLOOD, SECONDS)], "/?ms=50")
        with beside(flood) as flooding, beside(here.crowd(calm).steps([(QUIET, SECONDS)])) as asked:
            together, flooded = asked.result(), flooding.result()
        machine.tell(report)
    report.equal("failures beside the flood", failures(together), {})
    before, after = (p99([one.seconds for one in those]) for those in (alone, together))
    report.at_most("p99 beside the flood, in those alone", after / max(before, FLOOR), 2)
    report.note("p99 alone", f"{before * 1e3:.1f} ms")
    report.note("p99 beside the flood", f"{after * 1e3:.1f} ms")
    report.note("answers to the flood", failures(flooded))
    return report
