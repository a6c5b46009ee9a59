from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paas.core.schedules import (
    CRON_RULE,
    ZONE_RULE,
    Schedule,
    ScheduledMin,
    parse_cron,
    parse_zone,
    scheduled_min,
)

OFFICE = Schedule(min=2, start="0 8 * * mon-fri", end="0 20 * * mon-fri", zone="Europe/Berlin")


def at(text, zone="Europe/Berlin"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("moment", "least", "until"),
    [
        ("2026-11-23 07:59:59", 0, "2026-11-23 08:00"),
        ("2026-11-23 08:00:00", 2, "2026-11-23 20:00"),
        ("2026-11-23 19:59:59.5", 2, "2026-11-23 20:00"),
        ("2026-11-23 20:00:00", 0, "2026-11-24 08:00"),
        ("2026-11-28 12:00:00", 0, "2026-11-30 08:00"),
    ],
)
def test_it_holds_on_weekdays_from_eight_to_twenty(moment, least, until):
    found = scheduled_min([OFFICE], at(moment))
    assert (found.min, found.until) == (least, at(until))


def test_it_says_until_when():
    assert scheduled_min([OFFICE], at("2026-11-23 12:00")).reason == (
        "at least 2 until Mon 20:00 (Europe/Berlin)"
    )
    assert scheduled_min([OFFICE], at("2026-11-28 12:00")).reason == ""


def test_the_highest_of_those_open_wins_until_any_changes():
    lunch = Schedule(min=5, start="0 12 * * *", end="30 13 * * *", zone="UTC")
    low = Schedule(min=1, start="0 0 * * *", end="59 23 * * *", zone="UTC")
    found = scheduled_min([OFFICE, lunch, low], at("2026-11-23 12:00", "UTC"))
    assert (found.min, found.until) == (5, at("2026-11-23 13:30", "UTC"))
    assert found.reason == "at least 5 until Mon 13:30 (UTC)"
    later = scheduled_min([OFFICE, lunch, low], at("2026-11-23 14:00", "UTC"))
    assert (later.min, later.until) == (2, at("2026-11-23 20:00"))


def test_without_schedules_there_is_no_minimum_for_ever():
    assert scheduled_min([], 1e9) == ScheduledMin(min=0, reason="", until=None)


def test_an_end_between_two_starts_does_not_open_it():
    """Open since the last Saturday's start, until Friday's end."""
    week = Schedule(min=1, start="0 8 * * *", end="0 20 * * fri", zone="UTC")
    assert scheduled_min([week], at("2026-11-23 03:00", "UTC")).min == 1
    assert scheduled_min([week], at("2026-11-27 21:00", "UTC")).min == 0
    assert scheduled_min([week], at("2026-11-28 08:00", "UTC")).min == 1


def test_what_ends_as_it_starts_is_never_open():
    never = Schedule(min=1, start="0 8 * * *", end="0 8 * * *", zone="UTC")
    found = scheduled_min([never], at("2026-11-23 08:00", "UTC"))
    assert (found.min, found.until) == (0, at("2026-11-24 08:00", "UTC"))


def test_what_fires_once_in_a_generation_is_found():
    rare = Schedule(min=1, start="0 8 * * *", end="0 0 * 2 mon#5", zone="UTC")
    found = scheduled_min([rare], at("2026-11-23 09:00", "UTC"))
    assert (found.min, found.until) == (1, at("2044-02-29 00:00", "UTC"))
    late = scheduled_min([rare], at("2111-01-01 09:00", "UTC"))
    assert late.until == at("2112-02-29 00:00", "UTC")


@pytest.mark.parametrize(
    ("moment", "least"),
    [
        ("2026-03-29T00:29:00+00:00", 0),  # 01:29 in winter time
        ("2026-03-29T00:59:59+00:00", 0),
        ("2026-03-29T01:00:00+00:00", 1),  # 03:00: 02:30 does not exist that night
        ("2026-03-29T01:59:00+00:00", 1),
        ("2026-03-29T02:00:00+00:00", 0),  # 04:00
    ],
)
def test_a_start_in_the_hour_that_spring_skips_comes_when_it_is_over(moment, least):
    night = Schedule(min=1, start="30 2 * * *", end="0 4 * * *", zone="Europe/Berlin")
    assert scheduled_min([night], datetime.fromisoformat(moment).timestamp()).min == least


