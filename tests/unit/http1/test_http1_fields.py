"""The table of known field lines: what it keeps, and that it changes no meaning."""

import httptools
import pytest

from paas.http1 import fields
from paas.http1.events import Bad, ResponseHead
from paas.http1.fields import FieldTable, passing
from paas.http1.head import response_bytes
from paas.http1.limits import Limits
from paas.http1.parser import ResponseParser

CLOSE = frozenset({b"close"})


def table(*, look_alikes: bool = False) -> FieldTable:
    dropped = frozenset({b"x-ours"})
    library = httptools.HttpRequestParser
    return FieldTable(library, b"GET / HTTP/1.1", dropped=dropped, look_alikes=look_alikes)


def kept(known: FieldTable, line: bytes) -> bool:
    """Whether that line gives the same field again."""
    first, second = known.read([line]), known.read([line])
    assert first is not None
    assert second is not None
    return first[0] is second[0]


def test_a_line_is_read_once():
    known = table()
    first = known.read([b"X-A: 1 \t", b"X-B:2"])
    assert first is not None
    assert [(one.name, one.value, one.line) for one in first] == [
        (b"x-a", b"1", b"\r\nX-A: 1"),
        (b"x-b", b"2", b"\r\nX-B: 2"),
    ]
    again = known.read([b"X-C: 3", b"X-B:2", b"X-B:2", b"X-A: 1 \t", b"X-C: 3"])
    assert again is not None
    assert [one.value for one in again] == [b"3", b"2", b"2", b"1", b"3"]
    assert again[1] is again[2] is first[1]


@pytest.mark.parametrize("line", [b"Cookie: a=b", b"AUTHORIZATION: Basic x", b"X: " + b"x" * 300])
def test_credentials_and_long_lines_are_not_kept(line: bytes):
    assert not kept(table(), line)
    assert kept(table(), b"X-A: 1")


@pytest.mark.parametrize("line", [b"", b" folded", b"X", b"X : 1", b"X: a\nb", b"\xff: 1", b": 1"])
def test_what_is_no_field_is_none_whatever_is_known(line: bytes):
    known = table()
    assert known.read([b"Host: a"]) is not None
    assert known.read([b"Host: a", line]) is None
    assert known.read([line, b"Host: a"]) is None


def test_a_full_table_begins_anew():
    known = table()
    first = known.read([b"X-A: 0"])
    for number in range(1, fields._MOST + 1):
        known.read([b"X-A: %d" % number])
    again = known.read([b"X-A: 0"])
    assert first is not None
    assert again is not None
    assert first[0] is not again[0]
    assert first == again


@pytest.mark.parametrize("look_alikes", [False, True])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"X-Ours", (False, False)),
        (b"x_ours", (True, False)),
        (b"X.OURS", (True, False)),
        (b"x_", (True, True)),
    ],
)
def test_what_may_not_pass_and_what_resembles_it(
    name: bytes, expected: tuple[bool, bool], *, look_alikes: bool
):
    read = table(look_alikes=look_alikes).read([name + b": 1"])
    assert read is not None
    assert read[0].passes is expected[look_alikes]


def test_connection_takes_away_what_it_names():
    both = table().read([b"A: 1", b"B: 2"]) or []
    assert passing(both, CLOSE) == [b"\r\nA: 1", b"\r\nB: 2"]
    assert passing(both, CLOSE | {b"a"}) == [b"\r\nB: 2"]


ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: now\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: now\r\n\r\nab",
    b"HTTP/1.1 404 " + b"Gone " * 20 + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 5000 + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
)


def read(parser: ResponseParser, method: bytes, answer: bytes) -> list[object]:
    """All events, heads with what becomes of them."""
    parser.restart()
    parser.expect(method)
    parser.receive(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == b"HEAD" else answer)
    events: list[object] = []
    while (event := parser.next()) is not None:
        assert not isinstance(event, Bad)
        events.append(event)
        if isinstance(event, ResponseHead):
            events += (response_bytes(event, minor=minor, keep_alive=True) for minor in (1, 0, 1))
    return events


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("second", [*ANSWERS[:4], ANSWERS[5]])
@pytest.mark.parametrize("first", ANSWERS)
def test_repeated_answers_mean_what_they_mean_alone(first: bytes, second: bytes, method: bytes):
    parser = ResponseParser(Limits())
    read(parser, b"GET", first)
    read(parser, b"GET", first)
    alone = read(ResponseParser(Limits()), method, second)
    assert read(parser, method, second) == alone
    assert read(parser, method, second) == alone
