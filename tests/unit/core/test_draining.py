"""Lines as they are sent: whatever a program writes, a message is one message."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.draining import (
    LONGEST_MESSAGE,
    RULE,
    DrainTarget,
    SentLine,
    counted,
    json_object,
    parse_drain,
    syslog_message,
)

LINE = SentLine(
    time=1_700_000_000.25,
    text="went wrong: é",
    stream="stderr",
    service="shop",
    version="shop-001",
    replica="0123456789abcdef",
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("udp://logs.example:514", DrainTarget(scheme="udp", host="logs.example", port=514)),
        ("tcp://[::1]:601/", DrainTarget(scheme="tcp", host="::1", port=601)),
        ("unix:///dev/log", DrainTarget(scheme="unix", place="/dev/log")),
        ("http://a:1/x?y=z", DrainTarget(scheme="http", place="http://a:1/x?y=z")),
        ("https://u:p@a/", DrainTarget(scheme="https", place="https://u:p@a/")),
    ],
)
def test_places_that_can_be_drained_to(text: str, target: DrainTarget) -> None:
    assert parse_drain(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "logs.example:514",
        "udp://logs.example",
        "udp://:514",
        "udp://a:0",
        "udp://a:514/path",
        "tcp://a:601?x=1",
        "tcp://a:99999",
        "unix://host/path",
        "unix://",
        "http:///path",
        "http://a:99999/",
        "http://[::1/",
        "ftp://a/",
    ],
)
def test_places_that_cannot(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(RULE)):
        parse_drain(text)


def test_a_syslog_message() -> None:
    told = (
        "<131>1 2023-11-14T22:13:20.250000Z host shop shop-001.0123456789ab stderr - went wrong: é"
    )
    assert syslog_message(LINE, "host").decode() == told
    remark = SentLine(time=0.0, text="[3 lines dropped]", stream="paas")
    assert syslog_message(remark, "my host").decode() == (
        "<133>1 1970-01-01T00:00:00.000000Z myhost paas - paas - [3 lines dropped]"
    )


@given(st.text())
def test_a_message_is_one_line_whatever_is_in_it(text: str) -> None:
    line = SentLine(time=0.0, text=text, stream="stdout", service="s", version="s-001")
    message = syslog_message(line, "h")
    assert len(message) <= LONGEST_MESSAGE
    assert not any(byte < 32 and byte != 9 for byte in message)
    message.decode()
    (told,) = json_object(line, "h").splitlines()
    json.loads(told)


def test_a_long_line_is_cut_between_two_characters() -> None:
    line = SentLine(time=0.0, text="é" * LONGEST_MESSAGE, stream="stdout")
    assert LONGEST_MESSAGE - 2 < len(syslog_message(line, "h")) <= LONGEST_MESSAGE


def test_on_a_stream_the_length_comes_first() -> None:
    assert counted("é!".encode()) == b"3 \xc3\xa9!"


def test_a_line_of_json() -> None:
    assert json.loads(json_object(LINE, "h")) == {
        "time": "2023-11-14T22:13:20.250000Z",
        "host": "h",
        "service": "shop",
        "version": "shop-001",
        "replica": "0123456789abcdef",
        "stream": "stderr",
        "text": "went wrong: é",
    }
    assert (
        json.loads(json_object(SentLine(time=0.0, text="", stream="paas"), "h"))["service"] is None
    )
