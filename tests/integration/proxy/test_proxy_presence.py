"""Clients that leave unnoticed: while nobody reads them, or after half an end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.proxy.conftest import Stage, over_both
from tests.integration.proxy.doors import publish
from tests.integration.proxy.origin import Line, Seen, reply
from tests.integration.proxy.wire import Wire, until
from tests.unit.http1.hostile import chunked, get, post

NOTICED = 1.0
"""Seconds within which a client's leaving must be known (with these tests' quick tick)."""
LARGE = 8_000_000


async def never_reads(_seen: Seen, line: Line) -> None:
    line.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's own
    await asyncio.Event().wait()


async def stuck_upload(stage: Stage) -> Wire:
    """The replica reads no more, so neither do we."""
    await stage.start()
    stage.origin.early = True
    stage.origin.answer = never_reads
    wire = await stage.wire()
    wire.send(post(b"Content-Length: %d" % LARGE, body=b"x" * (LARGE - 1)))
    await until(lambda: stage.target.in_flight == 1)
    return wire


async def cold_start(stage: Stage) -> Wire:
    await stage.start(ready=False)
    wire = await stage.wire()
    wire.send(post(b"Content-Length: %d" % LARGE, body=b"x" * 1_000_000))
    await until(lambda: stage.target.share.queued_bytes >= 64 * 1024)
    return wire


async def cold_start_in_chunks(stage: Stage) -> Wire:
    await stage.start(ready=False)
    wire = await stage.wire()
    wire.send(chunked(b"%x\r\n" % LARGE + b"x" * 1_000_000))
    await until(lambda: stage.target.share.queued_bytes >= 64 * 1024)
    return wire


async def held_in_maintenance(stage: Stage) -> Wire:
    await stage.start()
    publish(stage, maintenance="hold")
    wire = await stage.wire()
    wire.send(post(b"Content-Length: %d" % LARGE, body=b"x" * 1_000_000))
    await until(lambda: stage.proxy.counters.requests == 1)
    return wire


async def held_and_asking_first(stage: Stage) -> Wire:
    await stage.start()
    publish(stage, maintenance="hold")
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 5", b"Expect: 100-continue"))
    await until(lambda: stage.proxy.counters.requests == 1)
    return wire


async def pipelined(stage: Stage) -> Wire:
    """More requests than we keep are unread behind the one under way."""
    await stage.start()
    stage.origin.answer = never_reads
    wire = await stage.wire()
    wire.send(get() * 10_000)
    await until(lambda: stage.target.in_flight == 1)
    return wire


Scene = Callable[[Stage], Awaitable[Wire]]
UNREAD: list[Scene] = [
    stuck_upload,
    cold_start,
    cold_start_in_chunks,
    held_in_maintenance,
    held_and_asking_first,
    pipelined,
]


@over_both
@pytest.mark.parametrize("leave", [Wire.abandon, Wire.reset])
@pytest.mark.parametrize("scene", UNREAD)
async def test_one_that_nobody_reads_is_missed(
    stage: Stage, scene: Scene, leave: Callable[[Wire], None]
) -> None:
    wire = await scene(stage)
    leave(wire)
    await until(lambda: stage.proxy.counters.client_gone == 1, seconds=NOTICED)
    assert stage.target.in_flight == 0
    assert not stage.target.waiters
    assert stage.target.share.queued_bytes == 0


async def test_one_that_nobody_reads_and_that_stays_gets_its_answer(stage: Stage) -> None:
    wire = await cold_start(stage)
    wire.send(b"x" * (LARGE - 1_000_000))
    await until(lambda: stage.proxy.counters.requests == 1)
    assert await interim(wire) == b"HTTP/1.1 100 Continue\r\n\r\n"
    stage.ready(stage.origin)
    got = await wire.response(seconds=10)
    assert (got.status, len(got.body)) == (200, LARGE)


async def test_one_that_asked_first_gets_no_leave_from_us(stage: Stage) -> None:
    wire = await held_and_asking_first(stage)
    with pytest.raises(TimeoutError):
        await wire.bytes_until_end(seconds=0.6)
    publish(stage)
    wire.send(b"12345")
    got = await wire.response()
    assert (got.status, got.body) == (200, b"12345")


# ---- half an end


def streams(after: asyncio.Event) -> Callable[[Seen, Line], Awaitable[None]]:
    """Two events, the second one later."""

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await after.wait()
        line.send(b"data: 2\n\n")
        line.writer.close()

    return answer


async def test_a_half_closed_client_gets_a_stream_to_its_end(stage: Stage) -> None:
    """However long it is silent, within the idle limit: what is sent meanwhile to see
    whether the client is there is a chunk's leading zeros, which mean nothing.
    """
    await stage.start()
    after = asyncio.Event()
    stage.origin.answer = streams(after)
    wire = await stage.wire()
    wire.send(get())
    wire.end_sending()
    first = await read_until(wire, b"data: 1\n\n\r\n")
    zeros = await read_until(wire, b"00")
    after.set()
    rest = await wire.bytes_until_end()
    assert first.endswith(b"\r\n\r\n9\r\ndata: 1\n\n\r\n")
    assert (zeros + rest).lstrip(b"0") == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"


async def test_a_strict_reader_takes_the_zeros(stage: Stage) -> None:
    await stage.start()
    after = asyncio.Event()
    stage.origin.answer = streams(after)
    wire = await stage.wire()
    wire.send(get())
    wire.end_sending()
    asyncio.get_running_loop().call_later(0.5, after.set)
    got = await wire.response()
    assert got.body == b"data: 1\n\ndata: 2\n\n"


async def test_a_client_that_is_gone_is_missed_in_a_silent_stream(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = streams(asyncio.Event())
    wire = await stage.wire()
    wire.send(get())
    await read_until(wire, b"data: 1\n\n\r\n")
    wire.close()
    await until(lambda: stage.target.in_flight == 0, seconds=NOTICED)


@pytest.mark.parametrize("head", [b"Content-Length: 4\r\n", b""])
async def test_where_nothing_can_be_asked_silence_ends_it(stage: Stage, head: bytes) -> None:
    """An answer with a length, or one to HTTP/1.0: nothing fits in, so the client is
    believed until the idle limit.
    """
    await stage.start()
    stage.target.idle_timeout = 1.0

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\n%b\r\nab" % head)
        await asyncio.sleep(0.5)
        line.send(b"c")
        await line.closed()

    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(get() if head else b"GET / HTTP/1.0\r\nHost: hello.localhost\r\n\r\n")
    wire.end_sending()
    assert (await read_until(wire, b"abc")).endswith(b"\r\n\r\nabc")
    with pytest.raises(ConnectionError):
        await wire.bytes_until_end()
    assert stage.proxy.counters.cut == 1


async def read_until(wire: Wire, mark: bytes) -> bytes:
    async with asyncio.timeout(5):
        return await wire.reader.readuntil(mark)


async def interim(wire: Wire) -> bytes:
    return await read_until(wire, b"\r\n\r\n")


async def test_a_late_answer_after_half_an_end(stage: Stage) -> None:
    await stage.start()

    async def answer(_seen: Seen, line: Line) -> None:
        await asyncio.sleep(1.2)
        line.send(reply(b"late"))

    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(get())
    wire.end_sending()
    got = await wire.response()
    assert (got.status, got.body) == (200, b"late")
    assert len(got.interim) <= 4
