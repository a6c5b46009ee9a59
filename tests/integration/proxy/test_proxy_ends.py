"""The two halves of the proxy's end: it settles while newcomers are served, then drains."""

import asyncio
import socket

import pytest

from paas.http1.limits import Limits
from tests.certificates import trusting
from tests.integration.proxy.conftest import Stage, hello, over_both
from tests.integration.proxy.origin import Answer, Line, Seen, reply
from tests.integration.proxy.wire import until
from tests.unit.http1.answers import SWITCH
from tests.unit.http1.hostile import get

ENDING = Limits(tick_seconds=0.02, last_call_seconds=0.5)
SLOW = b"GET /slow HTTP/1.1\r\nHost: hello.localhost\r\n\r\n"
UPGRADE = get(b"Upgrade: websocket", b"Connection: Upgrade")
GOING_AWAY = b"\x88\x02\x03\xe9"
secure = pytest.mark.parametrize("stage", ["tls"], indirect=True)


def waiting(go_on: asyncio.Event) -> Answer:
    """Answers `/slow` when it may, and all else at once."""

    async def answer(seen: Seen, line: Line) -> None:
        if seen.target == "/slow":
            await go_on.wait()
        line.send(reply(b"served"))

    return answer


@over_both
async def test_a_request_that_is_on_its_way_finds_its_idle_connection(stage: Stage) -> None:
    await stage.start(ENDING)
    used, fresh = await stage.wire(), await stage.wire()
    used.send(get())
    assert (await used.response()).status == 200
    settling = asyncio.ensure_future(stage.proxy.settle(10))
    await asyncio.sleep(0)
    for wire in (used, fresh):
        wire.send(get())
        got = await wire.response()
        assert (got.status, got.field("connection")) == (200, "close")
        assert await wire.bytes_until_end() == b""
    await asyncio.wait_for(settling, 5)


@over_both
async def test_so_it_does_when_the_proxy_drains_at_once(stage: Stage) -> None:
    await stage.start(ENDING)
    wire = await stage.wire()
    draining = asyncio.ensure_future(stage.proxy.drain(10))
    await asyncio.sleep(0)
    wire.send(get())
    assert (await wire.response()).status == 200
    await asyncio.wait_for(draining, 5)


@over_both
async def test_silent_connections_end_soon_and_nothing_waits_for_them(stage: Stage) -> None:
    await stage.start(ENDING)
    wires = [await stage.wire() for _ in range(3)]
    await asyncio.wait_for(stage.proxy.settle(60), 5)
    for wire in wires:
        assert await wire.bytes_until_end() == b""


@over_both
async def test_newcomers_are_served_while_a_slow_request_is_finished(stage: Stage) -> None:
    await stage.start(ENDING)
    go_on = asyncio.Event()
    stage.origin.answer = waiting(go_on)
    slow = await stage.wire()
    slow.send(SLOW)
    await until(lambda: stage.target.in_flight == 1)
    settling = asyncio.ensure_future(stage.proxy.settle(60))
    for _ in range(3):
        got = await stage.ask(get())
        assert (got.body, got.field("connection")) == (b"served", "close")
    assert not settling.done()
    go_on.set()
    got = await slow.response()
    assert (got.body, got.field("connection")) == (b"served", "close")
    await asyncio.wait_for(settling, 5)


async def test_settling_takes_no_longer_than_it_may(stage: Stage) -> None:
    await stage.start(ENDING)
    stage.origin.answer = waiting(asyncio.Event())
    slow = await stage.wire()
    slow.send(SLOW)
    await until(lambda: stage.target.in_flight == 1)
    await asyncio.wait_for(stage.proxy.settle(0.3), 5)
    assert stage.target.in_flight == 1


async def test_nobody_waits_for_a_websocket_and_it_is_told(stage: Stage) -> None:
    await stage.start(ENDING)

    async def switch(_seen: Seen, line: Line) -> None:
        line.send(SWITCH)
        await line.closed()

    stage.origin.answer = switch
    wire = await stage.wire()
    wire.send(UPGRADE)
    assert (await wire.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    await asyncio.wait_for(stage.proxy.settle(60), 5)
    assert stage.target.in_flight == 1
    await asyncio.wait_for(stage.proxy.drain(60), 5)
    assert (await wire.reader.read(4)) == GOING_AWAY


@secure
async def test_a_handshake_under_way_is_finished_and_its_request_answered(stage: Stage) -> None:
    await stage.start(ENDING)
    assert stage.listener is not None
    client = socket.create_connection(("127.0.0.1", stage.listener.port), timeout=10)
    await until(lambda: stage.proxy.connections == 1)
    draining = asyncio.ensure_future(stage.proxy.drain(10))

    def ask() -> bytes:
        context = trusting(hello())
        with context.wrap_socket(client, server_hostname="hello.localhost") as tls:
            tls.sendall(get())
            return tls.recv(15)

    assert (await asyncio.to_thread(ask)).startswith(b"HTTP/1.1 200")
    await asyncio.wait_for(draining, 10)


@secure
async def test_a_handshake_that_does_not_come_ends_soon(stage: Stage) -> None:
    await stage.start(ENDING)
    assert stage.listener is not None
    with socket.create_connection(("127.0.0.1", stage.listener.port), timeout=10):
        await until(lambda: stage.proxy.connections == 1)
        await asyncio.wait_for(stage.proxy.drain(60), 5)
