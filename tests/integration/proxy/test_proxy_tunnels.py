"""Upgrades: only WebSocket, only after 101, with back-pressure, limits and goodbyes."""

import asyncio
from collections.abc import Callable

import pytest

from paas.http1.frames import CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED
from paas.http1.limits import Limits
from tests.integration.proxy.conftest import Stage, over_both
from tests.integration.proxy.doors import publish
from tests.integration.proxy.origin import Line, Seen, reply, sends
from tests.integration.proxy.wire import Wire, until
from tests.unit.http1.hostile import get

ASK = get(b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: abc")
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade, X-Secret\r\nX-Secret: 1\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Accept: def\r\n\r\n"
)
FRAME = b"\x81\x02hi"


async def echoes(_seen: Seen, line: Line) -> None:
    line.send(SWITCH + FRAME)
    while data := await line.reader.read(65536):
        line.raw += data
        line.send(data)
    line.writer.write_eof()


async def opened(stage: Stage, early: bytes = b"") -> Wire:
    wire = await stage.wire()
    wire.send(ASK + early)
    async with asyncio.timeout(5):
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert await wire.reader.readexactly(len(FRAME)) == FRAME
    assert head == (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: def\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    return wire


async def read(wire: Wire, size: int) -> bytes:
    async with asyncio.timeout(5):
        return await wire.reader.readexactly(size)


@pytest.mark.case(42, 46)
async def test_bytes_pass_both_ways_and_count_as_in_flight(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = echoes
    wire = await opened(stage)
    wire.send(FRAME)
    assert await read(wire, 4) == FRAME
    assert stage.target.in_flight == 1
    (seen,) = stage.origin.seen
    assert (seen.field("upgrade"), seen.field("connection")) == ("websocket", "Upgrade")
    wire.end_sending()
    assert await wire.bytes_until_end() == b""
    await until(lambda: stage.target.in_flight == 0)
    await until(lambda: stage.proxy.connections == 0)
    assert stage.proxy.idle_upstreams == 0


@over_both
@pytest.mark.case(44)
async def test_no_client_byte_is_tunnelled_before_101(stage: Stage) -> None:
    await stage.start()
    go_on = asyncio.Event()

    async def answer(seen: Seen, line: Line) -> None:
        await go_on.wait()
        await echoes(seen, line)

    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(ASK + FRAME)
    await until(lambda: len(stage.origin.seen) == 1)
    assert stage.origin.lines[0].raw.endswith(b"\r\n\r\n")
    go_on.set()
    async with asyncio.timeout(5):
        await wire.reader.readuntil(b"\r\n\r\n")
    assert await read(wire, 8) == FRAME + FRAME


@over_both
@pytest.mark.case(45)
async def test_an_ordinary_answer_to_an_upgrade(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(reply(b"no", b"426 Upgrade Required"))
    wire = await stage.wire()
    for _ in range(2):
        wire.send(ASK)
        assert (await wire.response()).status == 426
    assert len(stage.origin.lines) == 1


@pytest.mark.case(43)
async def test_h2c_is_no_upgrade(stage: Stage) -> None:
    await stage.start()
    got = await stage.ask(
        get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA")
    )
    assert got.status == 200
    (seen,) = stage.origin.seen
    assert not {"upgrade", "http2-settings", "connection"} & {name for name, _ in seen.fields}


@pytest.mark.case(45)
async def test_a_101_for_something_else_is_502(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(SWITCH.replace(b"websocket", b"h2c"))
    got = await stage.ask(ASK)
    assert (got.status, got.code) == (502, "upstream_invalid")
    assert stage.target.in_flight == 0


@pytest.mark.parametrize("leave", [Wire.reset, Wire.close])
@over_both
@pytest.mark.case(48)
async def test_a_client_that_leaves_ends_both_sides(
    stage: Stage, leave: Callable[[Wire], None]
) -> None:
    await stage.start()
    stage.origin.answer = echoes
    wire = await opened(stage)
    leave(wire)
    await until(lambda: stage.origin.open == 0)
    await until(lambda: stage.target.in_flight == 0)


@pytest.mark.parametrize("leave", [Line.reset, Line.close])
@over_both
@pytest.mark.case(48)
async def test_a_replica_that_leaves_ends_both_sides(
    stage: Stage, leave: Callable[[Line], None]
) -> None:
    await stage.start()
    stage.origin.answer = echoes
    wire = await opened(stage)
    leave(stage.origin.lines[0])
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await read(wire, 1)
    await until(lambda: stage.target.in_flight == 0)


@pytest.mark.case(48)
async def test_half_close_is_passed_on(stage: Stage) -> None:
    await stage.start()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(SWITCH + FRAME)
        await line.closed()
        line.send(b"\x81\x03bye")
        line.writer.write_eof()

    stage.origin.answer = answer
    wire = await opened(stage)
    wire.end_sending()
    assert await wire.bytes_until_end() == b"\x81\x03bye"


@over_both
@pytest.mark.case(48)
async def test_much_data_with_back_pressure(stage: Stage) -> None:
    await stage.start()
    size = 20_000_000

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(SWITCH + FRAME)
        line.send(b"\x82\x7f" + size.to_bytes(8, "big") + b"x" * size)
        await line.closed()

    stage.origin.answer = answer
    wire = await opened(stage)
    data = await read(wire, size + 10)
    assert data[10:] == b"x" * size


async def test_much_data_towards_a_slow_replica(stage: Stage) -> None:
    await stage.start()
    size = 20_000_000
    go_on = asyncio.Event()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(SWITCH + FRAME)
        await go_on.wait()
        line.raw += await line.reader.readexactly(size)
        line.send(FRAME)
        await line.closed()

    stage.origin.answer = answer
    wire = await opened(stage)
    wire.send(b"x" * size)
    assert await stage.steady(wire.writer.transport.get_write_buffer_size) > 1_000_000
    go_on.set()
    assert await read(wire, 4) == FRAME


@over_both
@pytest.mark.case(48)
async def test_silence_ends_a_tunnel_with_a_goodbye(stage: Stage) -> None:
    await stage.start()
    stage.target.idle_timeout = 0.2
    stage.origin.answer = echoes
    wire = await opened(stage)
    assert await wire.bytes_until_end() == CLOSE_GOING_AWAY
    await until(lambda: stage.origin.open == 0)
    assert stage.origin.lines[0].raw.endswith(CLOSE_GOING_AWAY_MASKED)
    assert stage.target.in_flight == 0


@over_both
@pytest.mark.case(48)
async def test_drain_says_goodbye_between_frames_only(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = echoes
    whole, torn = await opened(stage), await opened(stage)
    torn.send(FRAME[:3])
    assert await read(torn, 3) == FRAME[:3]
    await asyncio.wait_for(stage.proxy.drain(0.3), 5)
    assert await read(whole, 4) == CLOSE_GOING_AWAY
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await read(torn, 4)
    assert stage.target.in_flight == 0


async def test_a_replica_that_is_cut_off_says_goodbye_to_both(stage: Stage) -> None:
    """At its drain limit a slot leaves, whatever is open; another slot's tunnels go on."""
    await stage.start()
    stage.origin.answer = echoes
    wire = await opened(stage)
    other = await stage.another("r2")
    other.answer = echoes
    stays = await opened(stage)
    stage.board.drain("v1", "r1")
    stage.board.remove_slot("v1", "r1")
    assert await read(wire, 4) == CLOSE_GOING_AWAY
    await until(lambda: stage.origin.lines[0].raw.endswith(CLOSE_GOING_AWAY_MASKED))
    wire.send(CLOSE_GOING_AWAY_MASKED)
    assert await wire.bytes_until_end(seconds=0.5) == b""
    await until(lambda: stage.origin.open == 0)
    stays.send(FRAME)
    assert await read(stays, 4) == FRAME
    assert stage.target.in_flight == 1


async def test_a_goodbye_waits_for_the_end_of_the_frame_and_is_the_last(stage: Stage) -> None:
    await stage.start()
    go_on = asyncio.Event()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(SWITCH + FRAME + FRAME[:3])
        await go_on.wait()
        line.send(FRAME[3:] + FRAME)
        await line.closed()

    stage.origin.answer = answer
    wire = await opened(stage)
    assert await read(wire, 3) == FRAME[:3]
    stage.board.remove_slot("v1", "r1")
    go_on.set()
    assert await wire.bytes_until_end() == FRAME[3:] + CLOSE_GOING_AWAY
    await until(lambda: stage.target.in_flight == 0)


async def test_a_client_that_does_not_read_its_goodbye_is_cut(stage: Stage) -> None:
    await stage.start()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(SWITCH + FRAME + b"\x82\x7f" + (8 << 20).to_bytes(8, "big") + b"x" * (8 << 20))
        await line.closed()

    stage.origin.answer = answer
    wire = await opened(stage)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's own
    stage.board.remove_slot("v1", "r1")
    await until(lambda: stage.target.in_flight == 0)


async def test_a_tunnel_has_an_age(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, tunnel_seconds=0.2))
    stage.origin.answer = echoes
    wire = await opened(stage)
    answered = 0
    async with asyncio.timeout(5):
        while True:
            wire.send(FRAME)
            if await wire.reader.readexactly(4) == CLOSE_GOING_AWAY:
                break
            answered += 1
            await asyncio.sleep(0.02)
    assert answered > 3


async def test_a_service_has_a_number_of_tunnels(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, tunnels_per_service=2))
    stage.origin.answer = echoes
    first, _second = await opened(stage), await opened(stage)
    got = await stage.ask(ASK)
    assert (got.status, got.code) == (503, "too_many_websockets")
    assert got.field("retry-after") == "5"
    assert len(stage.origin.seen) == 2
    first.close()
    await until(lambda: stage.target.in_flight == 1)
    await opened(stage)


async def test_those_that_open_at_the_same_moment_are_counted_too(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, tunnels_per_service=1))
    go_on = asyncio.Event()

    async def answer(seen: Seen, line: Line) -> None:
        await go_on.wait()
        await echoes(seen, line)

    stage.origin.answer = answer
    wires = [await stage.wire() for _ in range(2)]
    for wire in wires:
        wire.send(ASK)
    await until(lambda: len(stage.origin.seen) == 2)
    go_on.set()
    async with asyncio.timeout(5):
        heads = [(await wire.reader.readuntil(b"\r\n"))[9:12] for wire in wires]
    assert sorted(heads) == [b"101", b"503"]
    await until(lambda: stage.target.in_flight == 1)


@over_both
@pytest.mark.case(48)
async def test_a_drained_replica_that_ends_says_goodbye(stage: Stage) -> None:
    await stage.start()
    stop = asyncio.Event()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(SWITCH + FRAME)
        await stop.wait()
        line.writer.close()

    stage.origin.answer = answer
    wire = await opened(stage)
    stage.board.drain("v1", "r1")
    stop.set()
    assert await read(wire, 4) == CLOSE_GOING_AWAY
    wire.close()
    await until(lambda: stage.target.in_flight == 0)
    assert stage.target.slots == []


async def test_its_record_is_written_at_its_end(stage: Stage) -> None:
    await stage.start()
    publish(stage, request_log=True)
    stage.board.requests.keep("hello")
    stage.origin.answer = echoes
    wire = await opened(stage)
    wire.send(FRAME * 3)
    assert await read(wire, 12) == FRAME * 3
    assert stage.board.requests.recent("hello", limit=1) == []
    wire.close()
    await until(lambda: stage.target.in_flight == 0)
    (record,) = stage.board.requests.recent("hello", limit=2)
    assert (record.status, record.error, record.replica) == (101, "", "r1")
    assert (record.received, record.sent) == (3 * len(FRAME), 4 * len(FRAME))
    assert record.seconds > 0
