import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.idle import Activity, IdleSettings, Keeps, Stage
from paas.core.scaling import (
    Limit,
    Memory,
    Observation,
    Panic,
    Rule,
    ScaleSettings,
    Span,
    adopted,
    decide,
)
from paas.core.spec import ScalingRules
from paas.core.windows import Averages

NOW = 1000.0
RPS = ScaleSettings(rules=ScalingRules(rps=50), max=10, idle=IdleSettings())
BUSY = Activity(last_active=NOW, in_flight=1)
QUIET = Activity(last_active=0.0)
SERVING = Memory(count=1, stage=Stage.SERVING)


def seen(rps=0.0, *, panic=None, ready=1, activity=BUSY, **more):
    """`rps` in the stable window, `panic` in the other one, the same by default."""
    return Observation(
        ready=ready,
        stable=Averages(rps=rps),
        panic=Averages(rps=rps if panic is None else panic),
        activity=activity,
        **more,
    )


def used(*, ready, **average):
    both = Averages(**average)
    return Observation(ready=ready, stable=both, panic=both, activity=BUSY)


def decided(settings, observation, *, memory=SERVING, now=NOW):
    return decide(settings, observation, memory=memory, now=now)[0]


def remembered(settings, observation, *, memory=SERVING, now=NOW):
    return decide(settings, observation, memory=memory, now=now)[1]


def test_it_says_how_many_and_why():
    found = decided(RPS, seen(62.0, ready=2))
    assert (found.count, found.stage, found.wanted) == (2, Stage.SERVING, 2)
    assert found.reason == "62 rps over 60 s, target 35 per replica → 2"
    answer = found.answer
    assert (answer.rule, answer.span, answer.average) == (Rule.RPS, Span.STABLE, 62.0)
    assert (answer.target, answer.wanted) == (35.0, 2)
    assert found.limited_by == ()


@pytest.mark.parametrize(("rps", "count"), [(0.01, 1), (35.0, 1), (35.01, 2), (70.0, 2), (105, 3)])
def test_a_replica_is_full_at_the_utilisation_of_its_target(rps, count):
    assert decided(RPS, seen(rps, ready=count)).count == count


@pytest.mark.parametrize("target", range(1, 60))
def test_a_load_that_fits_exactly_fits(target):
    settings = replace(RPS, rules=ScalingRules(rps=target), max=1000)
    for count in (1, 3, 7, 100):
        load = count * target * 0.7
        assert decided(settings, seen(load, ready=count)).wanted == count


def test_concurrency_counts_over_all_replicas():
    settings = replace(RPS, rules=ScalingRules(concurrency=10))
    found = decided(settings, used(ready=3, concurrency=17.5))
    assert (found.count, found.answer.rule) == (3, Rule.CONCURRENCY)
    assert found.reason == "17.5 requests in flight over 60 s, target 7 per replica → 3"


@pytest.mark.parametrize("kind", ["cpu", "memory"])
def test_use_counts_per_ready_replica(kind):
    settings = replace(RPS, rules=ScalingRules(**{kind: 70}))
    found = decided(settings, used(ready=3, **{kind: 93.0}))
    assert (found.count, found.answer.rule) == (4, Rule(kind))
    noun = {"cpu": "CPU", "memory": "memory"}[kind]
    assert found.reason == f"93 % {noun} over 60 s with 3 ready, target 70 % → 4"
    assert decided(settings, used(ready=3, **{kind: 70.0})).count == 3


def test_the_largest_rule_wins():
    settings = replace(RPS, rules=ScalingRules(rps=50, concurrency=10, cpu=50, memory=80))
    found = decided(settings, used(ready=4, rps=36, concurrency=15, cpu=62, memory=20))
    assert (found.count, found.answer.rule) == (5, Rule.CPU)
    assert len(found.answers) == 8
    equal = decided(settings, used(ready=2, rps=36, concurrency=14))
    assert equal.answer.rule is Rule.RPS


def test_no_data_is_a_result():
    settings = replace(RPS, rules=ScalingRules(cpu=50, memory=50))
    found = decided(settings, used(ready=3), memory=replace(SERVING, count=3))
    assert (found.count, found.answer, found.answers) == (3, None, ())
    assert found.reason == "no data, so as before → 3"
    crashed = decided(settings, used(ready=0, cpu=90.0), memory=replace(SERVING, count=3))
    assert crashed.count == 3


