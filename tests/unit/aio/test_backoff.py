from hypothesis import given
from hypothesis import strategies as st

from paas.aio.backoff import Backoff


def test_delays_grow_by_the_factor_up_to_the_cap():
    backoff = Backoff(first=1.0, factor=2.0, cap=10.0)
    assert [backoff.delay(failures) for failures in range(7)] == [0, 1, 2, 4, 8, 10, 10]


def test_without_a_failure_there_is_no_delay():
    assert Backoff().delay(0) == Backoff().delay(-1) == 0.0


@given(failures=st.integers(1, 10**9))
def test_no_number_of_failures_is_too_large(failures):
    assert 0 < Backoff().delay(failures) <= Backoff().delay(failures + 1) <= Backoff().cap
