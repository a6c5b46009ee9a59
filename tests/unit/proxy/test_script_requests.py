"""Requests through the proxy, as scripts: what is refused, forwarded, and in which order."""

import re

import pytest

from paas.http1.limits import Limits
from tests.strict import check_forwarded, requests
from tests.unit.http1.answers import reply
from tests.unit.http1.forwarding import FORWARDED
from tests.unit.http1.hostile import HOSTILE, chunked, get, line, post
from tests.unit.proxy.script import Script

PEER = "192.0.2.7"


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_closed_and_never_pooled(name: str) -> None:
    data, status = HOSTILE[name]
    script = Script()
    client = script.client(data)
    head = client.log.partition(b"\r\n\r\n")[0]
    assert re.match(rb"HTTP/1\.1 %d [A-Z]" % status, head)
    assert b"\r\nConnection: close" in head
    assert head.count(b"HTTP/1.1") == 1
    assert re.search(rb"\r\nX-Paas-Error: [a-z_]+", head)
    assert re.search(rb"\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", head)
    assert client.over
    assert all(origin.aborted for origin in script.origins)
    assert not any(one.complete for one in script.seen)
    assert not script.pooled
    script.check_well(client)


@pytest.mark.parametrize("name", FORWARDED)
def test_forwarded(name: str) -> None:
    row = FORWARDED[name]
    script = Script()
    client = script.client(row.data)
    (origin,) = script.origins
    (one,) = requests(origin.log)
    assert one.complete
    assert (one.target, one.body) == (row.target, row.body)
    assert one.method == row.method or row.method is None
    for field, value in row.fields.items():
        assert one.field(field) == (value and value.format(peer=PEER)), field
    origin.gives(reply(b"", b"204 No Content").replace(b"Content-Length: 0\r\n", b""))
    assert client.log.startswith(b"HTTP/1.1 204 ")
    script.check_well(client)


@pytest.mark.parametrize("data", [post(b"Content-Length: 9", body=b"123"), chunked(b"9\r\n123")])
@pytest.mark.case(15)
def test_a_body_cut_short_is_never_complete(data: bytes) -> None:
    script = Script()
    client = script.client(data)
    client.stops_sending()
    (origin,) = script.origins
    (one,) = requests(origin.log)
    assert (one.body, one.complete) == (b"123", False)
    assert origin.aborted
    assert client.closed
    assert not client.log
    script.check_well(client)


@pytest.mark.case(18)
def test_data_after_close_is_ignored() -> None:
    script = Script()
    client = script.client(get(b"Connection: close") + get())
    script.origins[0].gives(reply(b"ok"))
    assert b"\r\nConnection: close\r\n" in client.log
    assert client.ended
    client.gives(get())
    assert len(script.seen) == 1
    script.check_well(client)


@pytest.mark.case(29)
@pytest.mark.parametrize(
    "data",
    [
        line(b"OPTIONS * HTTP/1.1"),
        line(b"OPTIONS http://hello.localhost HTTP/1.1"),
        get(b"Max-Forwards: 0").replace(b"GET", b"OPTIONS"),
    ],
)
def test_options_about_the_server_are_ours(data: bytes) -> None:
    script = Script()
    client = script.client(data)
    assert client.log.startswith(b"HTTP/1.1 204 No Content\r\nAllow: GET, ")
    assert b"Content-Length" not in client.log
    assert not script.origins
    script.check_well(client)


@pytest.mark.case(35)
@pytest.mark.parametrize(
    "host",
    [
        b"other.localhost",
        b"localhost",
        b"127.0.0.1",
        b"[::1]:80",
        b"xn--hllo-bpa.localhost",
        b"hello.localhost.evil.example",
        b"_",
    ],
)
def test_an_unknown_host_is_never_the_first_service(host: bytes) -> None:
    script = Script()
    client = script.client(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert client.log.startswith(b"HTTP/1.1 404 ")
    assert not script.origins
    assert not client.over
    script.check_well(client)


@pytest.mark.case(41)
def test_a_loop_ends() -> None:
    script = Script()
    client = script.client(get(b"X-Paas-Hops: 8"))
    assert client.log.startswith(b"HTTP/1.1 508 ")
    unclear = script.client(get(b"X-Paas-Hops: many"))
    assert unclear.log.startswith(b"HTTP/1.1 508 ")
    script.check_well(client)


@pytest.mark.case(49)
def test_an_expectation_is_answered_once_by_the_origin() -> None:
    script = Script()
    client = script.client(post(b"Content-Length: 5", b"Expect: 100-continue"))
    (origin,) = script.origins
    assert not client.log
    origin.gives(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.gives(b"12345")
    origin.gives(reply(b"ok"))
    assert client.log.count(b"HTTP/1.1 100") == 1
    assert script.seen[0].body == b"12345"
    script.check_well(client)


@pytest.mark.case(50)
@pytest.mark.parametrize("expect", [(), (b"Expect: 100-continue",)])
def test_a_final_answer_before_the_body_closes_both(expect: tuple[bytes, ...]) -> None:
    script = Script()
    client = script.client(post(b"Content-Length: 500", *expect, body=b"1"))
    (origin,) = script.origins
    origin.gives(reply(b"no", b"413 Too Large"))
    assert client.log.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in client.log
    client.gives(b"GET /smuggled HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
    assert origin.aborted
    assert client.ended
    assert [one.target for one in script.seen] == ["/x"]
    assert not script.pooled
    script.check_well(client)


@pytest.mark.case(53)
def test_pipelined_requests_are_answered_in_order() -> None:
    script = Script()
    client = script.client(line(b"GET /1 HTTP/1.1") + get(b"Host: b") + line(b"GET /2 HTTP/1.1"))
    (origin,) = script.origins
    assert [one.target for one in requests(origin.log)] == ["/1"]
    origin.gives(reply(b"first"))
    assert client.log.index(b"first") < client.log.index(b"HTTP/1.1 400 ")
    assert client.ended
    assert len(script.seen) == 1
    script.check_well(client)


@pytest.mark.case(53)
def test_pipelined_requests_are_bounded() -> None:
    limits = Limits(hold_bytes=2000)
    script = Script(limits)
    client = script.client(line(b"GET /1 HTTP/1.1"))
    while client.reading:
        client.gives(line(b"GET /2 HTTP/1.1"))
    assert len(script.seen) == 1
    (origin,) = script.origins
    while script.target.in_flight:
        origin.gives(reply(b"ok"))
    assert client.reading
    assert client.log.count(b"HTTP/1.1 200 ") == len(script.seen) > 20
    for one in script.seen:
        check_forwarded(one)
    script.check_well(client)
