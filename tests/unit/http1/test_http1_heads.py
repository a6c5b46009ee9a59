"""Heads as they go on: nothing hop-by-hop passes, nothing of ours can be forged."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.http1.events import END, Framing, RequestHead, ResponseHead
from paas.http1.head import (
    Onward,
    Peer,
    chunk,
    chunked_to,
    ends_by_close,
    interim_bytes,
    request_bytes,
    response_bytes,
)
from paas.http1.limits import Limits
from paas.http1.parser import RequestParser, ResponseParser
from tests.unit.http1.hostile import chunked, get, post

PEER = Peer(address=b"192.0.2.7")
TRUSTED = Peer(address=b"192.0.2.7", trusted=True)
Fields = list[tuple[bytes, bytes]]


def forwarded(data: bytes, peer: Peer = PEER) -> Fields:
    """The fields a strict server reads of what is sent to the replica."""
    parser = RequestParser(Limits())
    parser.receive(data)
    head = parser.next()
    assert isinstance(head, RequestHead), head
    stream = request_bytes(head, peer, request_id=b"id-1", host=b"10.0.0.2:80")
    server = h11.Connection(h11.SERVER)
    server.receive_data(stream)
    request = server.next_event()
    assert isinstance(request, h11.Request)
    return [(bytes(name), bytes(value)) for name, value in request.headers]


def answer(data: bytes, *, method: bytes = b"GET") -> ResponseHead:
    parser = ResponseParser(Limits())
    parser.expect(method)
    parser.receive(data)
    head = parser.next()
    assert isinstance(head, ResponseHead), head
    return head


def test_plain_request() -> None:
    assert forwarded(get(b"Accept: */*", b"traceparent: 00-ab-cd-01")) == [
        (b"host", b"hello.localhost"),
        (b"accept", b"*/*"),
        (b"traceparent", b"00-ab-cd-01"),
        (b"x-forwarded-for", b"192.0.2.7"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-host", b"hello.localhost"),
        (b"x-real-ip", b"192.0.2.7"),
        (b"forwarded", b"for=192.0.2.7;host=hello.localhost;proto=http"),
        (b"x-request-id", b"id-1"),
        (b"x-paas-hops", b"1"),
    ]


@pytest.mark.parametrize(
    "field",
    [
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: Basic eA==",
        b"Proxy-Authenticate: Basic",
        b"TE: trailers",
        b"Trailer: X",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        b"Proxy: http://evil.example",
        b"Expect: 100-continue",
        b"X_Forwarded_For: 1.1.1.1",
        b"X.Real.IP: 1.1.1.1",
        b"X-Forwarded_Host: evil.example",
        b"Content_Length: 5",
        b"Transfer.Encoding: chunked",
        b"X-Forwarded-Port: 1",
        b"x_paas_hops: 0",
    ],
)
def test_dropped(field: bytes) -> None:
    assert forwarded(get(field)) == forwarded(get())


def test_connection_names_are_dropped_but_never_ours() -> None:
    fields = forwarded(
        get(
            b"Connection: X-Secret, X-Forwarded-For, Host, X-Request-Id, Forwarded, x-real-ip",
            b"X-Secret: 1",
        )
    )
    assert fields == forwarded(get())
    framed = forwarded(post(b"Connection: Content-Length, close", b"Content-Length: 1", body=b"1"))
    assert (b"content-length", b"1") in framed


FORGED = (
    b"X-Forwarded-For: 1.1.1.1",
    b"X-Forwarded-For: 2.2.2.2",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: evil.example",
    b"X-Real-IP: 1.1.1.1",
    b"Forwarded: for=1.1.1.1",
)


def test_forwarding_fields_of_strangers_are_replaced() -> None:
    assert forwarded(get(*FORGED)) == forwarded(get())


@pytest.mark.case(38)
def test_forwarding_fields_of_trusted_proxies_are_extended() -> None:
    fields = dict(forwarded(get(*FORGED), TRUSTED))
    assert fields[b"x-forwarded-for"] == b"1.1.1.1, 2.2.2.2, 192.0.2.7"
    assert fields[b"x-forwarded-proto"] == b"https"
    assert fields[b"x-forwarded-host"] == b"evil.example"
    assert fields[b"x-real-ip"] == b"1.1.1.1"
    assert fields[b"forwarded"] == (b"for=1.1.1.1, for=192.0.2.7;host=hello.localhost;proto=http")


def test_addresses_with_colons_are_quoted() -> None:
    data = b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"
    fields = dict(forwarded(data, Peer(address=b"2001:db8::1", scheme=b"https")))
    assert fields[b"forwarded"] == b'for="[2001:db8::1]";host="[::1]:8080";proto=https'
    assert fields[b"x-forwarded-for"] == b"2001:db8::1"


@pytest.mark.parametrize(
    ("given_id", "sent"), [(b"abc-1.2_3", b"abc-1.2_3"), (b"a b", b"id-1"), (b"x" * 200, b"id-1")]
)
def test_request_id(given_id: bytes, sent: bytes) -> None:
    assert dict(forwarded(get(b"X-Request-Id: " + given_id)))[b"x-request-id"] == sent


@pytest.mark.case(41)
def test_hops_count() -> None:
    assert dict(forwarded(get(b"X-Paas-Hops: 3")))[b"x-paas-hops"] == b"4"


def test_http_1_0_without_host_gets_one() -> None:
    assert dict(forwarded(b"GET / HTTP/1.0\r\n\r\n"))[b"host"] == b"10.0.0.2:80"


def test_request_framing_is_ours() -> None:
    assert (b"content-length", b"7") in forwarded(post(b"Content-Length: 0007"))
    assert (b"transfer-encoding", b"chunked") in forwarded(chunked(b""))
    expecting = forwarded(post(b"Content-Length: 7", b"Expect: 100-continue"))
    assert (b"expect", b"100-continue") in expecting


def test_websocket_request_keeps_its_upgrade() -> None:
    fields = forwarded(
        get(b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: a")
    )
    assert (b"connection", b"Upgrade") in fields
    assert (b"upgrade", b"websocket") in fields
    assert (b"sec-websocket-key", b"a") in fields


def test_answer_is_filtered_and_framed_by_us() -> None:
    head = answer(
        b"HTTP/1.1 200 Fine\r\nConnection: X-Secret, keep-alive\r\nX-Secret: 1\r\nServer: a\r\n"
        b"Keep-Alive: timeout=5\r\nX-Paas-Error: forged\r\nX-Paas-Cold-Start: 1\r\n"
        b"Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 05\r\n\r\n"
    )
    assert response_bytes(head, minor=1, keep_alive=True, extra=b"X-Own: 1\r\n") == (
        b"HTTP/1.1 200 Fine\r\nServer: a\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Own: 1\r\n"
        b"Content-Length: 5\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("fields", "minor", "keep_alive", "expected"),
    [
        (b"Transfer-Encoding: chunked\r\n", 1, True, b"Transfer-Encoding: chunked\r\n"),
        (b"", 1, True, b"Transfer-Encoding: chunked\r\n"),
        (b"", 0, False, b"Connection: close\r\n"),
        (b"Content-Length: 1\r\n", 0, True, b"Content-Length: 1\r\nConnection: keep-alive\r\n"),
        (b"Content-Length: 1\r\n", 1, False, b"Content-Length: 1\r\nConnection: close\r\n"),
    ],
)
def test_answer_framing(fields: bytes, minor: int, expected: bytes, *, keep_alive: bool) -> None:
    head = answer(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
    assert response_bytes(head, minor=minor, keep_alive=keep_alive) == (
        b"HTTP/1.1 200 OK\r\n" + expected + b"\r\n"
    )
    unsized = head.framing is not Framing.LENGTH
    assert chunked_to(head, minor) is (unsized and minor == 1)
    assert ends_by_close(head, minor) is (unsized and minor == 0)


def test_head_tells_the_length_it_does_not_send() -> None:
    data = b"HTTP/1.1 %d X\r\nContent-Length: 9\r\n\r\n"
    head = answer(data % 200, method=b"HEAD")
    assert b"Content-Length: 9" in response_bytes(head, minor=1, keep_alive=True)
    assert b"Content-Length" not in response_bytes(answer(data % 204), minor=1, keep_alive=True)


@pytest.mark.case(42)
def test_switching_answer() -> None:
    head = answer(
        b"HTTP/1.1 101 Switching\r\nConnection: Upgrade, X-Secret\r\nUpgrade: websocket\r\n"
        b"X-Secret: 1\r\nSec-WebSocket-Accept: a\r\n\r\n"
    )
    assert response_bytes(head, minor=1, keep_alive=True) == (
        b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: a\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


DATE = b"Date: Mon, 23 Nov 2026 14:31:02 GMT\r\n"


@pytest.mark.case(55)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"", DATE),
        (b"date: theirs\r\n", b"date: theirs\r\n"),
        (b"Connection: date, x-b\r\nDate: theirs\r\nX-B: 1\r\n", DATE),
    ],
)
def test_a_date_is_added_where_there_is_none(fields: bytes, expected: bytes) -> None:
    head = answer(b"HTTP/1.1 204 X\r\n" + fields + b"\r\n")
    sent = response_bytes(head, minor=1, keep_alive=True, date=lambda: DATE)
    assert sent == b"HTTP/1.1 204 X\r\n" + expected + b"\r\n"


@pytest.mark.case(45)
@pytest.mark.parametrize(
    ("minor", "keep_alive", "expected"),
    [
        (1, True, b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        (1, False, b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n"),
        (0, False, b"Connection: close\r\n"),
    ],
)
def test_426_names_the_protocol(minor: int, expected: bytes, *, keep_alive: bool) -> None:
    head = answer(
        b"HTTP/1.1 426 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"
    )
    assert response_bytes(head, minor=minor, keep_alive=keep_alive) == (
        b"HTTP/1.1 426 X\r\nContent-Length: 0\r\n" + expected + b"\r\n"
    )


def test_interim_answer() -> None:
    head = answer(b"HTTP/1.1 103 Early\r\nLink: a\r\nConnection: x-b\r\nX-B: 1\r\n\r\n")
    assert interim_bytes(head) == b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n"


def test_chunk() -> None:
    assert chunk(b"x" * 18) == b"12\r\n" + b"x" * 18 + b"\r\n"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"Connection",
                    b"Keep-Alive",
                    b"TE",
                    b"X-Forwarded-For",
                    b"X_Forwarded_For",
                    b"Forwarded",
                    b"X-Request-Id",
                    b"Via",
                    b"Cookie",
                    b"X-Paas-Hops",
                    b"Accept",
                ]
            ),
            st.from_regex(rb"[!-~]{1,20}", fullmatch=True),
        ),
        max_size=8,
    ),
    st.sampled_from([b"", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_forwarded_has_one_framing_and_our_fields_once(
    fields: Fields, framing: bytes
) -> None:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    names = [
        name for name, _ in forwarded(b"POST / HTTP/1.1\r\nHost: a\r\n" + lines + framing + b"\r\n")
    ]
    assert names.count(b"content-length") + names.count(b"transfer-encoding") == bool(framing)
    for ours in (b"host", b"x-forwarded-for", b"forwarded", b"x-request-id", b"x-paas-hops"):
        assert names.count(ours) == 1
    assert b"te" not in names
    assert b"connection" not in names


@pytest.mark.parametrize("peer", [PEER, TRUSTED])
@pytest.mark.parametrize(
    "given", [b"X-Request-Id: theirs", b"X-Other: 1", b"X-Request-Id: no good"]
)
def test_requests_that_repeat_their_fields_go_on_as_if_each_were_alone(
    peer: Peer, given: bytes
) -> None:
    parser, onward = RequestParser(Limits()), Onward()
    for number, target in enumerate((b"/a", b"/a", b"/b?c", b"/a")):
        parser.receive(get(given).replace(b"/x", target, 1))
        head = parser.next()
        assert isinstance(head, RequestHead)
        assert parser.next() is END
        parser.restart()
        ours = b"id-%d" % number
        sent = onward.request_bytes(head, peer, request_id=ours, host=b"h:1")
        assert sent == request_bytes(head, peer, request_id=ours, host=b"h:1")
        assert target in sent
        assert (ours in sent) is (given != b"X-Request-Id: theirs")


def test_a_request_without_host_names_each_replica_it_goes_to() -> None:
    parser, onward = RequestParser(Limits()), Onward()
    parser.receive(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head = parser.next()
    assert isinstance(head, RequestHead)
    for host in (b"10.0.0.2:80", b"10.0.0.3:80"):
        assert host in onward.request_bytes(head, PEER, request_id=b"i", host=host)
