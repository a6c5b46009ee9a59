"""When the store is copied, and what is kept."""

import pytest

from paas.core.backups import DAY, copy_name, due, surplus, taken

NOON = 1_763_985_600.0
"""2025-11-24 12:00 UTC"""
HOUR = 3600.0


def test_a_name_tells_its_moment() -> None:
    assert copy_name(NOON) == "paas-20251124T120000Z.db"
    assert taken(copy_name(NOON)) == NOON
    assert taken("paas.db") is None
    assert taken("paas-20251124T250000Z.db") is None


@pytest.mark.parametrize(
    ("ago", "wanted"),
    [
        (0.0, False),
        (8.9 * HOUR, False),
        (9 * HOUR, False),
        (9.1 * HOUR, True),
        (3 * DAY, True),
        (-0.9 * HOUR, False),
        (-1.1 * HOUR, True),
        (-400 * DAY, True),
    ],
)
def test_a_copy_is_due_once_the_hour_struck(ago: float, *, wanted: bool) -> None:
    assert due(NOON, [copy_name(NOON - ago)], 3) is wanted


def test_an_hour_that_has_not_struck_today_struck_yesterday() -> None:
    assert not due(NOON, [copy_name(NOON - 20 * HOUR)], 13)
    assert due(NOON, [copy_name(NOON - 24 * HOUR)], 13)


def test_the_first_one_is_due_at_once() -> None:
    assert due(NOON, [], 3)
    assert due(NOON, ["something-else.db"], 3)


def test_the_oldest_go() -> None:
    names = [copy_name(NOON + day * DAY) for day in (2, 0, 1)]
    assert surplus([*names, "other.db"], 2) == [names[1]]
    assert surplus(names, 3) == []
