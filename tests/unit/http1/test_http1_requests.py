"""RequestParser: what it yields, whatever way the bytes arrive."""

from collections.abc import Sequence
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.core.names import normal_host
from paas.http1.events import END, Bad, Framing, RequestHead
from paas.http1.limits import Limits
from paas.http1.parser import RequestParser
from paas.http1.syntax import host_value
from tests.unit.http1.hostile import HOSTILE, chunked, get, line, post

DEFAULT = Limits()
GOOD = {
    "plain": get(b"Accept: */*"),
    "length": post(b"Content-Length: 5", body=b"12345"),
    "chunks": chunked(b"5;a=b\r\n12345\r\n1\r\n6\r\n0\r\nTrailer: x\r\n\r\n"),
    "empty body": post(b"Content-Length: 0"),
    "leading empty line": b"\r\n" + get(),
}


def parse(data: bytes, cuts: Sequence[int] = (), limits: Limits = DEFAULT) -> list[object]:
    """Every event of every request, with the body's pieces joined."""
    parser = RequestParser(limits)
    events: list[object] = []
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        parser.receive(data[start:end])
        while (event := parser.next()) is not None:
            if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
                events[-1] += event
            else:
                events.append(event)
            if event is END:
                parser.restart()
    return events


def head_of(data: bytes) -> RequestHead:
    head = parse(data)[0]
    assert isinstance(head, RequestHead), head
    return head


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_requests_are_refused(name: str) -> None:
    data, status = HOSTILE[name]
    last = parse(data)[-1]
    assert isinstance(last, Bad)
    assert last.status == status


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_requests_are_refused_byte_by_byte(name: str) -> None:
    data, status = HOSTILE[name]
    events = parse(data, list(range(1, len(data))))
    assert isinstance(events[-1], Bad)
    assert events[-1].status == status


@pytest.mark.parametrize("name", GOOD)
def test_good_requests_do_not_depend_on_how_they_arrive(name: str) -> None:
    data = GOOD[name]
    whole = parse(data)
    assert whole[-1] is END
    assert parse(data, list(range(1, len(data)))) == whole
    for cut in range(1, len(data)):
        assert parse(data, [cut]) == whole


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_pipelines_do_not_depend_on_how_they_arrive(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from([*GOOD]), min_size=1, max_size=5))
    stream = b"".join(GOOD[name] for name in names)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    expected = [event for name in names for event in parse(GOOD[name])]
    assert parse(stream, cuts) == expected


@given(st.binary(max_size=200), st.lists(st.integers(0, 300), max_size=4))
@settings(max_examples=200, deadline=None)
def test_noise_never_raises(noise: bytes, cuts: list[int]) -> None:
    data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + noise
    for stream in (noise, data):
        parse(stream, [min(cut, len(stream)) for cut in cuts])


@given(
    st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"]),
    st.from_regex(rb"/[!-\"$-~]{0,40}", fullmatch=True),
    st.lists(
        st.tuples(
            st.from_regex(rb"X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,10}", fullmatch=True),
            st.from_regex(rb"([!-~]([ -~]{0,10}[!-~])?)?", fullmatch=True),
        ),
        max_size=6,
    ),
    st.one_of(st.none(), st.lists(st.binary(min_size=1, max_size=30), max_size=4)),
)
@settings(max_examples=150, deadline=None)
def test_reads_what_h11_writes(
    method: bytes,
    target: bytes,
    fields: list[tuple[bytes, bytes]],
    pieces: list[bytes] | None,
) -> None:
    headers = [(b"Host", b"a.example"), *fields]
    if pieces is not None:
        headers.append((b"Transfer-Encoding", b"chunked"))
    peer = h11.Connection(h11.CLIENT)
    stream = peer.send(h11.Request(method=method, target=target, headers=headers)) or b""
    for piece in pieces or []:
        stream += peer.send(h11.Data(data=piece)) or b""
    stream += peer.send(h11.EndOfMessage()) or b""
    head, *body, end = parse(stream)
    assert isinstance(head, RequestHead)
    assert (head.method, head.target, end) == (method, target, END)
    assert [(field.name, field.value) for field in head.fields] == [
        (name.lower(), value) for name, value in headers
    ]
    assert b"".join(body) == b"".join(pieces or [])


