"""Queueing at a cold start, back-pressure, clients that leave, slow clients, draining."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from paas.http1.limits import Limits
from paas.live.leases import QUEUE_BYTES
from tests.integration.proxy.conftest import Stage, over_both
from tests.integration.proxy.origin import Line, Seen, reply, sends
from tests.integration.proxy.wire import Wire, until
from tests.unit.http1.hostile import chunked, get, post


async def silent(_seen: Seen, line: Line) -> None:
    await line.closed()


class Memory:
    """How much of it the process has come to use, at the most, since this was made."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._before = self._peak()

    def grown(self) -> int:
        """KiB."""
        return self._peak() - self._before

    def _peak(self) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


# ---- cold start


@over_both
async def test_requests_wait_for_the_first_replica(stage: Stage) -> None:
    await stage.start(ready=False)
    demands: list[str] = []
    stage.board.on_demand = demands.append
    wires = [await stage.wire() for _ in range(5)]
    for number, wire in enumerate(wires):
        wire.send(post(b"Content-Length: 1", body=b"%d" % number))
    await until(lambda: len(stage.target.waiters) == 5)
    assert demands == ["v1"] * 5
    stage.ready(stage.origin)
    for number, wire in enumerate(wires):
        got = await wire.response()
        assert got.body == b"%d" % number
        assert int(got.field("x-paas-cold-start") or 0) >= 1
        wire.send(get())
        assert (await wire.response()).field("x-paas-cold-start") is None
    await stage.check_well()


@over_both
async def test_waiters_are_released_as_capacity_appears(stage: Stage) -> None:
    await stage.start(ready=False)
    stage.target.concurrency = 1
    most = 0

    async def answer(_seen: Seen, line: Line) -> None:
        nonlocal most
        most = max(most, stage.target.in_flight)
        line.send(reply(b"ok"))

    stage.origin.answer = answer
    wires = [await stage.wire() for _ in range(8)]
    for wire in wires:
        wire.send(get())
    await until(lambda: len(stage.target.waiters) == 8)
    stage.ready(stage.origin)
    for wire in wires:
        assert (await wire.response()).status == 200
    assert most == 1
    assert len(stage.origin.lines) == 1


@over_both
@pytest.mark.case(62)
async def test_a_waiting_body_is_bounded_and_counted(stage: Stage) -> None:
    await stage.start(ready=False)
    wire = await stage.wire()
    size = 8_000_000
    wire.send(post(b"Content-Length: %d" % size, body=b"x" * size))
    await until(lambda: stage.target.share.queued_bytes >= 64 * 1024)
    assert await stage.steady(lambda: stage.target.share.queued_bytes) <= 512 * 1024
    stage.ready(stage.origin)
    got = await wire.response()
    assert len(got.body) == size
    assert stage.target.share.queued_bytes == 0


@over_both
@pytest.mark.case(62)
async def test_no_room_for_a_waiting_body(stage: Stage) -> None:
    await stage.start(ready=False)
    stage.target.share.queued_bytes = QUEUE_BYTES - 2
    for data in (
        post(b"Content-Length: 5", body=b"12345"),
        chunked(b"5\r\n12345\r\n0\r\n\r\n"),
    ):
        got = await stage.ask(data)
        assert (got.status, got.code, got.field("retry-after")) == (503, "queue_full", "1")
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 5"))
    await until(lambda: len(stage.target.waiters) == 1)
    wire.send(b"12345")
    assert (await wire.response()).code == "queue_full"
    assert not stage.target.waiters


@over_both
@pytest.mark.case(59, 62)
async def test_the_queue_is_bounded(stage: Stage) -> None:
    await stage.start(ready=False)
    stage.target.concurrency = 1
    wires = [await stage.wire() for _ in range(101)]
    for wire in wires:
        wire.send(get())
    await until(lambda: stage.proxy.counters.errors == {"queue_full": 1})
    assert len(stage.target.waiters) == 100


@over_both
@pytest.mark.case(59)
async def test_a_start_that_takes_too_long(stage: Stage) -> None:
    await stage.start(ready=False)
    stage.target.wait_limit = 0.1
    got = await stage.ask(get())
    assert (got.status, got.code, got.field("retry-after")) == (503, "start_timeout", "5")
    stage.target.broken = True
    assert (await stage.ask(get())).code == "start_failed"
    stage.target.broken = False
    wire = await stage.wire()
    wire.send(get())
    await until(lambda: len(stage.target.waiters) == 1)
    stage.board.remove_target("v1")
    assert (await wire.response()).code == "no_such_host"


@over_both
@pytest.mark.case(64)
async def test_a_waiter_that_leaves_frees_its_place(stage: Stage) -> None:
    await stage.start(ready=False)
    for leave in (Wire.close, Wire.reset):
        wire = await stage.wire()
        wire.send(get())
        await until(lambda: len(stage.target.waiters) == 1)
        leave(wire)
        await until(lambda: not stage.target.waiters, seconds=1.5)


