"""ResponseParser: framing as the request's method wants it, and bad origins."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.http1.events import END, Bad, Framing, ResponseHead
from paas.http1.limits import Limits
from paas.http1.parser import ResponseParser
from tests.unit.http1.answers import UNUSABLE

OK = b"HTTP/1.1 200 OK\r\n"


def parse(data: bytes, *, method: bytes = b"GET", cut: int | None = None, eof: bool = False):
    parser = ResponseParser(Limits())
    parser.expect(method)
    events: list[object] = []
    pieces = [data] if cut is None else [data[i : i + cut] for i in range(0, len(data), cut)]
    for piece in [*pieces, None]:
        if piece is None:
            if eof:
                parser.eof()
        else:
            parser.receive(piece)
        while (event := parser.next()) is not None:
            if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
                events[-1] += event
            else:
                events.append(event)
    return events


GOOD = {
    "length": (OK + b"Content-Length: 5\r\n\r\n12345", Framing.LENGTH),
    "chunks": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
        Framing.CHUNKED,
    ),
    "close": (OK + b"\r\n12345", Framing.CLOSE),
    "after interim": (
        b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n12345",
        Framing.LENGTH,
    ),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n12345", Framing.LENGTH),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n12345", Framing.LENGTH),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("cut", [None, 1, 2, 3, 7])
def test_good_answers(name: str, cut: int | None) -> None:
    data, framing = GOOD[name]
    *_, head, body, end = parse(data, cut=cut, eof=True)
    assert isinstance(head, ResponseHead)
    assert (head.framing, body, end) == (framing, b"12345", END)


BAD = {name: data for name, data in UNUSABLE.items() if name != "case-45-nobody-asked"}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("cut", [None, 1])
def test_bad_answers(name: str, cut: int | None) -> None:
    last = parse(BAD[name], cut=cut)[-1]
    assert isinstance(last, Bad)
    assert (last.status, last.code) == (502, "upstream_invalid")


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 5\r\n\r\n1234",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
    ],
)
@pytest.mark.case(56)
def test_cut_short(data: bytes) -> None:
    last = parse(data, eof=True)[-1]
    assert isinstance(last, Bad)
    assert last.code == "upstream_reset"


def test_end_of_stream_within_a_head_is_for_the_connection_to_judge() -> None:
    assert parse(OK, eof=True) == []


@pytest.mark.parametrize(
    ("method", "status", "declared"),
    [(b"HEAD", 200, 5), (b"GET", 204, 5), (b"GET", 304, 5), (b"HEAD", 304, 5)],
)
@pytest.mark.case(52)
def test_answers_without_a_body(method: bytes, status: int, declared: int) -> None:
    data = b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status
    head, end = parse(data, method=method)
    assert isinstance(head, ResponseHead)
    assert (head.framing, head.declared, end) == (Framing.NONE, declared, END)
    assert head.keep_alive


@pytest.mark.case(57)
def test_surplus_stays_buffered() -> None:
    parser = ResponseParser(Limits())
    parser.expect(b"GET")
    parser.receive(OK + b"Content-Length: 1\r\n\r\n12")
    assert isinstance(parser.next(), ResponseHead)
    assert (parser.next(), parser.next(), parser.next()) == (b"1", END, None)
    assert parser.buffered == 1


def test_switching_leaves_the_tunnel_bytes() -> None:
    parser = ResponseParser(Limits())
    parser.expect(b"GET")
    parser.receive(
        b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes"
    )
    head = parser.next()
    assert isinstance(head, ResponseHead)
    assert head.websocket
    assert not head.interim
    assert parser.rest() == b"frames"


def test_one_parser_serves_many_answers() -> None:
    parser = ResponseParser(Limits())
    for method, data in (
        (b"HEAD", OK + b"Content-Length: 5\r\n\r\n"),
        (b"GET", GOOD["length"][0]),
        (b"GET", GOOD["after interim"][0]),
        (b"GET", GOOD["chunks"][0]),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ):
        parser.restart()
        parser.expect(method)
        parser.receive(data)
        events = list(iter(parser.next, None))
        assert events[-1] is END
        assert parser.exhausted


@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=4),
    sized=st.booleans(),
    cut=st.integers(1, 50),
)
@settings(max_examples=100, deadline=None)
def test_reads_what_h11_writes(status: int, pieces: list[bytes], cut: int, *, sized: bool) -> None:
    peer = h11.Connection(h11.SERVER)
    peer.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    peer.next_event()
    peer.next_event()
    size = sum(map(len, pieces))
    headers = [(b"Content-Length", b"%d" % size)] if sized else []
    stream = peer.send(h11.Response(status_code=status, headers=headers)) or b""
    for piece in pieces:
        stream += peer.send(h11.Data(data=piece)) or b""
    stream += peer.send(h11.EndOfMessage()) or b""
    head, *body, end = parse(stream, cut=cut)
    assert isinstance(head, ResponseHead)
    assert (head.status, end) == (status, END)
    assert b"".join(body) == b"".join(pieces)
