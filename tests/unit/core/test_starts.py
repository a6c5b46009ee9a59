import pytest

from paas.core.starts import remembered, usual_start, wait_limit


def test_the_usual_start_is_the_median_of_the_last_five():
    starts = ()
    assert usual_start(starts) is None
    for seconds in (9.0, 0.4, 0.5, 30.0, 0.6):
        starts = remembered(starts, seconds)
    assert usual_start(starts) == 0.6
    starts = remembered(starts, 0.7)
    assert starts == (0.4, 0.5, 30.0, 0.6, 0.7)
    assert usual_start(starts) == 0.6


@pytest.mark.parametrize(
    ("timeout", "usual", "limit"),
    [(60, None, 10), (60, 0.4, 10), (60, 8.0, 28), (60, 30.0, 60), (5, None, 5), (5, 8.0, 5)],
)
def test_a_request_waits_three_and_a_half_usual_starts(timeout, usual, limit):
    assert wait_limit(start_timeout=timeout, usual=usual) == limit