@pytest.mark.parametrize(
    ("moment", "least"),
    [
        ("2026-10-25T00:29:00+00:00", 0),  # 02:29 in summer time
        ("2026-10-25T00:30:00+00:00", 1),  # 02:30 for the first time
        ("2026-10-25T01:15:00+00:00", 1),  # 02:15 for the second time
        ("2026-10-25T01:45:00+00:00", 1),
        ("2026-10-25T02:59:00+00:00", 1),  # 03:59
        ("2026-10-25T03:00:00+00:00", 0),
    ],
)
def test_in_the_hour_that_autumn_repeats_it_starts_once(moment, least):
    night = Schedule(min=1, start="30 2 * * *", end="0 4 * * *", zone="Europe/Berlin")
    found = scheduled_min([night], datetime.fromisoformat(moment).timestamp())
    assert found.min == least
    assert found.until > datetime.fromisoformat(moment).timestamp()


def test_a_night_across_the_change_lasts_by_the_clock_on_the_wall():
    night = Schedule(min=1, start="0 22 * * *", end="0 10 * * *", zone="Europe/Berlin")
    opened = at("2026-03-28 22:00")
    found = scheduled_min([night], opened)
    assert (found.min, found.until - opened) == (1, 11 * 3600)


def firings(cron, zone, since, until):
    """Every minute of the time is asked, by the local time it shows."""
    minute, hour = (int(one) for one in cron.split()[:2])
    moment, seen = since, set()
    while moment <= until:
        local = moment.astimezone(ZoneInfo(zone))
        due = local.replace(hour=hour, minute=minute, fold=0)
        exists = due.astimezone(UTC).astimezone(ZoneInfo(zone)).hour == hour
        if (local.hour, local.minute) == (hour, minute) and not local.fold:
            seen.add(moment)
        elif not exists:
            before = (moment - timedelta(minutes=1)).astimezone(ZoneInfo(zone))
            if before.utcoffset() < local.utcoffset():
                seen.add(moment)
        moment += timedelta(minutes=1)
    return seen


@given(
    start=st.integers(0, 287),
    length=st.integers(1, 286),
    day=st.sampled_from(["2026-03-28", "2026-10-24", "2026-06-01"]),
    minutes=st.integers(1440, 3000),
)
@example(start=30, length=6, day="2026-10-24", minutes=1440 + 195)
def test_it_agrees_with_every_minute_of_a_weekend_of_change(start, length, day, minutes):
    first, last = (
        f"{five * 5 % 60} {five * 5 // 60} * * *" for five in (start, (start + length) % 288)
    )
    since = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(days=1)
    moment = since + timedelta(minutes=minutes)
    opened = max(firings(first, "Europe/Berlin", since, moment))
    closed = max(firings(last, "Europe/Berlin", since, moment))
    schedule = Schedule(min=1, start=first, end=last, zone="Europe/Berlin")
    assert scheduled_min([schedule], moment.timestamp()).min == (1 if opened > closed else 0)


@given(wall=st.floats(0, 4e9), zone=st.sampled_from(["UTC", "Asia/Kolkata", "Australia/Lord_Howe"]))
def test_it_stays_so_until_it_says(wall, zone):
    schedule = Schedule(min=1, start="15 1 * * *", end="*/20 3-5 * * *", zone=zone)
    found = scheduled_min([schedule], wall)
    assert found.until > wall
    middle = (wall + found.until) / 2
    assert scheduled_min([schedule], middle) == found
    assert scheduled_min([schedule], found.until).min != found.min


def test_expressions_are_taken_in_one_form():
    assert parse_cron("  0   8 * *  mon-fri ") == "0 8 * * mon-fri"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 8 * *",
        "0 0 8 * * *",
        "60 8 * * *",
        "0 8 31 2 *",
        "0 8 * * monday",
        "@daily",
        "a b c d e",
    ],
)
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match="a cron expression of five fields") as raised:
        parse_cron(text)
    assert str(raised.value) == CRON_RULE


@given(st.text("0123456789*/,-#Lwmon ", max_size=24))
def test_any_text_is_an_expression_or_refused(text):
    with suppress(ValueError):
        assert scheduled_min([Schedule(min=1, start=parse_cron(text), end="0 0 * * *")], 1e9)


def test_zones_are_known_by_name():
    assert parse_zone("Europe/Berlin") == "Europe/Berlin"
    assert parse_zone("UTC") == "UTC"
    for name in ("", "Mars/Base", "../etc/passwd", "/etc/passwd", "Europe", "a\0b"):
        with pytest.raises(ValueError, match="a time zone such as") as raised:
            parse_zone(name)
        assert str(raised.value) == ZONE_RULE
