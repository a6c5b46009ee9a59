"""Nobody takes all: one client, one service, or many that are slow on purpose."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from paas.core.routing import Route
from paas.http1.limits import Limits
from paas.live.board import Board, Slot
from paas.proxy import refusals
from paas.proxy.intake import descriptors, fitting
from tests.integration.proxy.conftest import QUICK, Stage, over_both
from tests.integration.proxy.origin import Line, Origin, Seen, reply
from tests.integration.proxy.wire import until
from tests.unit.http1.hostile import get, post

CROWD = 150
LARGE = 64 * 1024 * 1024


async def silent(_seen: Seen, line: Line) -> None:
    await line.closed()


class TestServices:
    async def test_one_that_hangs_leaves_room_for_the_others(self, stage: Stage) -> None:
        stage.board = Board(asyncio.get_running_loop().time, requests_per_service=3)
        stage.target = stage.board.target("v1", service="hello", version="hello-001")
        stage.board.put_routes("s1", {"hello.localhost": stage.route})
        await stage.start()
        other = await self.another(stage)
        stage.origin.answer = silent
        stage.target.concurrency = 2
        wires = [await stage.wire() for _ in range(3)]
        for wire in wires:
            wire.send(get())
        await until(lambda: stage.target.share.open == 3)
        assert (stage.target.in_flight, len(stage.target.waiters)) == (2, 1)
        got = await stage.ask(get())
        assert (got.status, got.code, got.field("retry-after")) == (503, "service_full", "1")
        well = b"GET / HTTP/1.1\r\nHost: other.localhost\r\n\r\n"
        assert (await stage.ask(well)).status == 200
        wires[0].reset()
        await until(lambda: stage.target.share.open == 2)
        await other.stop()

    async def another(self, stage: Stage) -> Origin:
        origin = Origin()
        await origin.start()
        stage.board.target("v2", service="other", version="other-001")
        stage.board.add_slot("v2", Slot("r2", "127.0.0.1", origin.port))
        route = Route(key="s2", service="other", schedule=("v2",))
        stage.board.put_routes("s2", {"other.localhost": route})
        return origin


class TestAddresses:
    async def test_a_proxy_in_front_is_nobody_in_particular(self, stage: Stage) -> None:
        limits = replace(QUICK, connections_per_address=1)
        await stage.start(limits, trusted=("127.0.0.0/8",))
        for _ in range(3):
            wire = await stage.wire()
            wire.send(get())
            assert (await wire.response()).status == 200


class TestFitting:
    def test_each_connection_may_need_two_descriptors(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        most = fitting(Limits(connections=10_000_000)).connections
        assert most <= descriptors() // 2
        (record,) = caplog.records
        assert "fewer connections" in record.message

    def test_what_is_left_open_follows(self, caplog: pytest.LogCaptureFixture) -> None:
        limits = fitting(Limits(connections=100, requests_per_service=7))
        assert (limits.connections, limits.connections_per_address) == (100, 50)
        assert (limits.requests_per_service, limits.tunnels_per_service) == (7, 25)
        assert caplog.records == []


async def small_or_large(seen: Seen, line: Line) -> None:
    if seen.target != "/large":
        return line.send(reply(b"ok"))
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
    for _ in range(LARGE // 65536):
        line.send(bytes(65536))
        await line.writer.drain()
    return None


async def slow_heads(stage: Stage) -> None:
    for _ in range(CROWD):
        (await stage.wire()).send(b"GET / HTTP/1.1\r\nHost: hello")


async def slow_bodies(stage: Stage) -> None:
    for _ in range(CROWD):
        (await stage.wire()).send(post(b"Content-Length: 1000", body=b"x"))
    await until(lambda: stage.target.in_flight == CROWD)


async def slow_readers(stage: Stage) -> None:
    for _ in range(CROWD // 5):
        wire = await stage.wire(receive_buffer=4096)
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's own
        wire.send(b"GET /large HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
    await until(lambda: stage.target.in_flight == CROWD // 5)


async def idlers(stage: Stage) -> None:
    for _ in range(CROWD):
        await stage.wire()


@pytest.mark.parametrize("crowd", [slow_heads, slow_bodies, slow_readers, idlers])
async def test_a_slow_crowd_harms_nobody_else_and_ends(
    stage: Stage, crowd: Callable[[Stage], Awaitable[None]]
) -> None:
    seconds = 1.0
    await stage.start(
        Limits(
            tick_seconds=0.02,
            head_seconds=seconds,
            body_seconds=seconds,
            write_seconds=seconds,
            keepalive_seconds=seconds,
        )
    )

    stage.origin.answer = small_or_large
    await crowd(stage)
    loop, times = asyncio.get_running_loop(), []
    for _ in range(20):
        began = loop.time()
        assert (await stage.ask(get())).status == 200
        times.append(loop.time() - began)
    assert max(times) < 0.5
    await until(lambda: stage.proxy.connections == 0)
    assert stage.target.in_flight == 0


@over_both
async def test_who_asks_on_in_spite_of_refusals_is_read_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "UNSLOWED", 3)
    await stage.start(Limits(tick_seconds=0.1))
    stage.target.share.limit = 0
    wire, clock = await stage.wire(), asyncio.get_running_loop().time
    began = clock()
    for _ in range(12):
        wire.send(get())
        assert (await wire.response()).code == "service_full"
    assert clock() - began >= 0.15  # at most four in a tick
    stage.target.share.limit = 100
    wire.send(get())
    assert (await wire.response()).status == 200