def test_head_carries_what_routing_needs() -> None:
    head = head_of(get(b"Connection: close, X-Own", b"X-Own: 1"))
    assert (head.method, head.target, head.host) == (b"GET", b"/x", "hello.localhost")
    assert (head.framing, head.length, head.minor) == (Framing.NONE, 0, 1)
    assert head.connection == {b"close", b"x-own"}
    assert not head.keep_alive
    assert (head.websocket, head.expect_continue, head.hops) == (False, False, 0)


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"keep-alive", True),
        (b"1.1", b"Close", False),
        (b"1.0", b"", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_keep_alive(version: bytes, connection: bytes, *, kept: bool) -> None:
    field = b"Connection: " + connection + b"\r\n" if connection else b""
    head = head_of(b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + field + b"\r\n")
    assert head.keep_alive is kept


def test_http_1_0_needs_no_host() -> None:
    head = head_of(b"GET / HTTP/1.0\r\n\r\n")
    assert (head.host, head.authority) == ("", b"")


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"Hello.LOCALHOST:8080", "hello.localhost"),
        (b"hello.localhost.", "hello.localhost"),
        (b"hello.localhost:", "hello.localhost"),
        (b"10.0.0.1:80", "10.0.0.1"),
        (b"[::1]:80", "[::1]"),
        (b"xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_host_has_one_normal_form(value: bytes, host: str) -> None:
    assert host_value(value) == host == normal_host(value.decode())
    assert head_of(b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n").host == host


def test_absolute_form_wins_over_host() -> None:
    head = head_of(line(b"GET HTTP://Other.Example:81/a?b HTTP/1.1"))
    assert (head.host, head.authority, head.target) == (
        "other.example",
        b"Other.Example:81",
        b"/a?b",
    )
    assert head_of(line(b"GET http://other.example?b HTTP/1.1")).target == b"/?b"
    assert head_of(line(b"GET https://other.example HTTP/1.1")).target == b"/"


@pytest.mark.parametrize(
    "target", [b"/../a", b"/%2e%2e/a", b"/%2f", b"//", b"/\\", b"/;a", b"/?a=%00", b"/a%zz"]
)
def test_target_stays_byte_for_byte(target: bytes) -> None:
    assert head_of(line(b"GET " + target + b" HTTP/1.1")).target == target


def test_options_star() -> None:
    assert head_of(line(b"OPTIONS * HTTP/1.1")).target == b"*"


@pytest.mark.parametrize(
    ("left", "target", "sent"),
    [(b"0", b"*", b"0"), (b"1", b"/x", b"0"), (b"017", b"/x", b"16"), (b"x", b"/x", b"x")],
)
def test_options_count_their_hops_down(left: bytes, target: bytes, sent: bytes) -> None:
    head = head_of(get(b"Max-Forwards: " + left).replace(b"GET", b"OPTIONS"))
    assert head.target == target
    assert b"\r\nMax-Forwards: " + sent in [field.line for field in head.fields]


def test_options_without_a_path_are_about_the_server() -> None:
    assert head_of(line(b"OPTIONS http://hello.localhost HTTP/1.1")).target == b"*"
    assert head_of(line(b"OPTIONS http://hello.localhost?a HTTP/1.1")).target == b"/?a"


def test_websocket_only_as_get_with_both_fields() -> None:
    fields = (b"Connection: keep-alive, Upgrade", b"Upgrade: WebSocket")
    assert head_of(get(*fields)).websocket
    assert not head_of(get(b"Upgrade: websocket")).websocket
    assert not head_of(get(b"Connection: upgrade")).websocket
    assert not head_of(get(b"Connection: upgrade", b"Upgrade: h2c")).websocket
    assert not head_of(get(b"Connection: upgrade", b"Upgrade: websocket, h2c")).websocket
    assert not head_of(get(*fields).replace(b"GET", b"POST")).websocket
    assert not head_of(get(*fields).replace(b"HTTP/1.1", b"HTTP/1.0")).websocket


def test_bytes_after_an_upgrade_wait_in_the_rest() -> None:
    parser = RequestParser(Limits())
    parser.receive(get(b"Connection: upgrade", b"Upgrade: websocket") + b"\x81\x00frames")
    assert isinstance(parser.next(), RequestHead)
    assert parser.next() is END
    assert parser.next() is None
    assert not parser.exhausted
    assert parser.rest() == b"\x81\x00frames"
    assert parser.exhausted


def test_expect_counts_only_with_a_body_and_http_1_1() -> None:
    expect = b"Expect: 100-Continue"
    assert head_of(post(b"Content-Length: 1", expect, body=b"1")).expect_continue
    assert not head_of(get(expect)).expect_continue
    old = post(b"Content-Length: 1", expect, body=b"1", version=b"1.0")
    assert not head_of(old).expect_continue


@pytest.mark.parametrize(("value", "hops"), [(b"0", 0), (b"7", 7), (b"x", 1000), (b"9999", 1000)])
def test_hops(value: bytes, hops: int) -> None:
    assert head_of(get(b"X-Paas-Hops: " + value)).hops == hops


def test_body_limit() -> None:
    limits = Limits(body_bytes=4)
    for data in (
        post(b"Content-Length: 5", body=b"12345"),
        chunked(b"3\r\n123\r\n2\r\n45\r\n0\r\n\r\n"),
    ):
        last = parse(data, limits=limits)[-1]
        assert isinstance(last, Bad)
        assert (last.status, last.code) == (413, "body_too_large")
    assert parse(post(b"Content-Length: 4", body=b"1234"), limits=limits)[-1] is END
    assert parse(chunked(b"4\r\n1234\r\n0\r\n\r\n"), limits=limits)[-1] is END


def test_a_stopped_parser_keeps_what_follows() -> None:
    parser = RequestParser(Limits())
    parser.receive(get() + get())
    assert not parser.in_head or parser.buffered
    assert isinstance(parser.next(), RequestHead)
    assert parser.next() is END
    assert parser.next() is None
    assert parser.buffered == len(get())
    assert not parser.in_head
    parser.restart()
    assert parser.in_head
    assert isinstance(parser.next(), RequestHead)


LINES = (
    b"GET /a HTTP/1.1",
    b"GET /b?c=1 HTTP/1.1",
    b"GET /a HTTP/1.0",
    b"POST /a HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"GET * HTTP/1.1",
    b"GET /a#b HTTP/1.1",
    b"GET http://other/a HTTP/1.1",
    b"GET /a HTTP/1.2",
    b"get /a HTTP/1.1",
)
FIELDS = (
    b"Host: a",
    b"Host: a\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1",
    b"Host: a\r\nContent-Length: 0",
    b"Host: a\r\nConnection: upgrade\r\nUpgrade: websocket",
    b"Host: a\r\nX-Long: " + b"x" * 5000,
)


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("second", LINES)
@pytest.mark.parametrize("first", LINES)
def test_repeated_fields_mean_what_they_mean_alone(
    first: bytes, second: bytes, fields: bytes
) -> None:
    earlier, later = (line + b"\r\n" + fields + b"\r\n\r\n" for line in (first, second))
    alone = parse(earlier)
    if not (isinstance(alone[0], RequestHead) and alone[0].keep_alive):
        return  # then nothing follows on its connection
    assert parse(earlier + later) == alone + parse(later)
    assert parse(earlier + earlier + later) == alone + alone + parse(later)
