from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.windows import LONGEST, Averages, Tally, Windows

START = 1000.0


def steady(windows, *, rps, busy, since, until, step):
    """Counters that grow evenly, looked at every `step` seconds."""
    now = since
    while now < until:
        now = min(now + step, until)
        passed = now - since
        windows.count(Tally(arrivals=round(rps * passed), busy=busy * passed), now)


def test_without_anything_there_are_no_requests_and_no_data():
    assert Windows(START).averages(60, START + 5) == Averages()


@pytest.mark.parametrize("step", [0.25, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("offset", [0.0, 0.375])
def test_a_steady_load_reads_the_same_whatever_the_rhythm(step, offset):
    windows = Windows(START + offset)
    steady(windows, rps=40, busy=3.5, since=START + offset, until=START + offset + 90, step=step)
    for seconds in (6, 60):
        found = windows.averages(seconds, START + offset + 90)
        assert found.rps == pytest.approx(40)
        assert found.concurrency == pytest.approx(3.5)


def test_seconds_before_the_first_request_count_as_none():
    windows = Windows(START)
    windows.count(Tally(arrivals=0), START + 58)
    windows.count(Tally(arrivals=120, busy=30.0), START + 60)
    assert windows.averages(60, START + 60).rps == pytest.approx(2.0)
    assert windows.averages(6, START + 60).rps == pytest.approx(20.0)
    assert windows.averages(6, START + 60).concurrency == pytest.approx(5.0)


def test_of_the_oldest_second_what_lies_inside_counts():
    windows = Windows(START)
    windows.count(Tally(arrivals=100), START + 1)
    assert windows.averages(6, START + 6).rps == pytest.approx(100 / 6)
    assert windows.averages(6, START + 6.25).rps == pytest.approx(75 / 6)
    assert windows.averages(6, START + 7).rps == 0


def test_all_at_one_moment_is_one_second():
    windows = Windows(START)
    windows.count(Tally(arrivals=5), START)
    windows.count(Tally(arrivals=12), START)
    assert windows.averages(6, START + 0.5).rps == pytest.approx(2.0)


def test_a_clock_that_steps_back_counts_as_standing():
    windows = Windows(START)
    windows.count(Tally(arrivals=60), START + 10)
    windows.count(Tally(arrivals=120), START + 4)
    assert windows.averages(60, START + 10.5).rps == pytest.approx(2.0)


def test_after_hours_of_silence_the_old_load_is_gone():
    windows = Windows(START)
    windows.count(Tally(arrivals=1000, busy=500.0), START + 1)
    later = START + 9 * 3600
    windows.count(Tally(arrivals=1000, busy=500.0), later)
    assert windows.averages(60, later) == Averages()


def test_a_look_after_hours_spreads_over_all_of_them():
    windows = Windows(START)
    hours = 10 * 3600
    windows.count(Tally(arrivals=hours * 2, busy=hours * 1.5), START + hours)
    found = windows.averages(60, START + hours)
    assert found.rps == pytest.approx(2.0)
    assert found.concurrency == pytest.approx(1.5)


def test_counters_that_began_anew_lose_nothing():
    windows = Windows(START)
    windows.count(Tally(arrivals=100, busy=50.0), START + 1)
    windows.count(Tally(arrivals=20, busy=5.0), START + 2)
    assert windows.averages(60, START + 2).rps == pytest.approx(2.0)
    windows.count(Tally(arrivals=30, busy=1.0), START + 3)
    assert windows.averages(60, START + 3).concurrency == pytest.approx(56 / 60)


def test_a_sum_that_shrinks_by_a_rounding_error_did_not_begin_anew():
    windows = Windows(START)
    windows.count(Tally(arrivals=6000, busy=50.0), START + 1)
    windows.count(Tally(arrivals=6000, busy=50.0 - 1e-10), START + 1)
    windows.count(Tally(arrivals=6060, busy=50.0 - 1e-10), START + 2)
    found = windows.averages(60, START + 2)
    assert found.rps == pytest.approx(101)
    assert found.concurrency == pytest.approx(50 / 60)


def test_counting_may_begin_with_counters_that_have_run():
    windows = Windows(START, tally=Tally(arrivals=500, busy=9.0))
    windows.count(Tally(arrivals=560, busy=9.0), START + 1)
    assert windows.averages(60, START + 1).rps == pytest.approx(1.0)


def test_seconds_without_samples_are_no_data():
    windows = Windows(START)
    windows.sample(START + 1, cpu=80.0)
    windows.sample(START + 1.5, cpu=40.0)
    windows.sample(START + 3, cpu=90.0, memory=50.0)
    assert windows.averages(60, START + 4).cpu == pytest.approx(75.0)
    assert windows.averages(60, START + 4).memory == pytest.approx(50.0)
    assert windows.averages(6, START + 8).cpu == pytest.approx(90.0)
    assert windows.averages(6, START + 9.75).cpu == pytest.approx(90.0)
    assert windows.averages(6, START + 10).cpu is None
    assert windows.averages(60, START + 100) == Averages()


def test_the_oldest_second_weighs_what_lies_inside():
    windows = Windows(START)
    windows.sample(START + 0.9, cpu=100.0)
    windows.sample(START + 3, cpu=20.0)
    assert windows.averages(6, START + 6).cpu == pytest.approx(60.0)
    assert windows.averages(6, START + 6.75).cpu == pytest.approx((0.25 * 100 + 20) / 1.25)


counts = st.lists(
    st.tuples(st.integers(1, 80), st.integers(0, 50), st.integers(0, 40)), min_size=1, max_size=60
)


@given(steps=counts, ahead=st.integers(0, 16))
def test_it_agrees_with_all_that_was_ever_counted(steps, ahead):
    """Against lists of everything: what was added, evenly over the time since the last look."""
    windows = Windows(START)
    added = []
    now, arrivals, busy = START, 0, 0.0
    for eighths, more, longer in steps:
        since, now = now, now + eighths / 8
        arrivals, busy = arrivals + more, busy + longer / 8
        windows.count(Tally(arrivals=arrivals, busy=busy), now)
        added.append((since, now, more, longer / 8))
    now += ahead / 8
    for seconds in (1, 6, LONGEST):
        found = windows.averages(seconds, now)
        expected = [
            average(((a, b, row[kind]) for a, b, *row in added), seconds, now) for kind in (0, 1)
        ]
        assert [found.rps, found.concurrency] == pytest.approx(expected, abs=1e-9)


def average(added, seconds, now):
    by_second = {}
    for since, until, amount in added:
        for second in range(floor(since), floor(until) + 1):
            part = max(0.0, min(until, second + 1) - max(since, second)) / (until - since)
            by_second[second] = by_second.get(second, 0.0) + amount * part
    oldest = floor(now - seconds)
    inside = sum(amount for second, amount in by_second.items() if second > oldest)
    return (inside + by_second.get(oldest, 0.0) * (oldest + 1 - (now - seconds))) / seconds
