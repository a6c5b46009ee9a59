"""Durations in buckets: bounded error, whatever is added to what."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.latency import BOUNDS, BUCKETS, ERROR, bucket, cumulated, quantile

DURATIONS = st.floats(min_value=0.0001, max_value=800.0)


def counted(durations: list[float]) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in durations:
        found[bucket(one)] = found.get(bucket(one), 0) + 1
    return found


@given(st.lists(DURATIONS, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_off_by_less_than_the_error(durations: list[float], part: float) -> None:
    exact = sorted(durations)[max(0, math.ceil(part * len(durations)) - 1)]
    found = quantile(counted(durations), part)
    assert found is not None
    assert abs(found - exact) <= exact * (ERROR + 1e-9)


def test_the_error_is_what_is_promised() -> None:
    assert pytest.approx(0.0905, abs=1e-4) == ERROR
    assert BUCKETS == 94
    assert BOUNDS[-1] == pytest.approx(838.86, abs=0.01)


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile({}, 0.5) is None


def test_the_outermost_buckets_count_as_their_bounds() -> None:
    assert (bucket(0.0), bucket(1e9)) == (0, BUCKETS - 1)
    assert quantile({0: 3}, 0.99) == BOUNDS[0]
    assert quantile({BUCKETS - 1: 3}, 0.5) == BOUNDS[-1]


def test_a_bound_belongs_to_its_bucket() -> None:
    assert [bucket(bound) for bound in BOUNDS] == list(range(len(BOUNDS)))


def test_cumulated_counts_only_grow() -> None:
    counts = counted([0.00005, 0.001, 0.02, 0.02, 3.0])
    found = cumulated(counts, every=4)
    assert [end for end, _ in found] == list(BOUNDS[::4])
    assert [count for _, count in found] == sorted(count for _, count in found)
    assert found[0] == (BOUNDS[0], 1)
    assert found[-1][1] == 5