def test_panic_begins_at_twice_what_is_ready_and_holds_its_highest_answer():
    calm = decided(RPS, seen(40.0, panic=105.0, ready=2))
    assert (calm.count, calm.in_panic) == (2, False)
    found, memory = decide(RPS, seen(40.0, panic=140.0, ready=2), memory=SERVING, now=NOW)
    assert (found.count, found.in_panic, found.answer.span) == (4, True, Span.PANIC)
    assert found.reason == "140 rps over 6 s, target 35 per replica → 4"
    held, memory = decide(RPS, seen(40.0, panic=10.0, ready=4), memory=memory, now=NOW + 59.9)
    assert (held.count, held.in_panic, held.limited_by) == (4, True, (Limit.PANIC,))
    assert held.reason.endswith("→ 2; the highest since panic began → 4")
    over = decided(RPS, seen(40.0, panic=10.0, ready=4), memory=memory, now=NOW + 60)
    assert (over.count, over.in_panic, over.limited_by) == (2, False, ())


def test_panic_lasts_a_stable_window_from_the_last_call_for_it():
    memory = remembered(RPS, seen(40.0, panic=140.0, ready=2))
    memory = remembered(RPS, seen(40.0, panic=280.0, ready=4), memory=memory, now=NOW + 50)
    late = decided(RPS, seen(40.0, ready=8), memory=memory, now=NOW + 109)
    assert (late.count, late.in_panic) == (8, True)
    assert not decided(RPS, seen(40.0, ready=8), memory=memory, now=NOW + 110).in_panic


def test_what_became_ready_within_the_panic_window_does_not_hide_a_doubling():
    memory = remembered(RPS, seen(105.0, panic=140.0, ready=3))
    memory = remembered(RPS, seen(110.0, panic=175.0, ready=4), memory=memory, now=NOW + 2)
    found = decided(RPS, seen(115.0, panic=210.0, ready=4), memory=memory, now=NOW + 6)
    assert (found.count, found.in_panic) == (6, True)
    late = decided(RPS, seen(115.0, panic=210.0, ready=4), memory=memory, now=NOW + 6.5)
    assert (late.count, late.in_panic) == (4, False)


def test_a_new_panic_forgets_the_highest_of_the_last():
    memory = remembered(RPS, seen(40.0, panic=280.0, ready=2))
    found = decided(RPS, seen(40.0, panic=105.0, ready=1), memory=memory, now=NOW + 500)
    assert (found.count, found.in_panic) == (3, True)


def test_up_is_a_thousandfold_at_most():
    settings = replace(RPS, max=100_000)
    found = decided(settings, seen(35.0 * 5000, ready=3))
    assert (found.count, found.limited_by) == (3000, (Limit.UP,))
    assert decided(settings, seen(35.0 * 5000, ready=0)).count == 1000


def test_what_up_cuts_off_panic_does_not_forget():
    settings = replace(RPS, max=100_000)
    memory = remembered(settings, seen(35.0 * 2500, ready=3))
    crashed, memory = decide(settings, seen(0.0, ready=1), memory=memory, now=NOW + 2)
    assert (crashed.count, crashed.limited_by) == (1000, (Limit.PANIC, Limit.UP))
    assert decided(settings, seen(0.0, ready=3), memory=memory, now=NOW + 4).count == 2500


@pytest.mark.parametrize(("ready", "count"), [(9, 5), (8, 4), (3, 2), (2, 1), (1, 1)])
def test_down_is_to_no_less_than_half(ready, count):
    found = decided(RPS, seen(1.0, ready=ready), memory=replace(SERVING, count=ready))
    assert found.count == count


def test_decisions_out_of_turn_do_not_lower_further():
    memory = remembered(RPS, seen(1.0, ready=8), memory=replace(SERVING, count=8))
    soon, memory = decide(RPS, seen(1.0, ready=4), memory=memory, now=NOW + 0.9)
    assert (soon.count, soon.limited_by) == (4, (Limit.DOWN, Limit.DOWN))
    assert decided(RPS, seen(1.0, ready=4), memory=memory, now=NOW + 1.0).count == 2


def test_within_the_delay_the_highest_answer_wins():
    settings = replace(RPS, scale_down_delay=30)
    memory = SERVING
    for after, rps, count in [(0, 140, 4), (10, 100, 4), (20, 60, 4), (30, 60, 3), (40, 60, 2)]:
        found, memory = decide(
            settings, seen(rps, panic=0.0, ready=4), memory=memory, now=NOW + after
        )
        assert found.count == count, after
        if after == 20:
            assert found.limited_by == (Limit.DELAY,)
            assert found.reason.endswith("the highest of the last 30 s → 4")
    assert len(memory.answers) == 1