# ---- back-pressure


@over_both
@pytest.mark.case(62)
async def test_upload_to_a_slow_origin_in_constant_memory(stage: Stage) -> None:
    await stage.start()
    go_on = asyncio.Event()
    size = 64 * 1024 * 1024

    async def answer(_seen: Seen, line: Line) -> None:
        await go_on.wait()
        rest = size
        while rest:
            rest -= len(await line.reader.read(1 << 20))
        line.send(reply(b"done"))
        line.close()

    stage.origin.early = True
    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(post(b"Content-Length: %d" % size))
    await until(lambda: len(stage.origin.seen) == 1)
    sent = 0
    block = b"x" * 65536

    async def push() -> None:
        nonlocal sent
        while sent < size:
            wire.writer.write(block)
            await wire.writer.drain()
            sent += len(block)

    memory = Memory()
    pushing = asyncio.ensure_future(push())
    assert await stage.steady(lambda: sent) < 24 * 1024 * 1024
    go_on.set()
    await asyncio.wait_for(pushing, 20)
    assert (await wire.response()).body == b"done"
    assert memory.grown() < 20 * 1024


@over_both
@pytest.mark.case(62)
async def test_download_to_a_slow_client_in_constant_memory(stage: Stage) -> None:
    await stage.start()
    size = 64 * 1024 * 1024
    sent = 0

    async def answer(_seen: Seen, line: Line) -> None:
        nonlocal sent
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = b"x" * 65536
        while sent < size:
            line.send(block)
            await line.writer.drain()
            sent += len(block)

    stage.origin.answer = answer
    memory = Memory()
    wire = await stage.wire(receive_buffer=65536)
    wire.send(get())
    async with asyncio.timeout(20):
        await wire.reader.readuntil(b"\r\n\r\n")
        assert await stage.steady(lambda: sent) < 24 * 1024 * 1024
        received = 0
        while received < size:
            received += len(await wire.reader.read(1 << 20))
    assert received == size
    assert memory.grown() < 20 * 1024


@over_both
@pytest.mark.case(60)
async def test_a_client_that_never_reads_is_cut(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, write_seconds=0.2))
    stage.origin.answer = sends(reply(b"x" * 30_000_000))
    wire = await stage.wire(receive_buffer=4096)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's own
    wire.send(get())
    await until(lambda: stage.proxy.counters.cut == 1)
    stage.origin.answer = sends(reply(b"ok"))
    await until(lambda: stage.target.in_flight == 0)
    await stage.check_well()


@pytest.mark.case(53)
async def test_pipelined_requests_are_bounded(stage: Stage) -> None:
    await stage.start()
    go_on = asyncio.Event()

    async def answer(seen: Seen, line: Line) -> None:
        await go_on.wait()
        line.send(reply(seen.target.encode()))

    stage.origin.answer = answer
    wire = await stage.wire()
    count = 8000
    request = b"GET /%d HTTP/1.1\r\nHost: hello.localhost\r\nX: " + b"x" * 1000 + b"\r\n\r\n"
    wire.send(b"".join(request % number for number in range(count)))
    await until(lambda: len(stage.origin.seen) == 1)
    assert await stage.steady(wire.writer.transport.get_write_buffer_size) > 1_000_000
    go_on.set()
    for number in range(count):
        assert (await wire.response()).body == b"/%d" % number


@pytest.mark.case(53, 62)
async def test_pipelined_answers_nobody_reads_are_bounded(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(reply(b"x" * 200_000))
    wire = await stage.wire(receive_buffer=4096)
    wire.send(get() * 500)
    wire.end_sending()
    await until(lambda: len(stage.origin.seen) > 1)
    assert await stage.steady(lambda: len(stage.origin.seen)) < 100
    for _ in range(500):
        assert len((await wire.response()).body) == 200_000
    assert await wire.bytes_until_end() == b""


# ---- slow and leaving clients


@over_both
@pytest.mark.case(60)
async def test_a_head_has_its_time(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, head_seconds=0.1))
    wire = await stage.wire()
    wire.send(b"GET / HT")
    got = await wire.response()
    assert (got.status, got.code) == (408, "request_timeout")
    assert await wire.bytes_until_end() == b""


@over_both
@pytest.mark.case(60)
async def test_a_slow_head_cannot_buy_time_byte_by_byte(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, head_seconds=0.2))
    wire = await stage.wire()
    for byte in b"GET / HTTP/1.1\r\nHost: ":
        if stage.proxy.counters.errors:
            break
        wire.send(bytes([byte]))
        await asyncio.sleep(0.02)
    assert (await wire.response()).status == 408


