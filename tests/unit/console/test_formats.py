import pytest
from markupsafe import Markup

from paas.console import formats

WORDS = {
    "time.now": "just now",
    "time.ago": "{span} ago",
    "time.seconds": "{count} s",
    "time.minutes": "{count} min",
    "time.hours": "{count} h",
    "time.days": "{count} d",
}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (999, "999 B"),
        (1536, "1.5 KiB"),
        (512 * 2**20, "512 MiB"),
        (1023 * 2**20, "1.0 GiB"),
        (2**50, "1024 TiB"),
    ],
)
def test_sizes(count: float | None, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.0, "0 ms"),
        (0.32, "320 ms"),
        (4.24, "4.2 s"),
        (60, "1 min"),
        (7200, "2 h"),
        (86400 * 3, "3 d"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


def test_how_long_ago() -> None:
    assert formats.ago(None, 100.0, WORDS) == ""
    assert formats.ago(98.0, 100.0, WORDS) == "just now"
    assert formats.ago(101.0, 100.0, WORDS) == "just now", "clocks differ"
    assert formats.ago(0.0, 300.4, WORDS) == "5 min ago"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9, "0 s"), (41.7, "41 s"), (119.9, "1 min"), (7300, "2 h"), (86400 * 3, "3 d")],
)
def test_spans_are_whole(seconds: float, text: str) -> None:
    assert formats.span(seconds, WORDS) == text


def test_machines_read_times_in_utc() -> None:
    assert formats.iso(0.4) == "1970-01-01T00:00:00Z"
    assert formats.iso(None) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0, "0"), (0.25, "0.25"), (3.14, "3.1"), (250.6, "251")]
)
def test_rates(value: float | None, text: str) -> None:
    assert formats.rate(value) == text


def test_a_small_picture_of_numbers() -> None:
    assert formats.sparkline([0, 0]) == ""
    assert formats.sparkline([]) == ""
    assert formats.sparkline([5]) == "0.0,1.0"
    assert formats.sparkline([0, 10, 5]) == "0.0,19.0 50.0,1.0 100.0,10.0"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain, größer, 中文\n\tand so on\r", "plain, größer, 中文\n\tand so on\r"),
        ("\x1b]0;owned\x07\x1b[31m", "\\x1b]0;owned\\x07\\x1b[31m"),
        ("\x9b2J\x00\x7f", "\\x9b2J\\x00\\x7f"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        (7, 7),
        (None, None),
    ],
)
def test_codes_that_nobody_sees_are_shown(value, shown):
    assert formats.visible(value) == shown


def test_markup_of_ours_stays():
    ours = Markup("<b>\x1b</b>")
    assert formats.visible(ours) is ours