def test_min_and_max_come_last():
    low = replace(RPS, idle=IdleSettings(min=3))
    assert decided(low, seen(1.0)).limited_by == (Limit.MIN,)
    assert decided(low, seen(1.0)).reason.endswith("→ 1; at least 3 → 3")
    noted = replace(low, min_reason="at least 3 until Fri 20:00 (UTC)")
    assert decided(noted, seen(1.0)).reason.endswith("; at least 3 until Fri 20:00 (UTC) → 3")
    high = decided(RPS, seen(5000.0))
    assert (high.count, high.wanted, high.limited_by) == (10, 143, (Limit.MAX,))
    assert decided(replace(low, max=2), seen(1.0)).count == 2


def test_a_request_at_zero_wakes_it():
    waiting = Activity(last_active=NOW, queued=1)
    found, memory = decide(RPS, seen(ready=0, activity=waiting), memory=Memory(), now=NOW)
    assert (found.count, found.stage, found.limited_by) == (1, Stage.SERVING, (Limit.AWAKE,))
    assert found.reason.endswith("→ 0; requests wait for it → 1")
    assert (memory.count, memory.stage, memory.panic) == (1, Stage.SERVING, None)


def test_requests_that_wait_though_a_replica_is_ready_ask_for_what_runs_them():
    """Whatever the rules say: without them a hundred requests of 300 ms, one at a time,
    would wait half a minute.
    """
    settings = replace(RPS, concurrency=1)
    activity = Activity(last_active=NOW, in_flight=1, queued=95)
    found = decided(settings, seen(16.0, activity=activity, waited=1.6))
    assert (found.count, found.answer.rule, found.answer.span) == (10, Rule.QUEUE, Span.NOW)
    assert found.reason.startswith("96 requests run or wait too long, 1 at a time per replica → 96")
    assert found.in_panic
    assert decided(settings, seen(16.0, activity=activity, waited=1.0)).count == 10
    for calm in (
        seen(16.0, activity=activity, waited=0.9),
        seen(16.0, activity=activity, waited=1.6, ready=0),
        seen(16.0, activity=replace(activity, queued=0), waited=1.6),
    ):
        assert decided(settings, calm).count == 1
    assert decided(RPS, seen(16.0, activity=activity, waited=1.6)).count == 1


def test_only_the_idle_rules_lead_to_zero():
    quiet = seen(ready=1, activity=Activity(last_active=NOW))
    early = decided(RPS, quiet, now=NOW + 299)
    assert (early.count, early.stage) == (1, Stage.SERVING)
    frozen, memory = decide(RPS, quiet, memory=SERVING, now=NOW + 300)
    assert (frozen.count, frozen.stage, frozen.limited_by) == (1, Stage.FROZEN, (Limit.IDLE,))
    assert frozen.reason == "idle for 300 s, frozen until the next request → 1"
    zero, memory = decide(RPS, quiet, memory=memory, now=NOW + 3600)
    assert (zero.count, zero.stage) == (0, Stage.ZERO)
    assert zero.reason == "idle for 3600 s, stopped after 3600 s → 0"
    later = decided(RPS, quiet, memory=memory, now=NOW + 9999)
    assert (later.count, later.stage) == (0, Stage.ZERO)


def test_idle_for_long_enough_nobody_needs_what_a_window_remembers():
    """Short idle times end a panic, and what it held does not come back with the next request."""
    settings = replace(RPS, idle=IdleSettings(freeze_after=5, stop_after=10))
    memory = Memory(count=8, stage=Stage.SERVING, panic=Panic(at=NOW, peak=8))
    quiet = Activity(last_active=NOW)
    frozen, memory = decide(
        settings, seen(90.0, ready=8, activity=quiet), memory=memory, now=NOW + 5
    )
    assert (frozen.count, frozen.stage, frozen.in_panic) == (1, Stage.FROZEN, False)
    again = decided(settings, seen(0.1), memory=memory, now=NOW + 8)
    assert (again.count, again.stage) == (1, Stage.SERVING)


def test_the_delay_holds_all_but_the_last_replica_against_the_idle_rules():
    settings = replace(RPS, idle=IdleSettings(freeze_after=5, stop_after=10), scale_down_delay=20)
    memory = remembered(settings, seen(100.0, ready=3))
    quiet = seen(ready=3, activity=Activity(last_active=NOW))
    held, memory = decide(settings, quiet, memory=memory, now=NOW + 12)
    assert (held.count, held.stage, held.limited_by) == (3, Stage.SERVING, (Limit.DELAY,))
    gone = decided(settings, quiet, memory=memory, now=NOW + 20)
    assert (gone.count, gone.stage) == (0, Stage.ZERO)


def test_a_version_without_weight_ignores_its_minimum_once_nobody_asks_for_it():
    bare = replace(RPS, idle=IdleSettings(min=2, weighted=False))
    assert decided(bare, seen(1.0)).count == 2
    idle = seen(activity=QUIET, ready=2)
    assert decided(bare, idle, now=NOW).count == 0
    weighted = replace(bare, idle=IdleSettings(min=2))
    kept = decided(weighted, idle, memory=Memory(), now=NOW)
    assert (kept.count, kept.stage, kept.idle.keeps) == (2, Stage.SERVING, Keeps.MIN)


