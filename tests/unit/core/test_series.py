"""Which stretches a chart has, and what stands in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.figures import NOTHING, Figures
from paas.core.latency import bucket
from paas.core.series import (
    KEPT,
    MINUTE,
    MOST_POINTS,
    POINT,
    QUARTER,
    Grid,
    Row,
    grid,
    looked,
    placed,
    series,
)

NOW = 1_800_000_123.5
DAY = 86400.0


def asked(*, since: float | None = None, until: float | None = None, step: int | None = None):
    return grid(NOW, since=since, until=until, step=step)


def test_the_last_hour_is_shown_when_nothing_is_asked() -> None:
    found = asked()
    assert (found.step, found.source) == (10, POINT)
    assert found.since <= NOW - 3600 < found.since + 10
    assert found.until - 10 <= NOW < found.until
    assert len(found.times) == found.count


@pytest.mark.parametrize(
    ("back", "step", "source"),
    [
        (600, 5, POINT),
        (3600, 10, POINT),
        (3601, 60, MINUTE),
        (DAY, 300, MINUTE),
        (7 * DAY, 1800, QUARTER),
        (8 * DAY, 1800 * 2, QUARTER),
        (90 * DAY, 21600, QUARTER),
    ],
)
def test_the_step_fits_the_time(back: float, step: int, source: int) -> None:
    found = asked(since=NOW - back)
    assert found.source == source
    assert found.count <= 400
    assert found.step % found.source == 0


def test_a_step_that_is_asked_for_is_raised_to_what_is_kept() -> None:
    assert asked(since=NOW - 600, step=1).step == 5
    assert asked(since=NOW - 600, step=7).step == 10
    assert asked(since=NOW - 2 * DAY, step=61).step == 120
    assert asked(since=NOW - 30 * DAY, step=60).source == QUARTER
    assert asked(since=NOW - 600, step=60).source == MINUTE


def test_nonsense_asks_for_little() -> None:
    future = asked(since=NOW + DAY, until=NOW + 2 * DAY)
    assert future.count == 1
    assert asked(since=NOW, until=NOW - DAY).count == 1
    ancient = asked(since=0.0)
    assert ancient.since >= NOW - KEPT[QUARTER] - ancient.step
    assert asked(since=0.0, until=1000.0).count == 1


@given(
    st.floats(min_value=0, max_value=2 * NOW),
    st.floats(min_value=0, max_value=2 * NOW) | st.none(),
    st.integers(min_value=1, max_value=90 * 86400) | st.none(),
)
def test_a_grid_is_always_bounded(since: float, until: float | None, step: int | None) -> None:
    found = grid(NOW, since=since, until=until, step=step)
    assert 1 <= found.count <= MOST_POINTS + 2
    assert found.since % found.step == 0
    assert found.step % found.source == 0
    assert found.step >= (step or 1)


FIGURES = Figures(
    classes=(0, 0, 4, 0, 0, 1),
    errors={"start_timeout": 1},
    latency={bucket(0.2): 4},
    seconds=0.8,
    cold_starts=2,
    cold_seconds=3.0,
    gauges=(2.0, 0.0, 4.0, 0.0, 0.0, 0.5, 4000.0),
)


def test_what_is_put_together_lies_in_its_stretch() -> None:
    chart = Grid(600, 60, 3, POINT)
    row, other = Row(), Row()
    row.add(600, FIGURES)
    row.add(655, FIGURES)
    row.add(595, FIGURES)
    row.add(780, FIGURES)
    other.add(655, FIGURES)
    found = placed([row, other], chart)
    assert [one.requests for one in found] == [15, 0, 0]
    assert looked({595: 1, 600: 1, 655: 2, 725: 1, 780: 1}, chart) == [3, 0, 1]


def test_rows_are_means_and_sums_and_nothing_where_nothing_is_known() -> None:
    found = series([FIGURES, NOTHING, NOTHING], [2, 1, 0])
    assert found.requests == [5, 0, None]
    assert found.classes["2xx"] == [4, 0, None]
    assert found.errors == {"start_timeout": [1, 0, None]}
    assert found.latency["mean"] == [pytest.approx(0.2), None, None]
    assert found.latency["p99"][0] == pytest.approx(0.2, rel=0.1)
    assert found.latency["p99"][1:] == [None, None]
    assert found.gauges["ready"] == [2.0, 0.0, None]
    assert found.gauges["memory"] == [2000.0, 0.0, None]
    assert found.cold_starts == [2, 0, None]
    assert found.cold_seconds == [1.5, None, None]


def test_figures_without_a_look_are_shown_all_the_same() -> None:
    found = series([FIGURES], [0])
    assert (found.requests, found.gauges["cpu"]) == ([5], [None])