@over_both
@pytest.mark.case(60)
async def test_idle_connections_are_closed(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, keepalive_seconds=0.1))
    fresh, used = await stage.wire(), await stage.wire()
    used.send(get())
    assert (await used.response()).status == 200
    assert await fresh.bytes_until_end() == b""
    assert await used.bytes_until_end() == b""
    await until(lambda: stage.proxy.connections == 0)


@over_both
@pytest.mark.case(60)
async def test_a_slow_body_is_408(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, body_seconds=0.1))
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 10", body=b"1"))
    got = await wire.response()
    assert (got.status, got.code) == (408, "request_timeout")
    await until(lambda: stage.origin.open == 0)
    await stage.check_well()


@pytest.mark.parametrize("leave", [Wire.close, Wire.reset])
@over_both
@pytest.mark.case(64)
async def test_a_client_that_leaves_frees_the_replica(
    stage: Stage, leave: Callable[[Wire], None]
) -> None:
    await stage.start()
    stage.origin.answer = silent
    wire = await stage.wire()
    wire.send(get())
    await until(lambda: len(stage.origin.seen) == 1)
    leave(wire)
    await until(lambda: stage.origin.open == 0, seconds=1.5)
    assert stage.target.in_flight == 0
    assert stage.proxy.counters.client_gone == 1


@over_both
@pytest.mark.case(64)
async def test_a_client_that_leaves_a_quiet_stream(stage: Stage) -> None:
    await stage.start()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n")
        await line.closed()

    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(get())
    async with asyncio.timeout(5):
        await wire.reader.readuntil(b"hello")
    wire.close()
    await until(lambda: stage.target.in_flight == 0, seconds=1.5)


@pytest.mark.case(64)
async def test_a_half_closed_client_still_gets_its_answers(stage: Stage) -> None:
    await stage.start()

    async def answer(_seen: Seen, line: Line) -> None:
        await asyncio.sleep(0.7)
        line.send(reply(b"late"))

    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(get() + get())
    wire.end_sending()
    assert (await wire.response()).body == b"late"
    assert (await wire.response()).body == b"late"
    assert await wire.bytes_until_end() == b""


async def test_a_half_closed_fast_answer_is_plain(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(get())
    wire.end_sending()
    raw = await wire.bytes_until_end()
    assert raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert raw.endswith(b"ok")


async def test_an_answer_of_our_own_outlives_the_end_that_came_with_its_request(
    stage: Stage,
) -> None:
    await stage.start()
    wire = await stage.wire()
    unknown = b"GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n"
    wire.send(unknown * 3)
    wire.end_sending()
    raw = await wire.bytes_until_end()
    assert raw.count(b"HTTP/1.1 404 Not Found\r\n") == 3
    assert raw.endswith(b"}\n")


@pytest.mark.case(15)
async def test_a_body_cut_short_is_never_complete(stage: Stage) -> None:
    await stage.start()
    for data in (post(b"Content-Length: 10", body=b"123"), chunked(b"3\r\n123\r\n")):
        wire = await stage.wire()
        wire.send(data)
        await until(lambda: bool(stage.origin.seen) and stage.origin.seen[-1].body == b"123")
        wire.end_sending()
        await until(lambda: stage.origin.open == 0)
        assert not stage.origin.seen[-1].complete
        assert await wire.bytes_until_end() == b""
        stage.origin.seen.clear()


@pytest.mark.case(15)
async def test_a_head_cut_short_is_closed(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(b"GET / HTTP/1.1\r\nHost")
    wire.end_sending()
    assert await wire.bytes_until_end() == b""


# ---- draining


@over_both
async def test_drain_finishes_what_is_under_way(stage: Stage) -> None:
    await stage.start()
    go_on = asyncio.Event()

    async def answer(_seen: Seen, line: Line) -> None:
        await go_on.wait()
        line.send(reply(b"finished"))

    stage.origin.answer = answer
    idle, busy = await stage.wire(), await stage.wire()
    busy.send(get())
    await until(lambda: len(stage.origin.seen) == 1)
    draining = asyncio.ensure_future(stage.proxy.drain(5))
    assert await idle.bytes_until_end() == b""
    with pytest.raises(ConnectionRefusedError):
        await stage.wire()
    go_on.set()
    got = await busy.response()
    assert (got.body, got.field("connection")) == (b"finished", "close")
    await asyncio.wait_for(draining, 2)


@over_both
async def test_drain_cuts_at_the_end(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = silent
    wire = await stage.wire()
    wire.send(get())
    await until(lambda: len(stage.origin.seen) == 1)
    await asyncio.wait_for(stage.proxy.drain(0.2), 2)
    with pytest.raises(ConnectionError):
        await wire.response()
    assert stage.target.in_flight == 0
