"""Plain requests: routing, forwarding, keep-alive, pipelining, error answers."""

import json
import socket

import pytest

from paas.core.routing import Route
from paas.errors import Unavailable
from paas.http1.limits import Limits
from paas.live.board import Slot
from tests.integration.proxy.conftest import Stage, over_both
from tests.integration.proxy.origin import Line, Seen, reply, sends
from tests.integration.proxy.wire import until
from tests.unit.http1.hostile import chunked, get, line, post


async def test_a_request_goes_through(stage: Stage) -> None:
    await stage.start()
    got = await stage.ask(get(b"Connection: X-Drop", b"X-Drop: 1"))
    assert (got.status, got.body) == (200, b"ok")
    (seen,) = stage.origin.seen
    assert (seen.method, seen.target, seen.field("host")) == ("GET", "/x", "hello.localhost")
    assert seen.field("x-forwarded-for") == "127.0.0.1"
    assert seen.field("x-drop") is None
    assert got.field("x-paas-cold-start") is None


@over_both
async def test_keep_alive_reuses_both_connections(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    for _ in range(5):
        wire.send(get())
        assert (await wire.response()).status == 200
    assert len(stage.origin.lines) == 1
    assert stage.proxy.counters.connections == 1
    assert stage.proxy.counters.requests == 5
    assert stage.proxy.idle_upstreams == 1


@pytest.mark.parametrize(
    "data",
    [
        post(b"Content-Length: 5", body=b"12345"),
        chunked(b"2;ext=1\r\n12\r\n3\r\n345\r\n0\r\nAuthorization: forged\r\n\r\n"),
        post(b"Content-Length: 5", body=b"12345").replace(b"POST", b"GET"),
        post(b"Content-Length: 5", body=b"12345").replace(b"POST", b"DELETE"),
    ],
)
async def test_bodies_are_framed_and_never_ignored(stage: Stage, data: bytes) -> None:
    await stage.start()
    wire = await stage.wire()
    for piece in (data, b"", data):
        wire.send(piece)
    assert (await wire.response()).body == b"12345"
    assert (await wire.response()).body == b"12345"
    for seen in stage.origin.seen:
        assert seen.body == b"12345"
        assert seen.field("authorization") is None
        framings = [
            name for name, _ in seen.fields if name in ("content-length", "transfer-encoding")
        ]
        assert len(framings) == 1


@over_both
async def test_byte_by_byte(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    for byte in chunked(b"5\r\n12345\r\n0\r\n\r\n"):
        wire.send(bytes([byte]))
        await wire.writer.drain()
    assert (await wire.response()).body == b"12345"


@over_both
@pytest.mark.case(53)
async def test_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    await stage.start()

    async def target(seen: Seen, line: Line) -> None:
        line.send(reply(seen.target.encode()))

    stage.origin.answer = target
    wire = await stage.wire()
    count = 300
    nowhere = b"GET / HTTP/1.1\r\nHost: no.hello.localhost\r\n\r\n"
    stream = b"".join(
        nowhere if i % 3 == 0 else line(b"GET /%d HTTP/1.1" % i) for i in range(count)
    )
    wire.send(stream)
    for i in range(count):
        got = await wire.response()
        if i % 3 == 0:
            assert (got.status, got.code) == (404, "no_such_host")
        else:
            assert got.body == b"/%d" % i
    assert len(stage.origin.seen) == 200


@over_both
@pytest.mark.case(53)
async def test_thousands_of_pipelined_errors_do_not_recurse(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(b"GET / HTTP/1.1\r\nHost: a.hello.localhost\r\n\r\n" * 3000)
    for _ in range(3000):
        assert (await wire.response()).status == 404


@over_both
@pytest.mark.case(18)
async def test_data_after_connection_close_is_ignored(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(get(b"Connection: close") + get())
    got = await wire.response()
    assert (got.status, got.field("connection")) == (200, "close")
    assert await wire.bytes_until_end() == b""
    assert len(stage.origin.seen) == 1


@over_both
async def test_http_1_0(stage: Stage) -> None:
    await stage.start()
    old = b"GET / HTTP/1.0\r\nHost: hello.localhost\r\n"
    wire = await stage.wire()
    wire.send(old + b"Connection: keep-alive\r\n\r\n")
    assert (await wire.response()).field("connection") == "keep-alive"
    stage.origin.answer = sends(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )
    wire.send(old + b"Connection: keep-alive\r\n\r\n")
    raw = await wire.bytes_until_end()
    assert raw.endswith(b"Connection: close\r\n\r\nok")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"HELLO.localhost", 200),
        (b"hello.localhost.:8080", 200),
        (b"nowhere.localhost", 404),
        (b"127.0.0.1", 404),
        (b"[::1]", 404),
    ],
)
@pytest.mark.case(34, 35)
async def test_hosts(stage: Stage, host: bytes, status: int) -> None:
    await stage.start()
    got = await stage.ask(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert got.status == status


async def test_absolute_form(stage: Stage) -> None:
    await stage.start()
    got = await stage.ask(b"GET http://hello.localhost/a%2f HTTP/1.1\r\nHost: other\r\n\r\n")
    assert got.status == 200
    (seen,) = stage.origin.seen
    assert (seen.target, seen.field("host")) == ("/a%2f", "hello.localhost")


@pytest.mark.case(29)
async def test_options_star_is_ours(stage: Stage) -> None:
    await stage.start()
    got = await stage.ask(line(b"OPTIONS * HTTP/1.1"), "OPTIONS")
    assert (got.status, got.code) == (204, None)
    assert stage.origin.seen == []


@pytest.mark.case(41)
async def test_a_loop_is_broken(stage: Stage) -> None:
    await stage.start(ready=False)
    assert stage.listener is not None
    stage.board.add_slot("v1", Slot("loop", "127.0.0.1", stage.listener.port))
    got = await stage.ask(get())
    assert (got.status, got.code) == (508, None)
    assert stage.proxy.counters.errors == {"loop_detected": 1}


async def test_error_answers(stage: Stage) -> None:
    await stage.start()
    stage.board.put_routes("s2", {"off.localhost": Route(key="s2", service="off", schedule=())})
    offline = b"GET / HTTP/1.1\r\nHost: off.localhost\r\nAccept: %b\r\n\r\n"
    got = await stage.ask(offline % b"*/*")
    assert (got.status, got.code) == (503, "no_traffic")
    assert json.loads(got.body)["error"] == "no_traffic"
    got = await stage.ask(offline % b"text/html,application/xml;q=0.9")
    assert got.field("content-type") == "text/html; charset=utf-8"
    assert b"no_traffic" in got.body
    head = await stage.ask((offline % b"*/*").replace(b"GET", b"HEAD"), "HEAD")
    assert (head.status, head.body) == (503, b"")
    old = await stage.ask(
        b"GET / HTTP/1.0\r\nHost: off.localhost\r\nConnection: keep-alive\r\n\r\n"
    )
    assert old.field("connection") == "keep-alive"


async def test_fixed_routes_take_every_host(stage: Stage) -> None:
    await stage.start()
    fixed = await stage.proxy.listen("127.0.0.1", 0, route=stage.route)
    current: list[Route | None] = [stage.route]
    following = await stage.proxy.listen("127.0.0.1", 0, route=lambda: current[0])
    assert stage.listener is not None
    for listener in (fixed, following):
        stage.listener = listener
        assert (await stage.ask(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")).status == 200
        assert (await stage.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200
    current[0] = None
    assert (await stage.ask(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")).code == "no_such_host"
    await fixed.close()
    stage.listener = fixed
    with pytest.raises(ConnectionRefusedError):
        await stage.wire()


async def test_listening_on_sockets_and_every_address(stage: Stage) -> None:
    await stage.start()
    given = socket.create_server(("127.0.0.1", 0))
    stage.listener = await stage.proxy.listen(sock=given)
    assert stage.listener.port == given.getsockname()[1]
    await stage.check_well()
    stage.listener = await stage.proxy.listen()
    await stage.check_well()
    assert stage.origin.seen[-1].field("x-forwarded-for") == "127.0.0.1"
    with pytest.raises(Unavailable) as taken:
        await stage.proxy.listen("127.0.0.1", stage.listener.port)
    assert taken.value.code == "address_in_use"
    closing = await stage.proxy.listen("::1")
    await closing.close()
    await closing.close()


async def test_weighted_choice_is_smooth(stage: Stage) -> None:
    await stage.start()
    other = await stage.another("r2")
    stage.target.slots.pop()
    stage.board.target("v2", service="hello", version="hello-002")
    stage.board.add_slot("v2", Slot("r2", "127.0.0.1", other.port))
    stage.board.put_routes(
        "s1",
        {"hello.localhost": Route(key="s1", service="hello", schedule=("v1",) * 9 + ("v2",))},
    )
    wire = await stage.wire()
    for _ in range(20):
        wire.send(get())
        await wire.response()
    assert (len(stage.origin.seen), len(other.seen)) == (18, 2)


@pytest.mark.case(61)
async def test_connection_limits(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, connections=2))
    first, second = await stage.wire(), await stage.wire()
    first.send(get())
    second.send(get())
    await first.response()
    await second.response()
    third = await stage.wire()
    got = await third.response()
    assert (got.status, got.code) == (503, "too_many_connections")
    first.close()
    await until(lambda: stage.proxy.connections == 1)
    await stage.check_well()


@pytest.mark.case(61)
async def test_connection_limit_per_address(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, connections_per_address=1))
    first = await stage.wire()
    first.send(get())
    await first.response()
    assert (await (await stage.wire()).response()).code == "too_many_connections"
    first.close()
    await until(lambda: stage.proxy.connections == 0)
    await stage.check_well()


async def test_body_limit(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, body_bytes=4))
    for data in (
        post(b"Content-Length: 5", body=b"12345"),
        chunked(b"5\r\n12345\r\n0\r\n\r\n"),
    ):
        got = await stage.ask(data)
        assert (got.status, got.code) == (413, "body_too_large")
    await stage.check_well()


@over_both
@pytest.mark.case(50)
async def test_an_answer_survives_an_upload_nobody_reads(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(b"POST / HTTP/1.1\r\nHost: no.hello.localhost\r\nContent-Length: 3000000\r\n\r\n")
    wire.send(b"x" * 3_000_000)
    got = await wire.response()
    assert (got.status, got.field("connection")) == (404, "close")
    assert await wire.bytes_until_end() == b""


@pytest.mark.case(38)
async def test_trusted_networks_are_believed(stage: Stage) -> None:
    await stage.start(trusted=["2001:db8::/32", "127.0.0.0/8"])
    await stage.ask(get(b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: https"))
    (seen,) = stage.origin.seen
    assert seen.field("x-forwarded-for") == "192.0.2.1, 127.0.0.1"
    assert seen.field("x-forwarded-proto") == "https"
