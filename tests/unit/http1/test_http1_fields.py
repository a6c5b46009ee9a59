"""The table of known field lines: what it keeps, and that it changes no meaning."""

import pytest

from paas.http1 import fields
from paas.http1.events import Bad, RequestHead, ResponseHead
from paas.http1.fields import RESPONSE_FIELDS, Field, FieldTable, passing
from paas.http1.head import response_bytes
from paas.http1.limits import Limits
from paas.http1.parser import RequestParser, ResponseParser

CLOSE = frozenset({b"close"})


def table() -> FieldTable:
    return FieldTable(frozenset({b"x-ours"}), look_alikes=True)


def learn(known: FieldTable, name: bytes, value: bytes) -> Field:
    return known.learn([b"%b: %b" % (name, value)], [(name, value)])[0]


def test_a_line_is_known_once_it_was_learnt():
    known = table()
    assert known.look_up([b"X-A: 1"]) is None
    learnt = learn(known, b"X-A", b"1 \t")
    assert (learnt.name, learnt.value, learnt.line) == (b"x-a", b"1", b"\r\nX-A: 1")
    assert known.look_up([b"X-A: 1 \t"]) == [learnt]
    assert known.look_up([b"X-A: 1 \t", b"X-B: 2"]) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"Cookie", b"a=b"), (b"AUTHORIZATION", b"Basic x"), (b"X-Long", b"x" * 300)],
)
def test_credentials_and_long_lines_are_not_kept(name: bytes, value: bytes):
    known = table()
    assert learn(known, name, value).passes
    assert known.look_up([b"%b: %b" % (name, value)]) is None


def test_a_full_table_begins_anew():
    known = table()
    for number in range(fields._MOST + 1):
        learn(known, b"X-A", b"%d" % number)
    assert known.look_up([b"X-A: 0"]) is None
    assert known.look_up([b"X-A: %d" % fields._MOST]) is not None


@pytest.mark.parametrize("name", [b"X-Ours", b"x_ours", b"X.OURS"])
def test_what_may_not_pass_and_what_resembles_it(name: bytes):
    assert not learn(table(), name, b"1").passes


def test_look_alikes_count_only_where_asked():
    known = FieldTable(frozenset({b"x-ours"}), look_alikes=False)
    assert learn(known, b"x_ours", b"1").passes


def test_connection_takes_away_what_it_names():
    known = table()
    both = [learn(known, b"A", b"1"), learn(known, b"B", b"2")]
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


def test_a_known_line_does_not_hide_a_bad_one():
    parser = RequestParser(Limits())
    parser.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert isinstance(parser.next(), RequestHead)
    other = RequestParser(Limits())
    other.receive(b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n")
    assert isinstance(other.next(), Bad)
    assert RESPONSE_FIELDS.look_up([b" folded: b"]) is None
