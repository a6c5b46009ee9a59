"""Random traces through the real windows and decision, against the reference.

Time goes in eighths of a second, so that no figure is rounded on the way. The counters are
looked at every second, decisions are made every two and sometimes between.
"""

from hypothesis import given
from hypothesis import strategies as st

from paas.core.idle import Activity, IdleSettings
from paas.core.scaling import Memory, Observation, ScaleSettings, decide
from paas.core.spec import ScalingRules
from paas.core.windows import Tally, Windows
from tests.unit.core.scaling_reference import Plan, Reference

maybe = st.one_of(st.none(), st.integers(1, 6))
percent = st.one_of(st.none(), st.integers(20, 90))
plans = st.builds(
    Plan,
    rps=maybe,
    concurrency=maybe,
    cpu=percent,
    memory=percent,
    limit=st.sampled_from([0, 1, 4]),
    least=st.integers(0, 2),
    most=st.integers(2, 40),
    delay=st.sampled_from([0, 0, 5, 30]),
    freeze=st.sampled_from([0, 4, 30, 70]),
    stop=st.sampled_from([0, 7, 50, 90]),
    weighted=st.booleans(),
)
stretches = st.lists(
    st.fixed_dictionaries(
        {
            "seconds": st.integers(1, 40),
            "every": st.one_of(st.none(), st.integers(1, 24)),
            "lasting": st.integers(0, 60),
            "use": st.one_of(st.none(), st.tuples(st.integers(0, 100), st.integers(0, 100))),
            "lag": st.integers(-2, 2),
            "waited": st.integers(0, 12),
        }
    ),
    min_size=1,
    max_size=9,
)


def requests(trace):
    """(begin, end) of each, in eighths."""
    found, start = [], 0
    for stretch in trace:
        length = stretch["seconds"] * 8
        if stretch["every"]:
            found += [
                (start + begin, start + begin + stretch["lasting"])
                for begin in range(0, length, stretch["every"])
            ]
        start += length
    return found


def scale_settings(plan):
    return ScaleSettings(
        rules=ScalingRules(
            rps=plan.rps, concurrency=plan.concurrency, cpu=plan.cpu, memory=plan.memory
        ),
        max=plan.most,
        idle=IdleSettings(
            freeze_after=plan.freeze,
            stop_after=plan.stop,
            min=plan.least,
            weighted=plan.weighted,
        ),
        concurrency=plan.limit,
        scale_down_delay=plan.delay,
    )


@given(plan=plans, trace=stretches, extra=st.sets(st.integers(0, 400), max_size=6))
def test_it_decides_as_the_reference_does(plan, trace, extra):
    all_requests = requests(trace)
    reference = Reference(plan, requests=all_requests)
    windows, memory, second = Windows(0.0), Memory(), 0
    for stretch in trace:
        for _ in range(stretch["seconds"]):
            now = second * 8
            windows.count(tally(all_requests, now), float(second))
            if second % 2 == 0 or second in extra:
                ready = max(0, memory.count + stretch["lag"])
                busy = sum(1 for begin, end in all_requests if begin <= now < end)
                queued = busy // 2
                seen = {
                    "ready": ready,
                    "in_flight": busy - queued,
                    "queued": queued,
                    "waited": stretch["waited"] / 4,
                }
                expected = reference.decide(second, **seen)
                found, memory = decide(
                    scale_settings(plan),
                    observation(windows, all_requests, float(second), seen),
                    memory=memory,
                    now=float(second),
                )
                assert (found.count, found.stage) == expected, (second, found)
            if stretch["use"]:
                cpu, use = stretch["use"]
                windows.sample(second + 0.5, cpu=cpu, memory=use)
                reference.samples.append((second, cpu, use))
            second += 1


def tally(all_requests, now):
    """The counters before this very moment's requests."""
    arrived = [(begin, min(end, now)) for begin, end in all_requests if begin < now]
    return Tally(arrivals=len(arrived), busy=sum(end - begin for begin, end in arrived) / 8)


def observation(windows, all_requests, now, seen):
    ended = [min(end / 8, now) for begin, end in all_requests if begin / 8 <= now]
    return Observation(
        ready=seen["ready"],
        stable=windows.averages(60, now),
        panic=windows.averages(6, now),
        activity=Activity(
            last_active=max(ended, default=0.0),
            in_flight=seen["in_flight"],
            queued=seen["queued"],
        ),
        waited=seen["waited"],
    )