def test_what_a_new_daemon_finds_is_kept_for_a_stable_window():
    memory = adopted(6, frozen=0, now=NOW)
    for after in (0, 20, 59.9):
        found, memory = decide(RPS, seen(1.0, ready=6), memory=memory, now=NOW + after)
        assert (found.count, found.limited_by) == (6, (Limit.PANIC,))
    assert decided(RPS, seen(1.0, ready=6), memory=memory, now=NOW + 60).count == 3


def test_a_new_daemon_stops_the_last_one_on_time():
    found = decided(RPS, seen(activity=QUIET), memory=adopted(1, frozen=0, now=NOW), now=3600.0)
    assert (found.count, found.stage) == (0, Stage.ZERO)


def test_a_frozen_one_that_is_found_stays_frozen():
    memory = adopted(0, frozen=1, now=NOW)
    found = decided(RPS, seen(ready=0, activity=QUIET), memory=memory, now=NOW)
    assert (found.count, found.stage) == (1, Stage.FROZEN)
    assert adopted(0, frozen=0, now=NOW) == Memory()


def test_memory_is_plain_data():
    settings = replace(RPS, scale_down_delay=30)
    memory = remembered(settings, seen(40.0, panic=140.0, ready=2))
    fields = json.loads(json.dumps(asdict(memory)))
    rows = {name: tuple(map(tuple, fields[name])) for name in ("ready", "answers")}
    typed = {"stage": Stage(fields["stage"]), "panic": Panic(**fields["panic"])}
    assert Memory(**{**fields, **rows, **typed}) == memory


loads = st.floats(0, 2000)
memories = st.builds(
    Memory,
    count=st.integers(0, 40),
    stage=st.sampled_from(Stage),
    panic=st.one_of(
        st.none(), st.builds(Panic, at=st.floats(NOW - 80, NOW), peak=st.integers(0, 40))
    ),
    lowered_at=st.one_of(st.none(), st.floats(NOW - 3, NOW)),
    answers=st.lists(st.tuples(st.floats(NOW - 40, NOW), st.integers(0, 40)), max_size=5).map(
        tuple
    ),
)
ranges = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda two: (min(two), max(*two, 1)))
plans = st.builds(
    lambda bounds, weighted, delay: ScaleSettings(
        rules=ScalingRules(rps=20),
        max=bounds[1],
        idle=IdleSettings(min=bounds[0], weighted=weighted),
        scale_down_delay=delay,
    ),
    ranges,
    st.booleans(),
    st.sampled_from([0.0, 30.0]),
)
activities = st.sampled_from([BUSY, QUIET, replace(QUIET, last_active=NOW - 400)])


observations = st.builds(seen, loads, panic=loads, ready=st.integers(0, 40), activity=activities)


@given(plan=plans, observed=observations, was=memories)
def test_it_stays_within_its_bounds(plan, observed, was):
    found, memory = decide(plan, observed, memory=was, now=NOW)
    assert 0 <= found.count <= plan.max
    assert found.count >= plan.idle.min or not plan.idle.weighted
    assert (found.count == 0) == (found.stage is Stage.ZERO)
    assert found.count == 1 or found.stage is not Stage.FROZEN
    assert (memory.count, memory.stage) == (found.count, found.stage)
    assert found.reason.endswith(f"→ {found.count}")


@given(plan=plans, rps=loads, more=loads, ready=st.integers(0, 40), was=memories)
def test_more_load_never_means_fewer(plan, rps, more, ready, was):
    few = decided(plan, seen(rps, ready=ready), memory=was)
    many = decided(plan, seen(rps + more, ready=ready), memory=was)
    assert few.count <= many.count


@given(plan=plans, rps=loads, ready=st.integers(0, 40), was=memories)
def test_it_never_falls_below_half_of_what_is_ready(plan, rps, ready, was):
    assert decided(plan, seen(rps, ready=ready), memory=was).count >= min(plan.max, ready / 2)


@given(trace=st.lists(st.tuples(loads, loads, st.floats(0, 20)), max_size=30))
def test_panic_never_lowers(trace):
    settings, memory, now, ready = replace(RPS, max=1000), SERVING, NOW, 1
    for rps, panic, pause in trace:
        now += pause
        before = memory
        found, memory = decide(
            settings, seen(rps, panic=panic, ready=ready), memory=memory, now=now
        )
        if found.in_panic and before.panic and now - before.panic.at < 60:
            assert found.count >= before.count
        ready = found.count
