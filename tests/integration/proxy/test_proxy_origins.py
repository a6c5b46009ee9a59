"""Answers: streaming, interim ones, bad origins, retries, silence."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from paas.http1.limits import Limits
from paas.live.board import Slot
from tests.integration.proxy.conftest import Stage, over_both
from tests.integration.proxy.origin import Line, Seen, reply, sends
from tests.integration.proxy.wire import until
from tests.unit.http1.hostile import chunked, get, post

OK = b"HTTP/1.1 200 OK\r\n"


@over_both
async def test_an_answer_streams_piece_by_piece(stage: Stage) -> None:
    await stage.start()
    go_on = asyncio.Event()

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await go_on.wait()
        line.send(b"6\r\nsecond\r\n0\r\nTrailer: dropped\r\n\r\n")

    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(get())
    async with asyncio.timeout(5):
        first = await wire.reader.readuntil(b"first\r\n")
    assert b"Transfer-Encoding: chunked" in first
    go_on.set()
    async with asyncio.timeout(5):
        assert await wire.reader.readuntil(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"
    await stage_goes_on(stage)


async def stage_goes_on(stage: Stage) -> None:
    stage.origin.answer = sends(reply(b"ok"))
    stage.origin.early = False
    await stage.check_well()


async def test_until_close_becomes_chunks(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(OK + b"\r\n" + b"until the end", close=True)
    wire = await stage.wire()
    wire.send(get())
    assert (await wire.response()).body == b"until the end"
    wire.send(get())
    assert (await wire.response()).body == b"until the end"
    assert stage.proxy.idle_upstreams == 0


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 10\r\n\r\n12345",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nnonsense\r\n",
    ],
)
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@over_both
@pytest.mark.case(56)
async def test_a_cut_answer_never_looks_complete(
    stage: Stage, answer: bytes, version: bytes
) -> None:
    await stage.start()
    stage.origin.answer = sends(answer, close=True)
    wire = await stage.wire()
    wire.send(get().replace(b"HTTP/1.1", b"HTTP/" + version))
    with pytest.raises(ConnectionError):
        await wire.bytes_until_end()
    assert stage.proxy.counters.cut == 1
    await stage_goes_on(stage)


@pytest.mark.case(57)
async def test_late_surplus_closes_the_idle_connection(stage: Stage) -> None:
    await stage.start()
    await stage.ask(get())
    assert stage.proxy.idle_upstreams == 1
    stage.origin.lines[0].send(reply(b"forged"))
    await until(lambda: stage.proxy.idle_upstreams == 0)
    await stage_goes_on(stage)


@pytest.mark.case(51)
async def test_interim_answers_pass_on_in_http_1_1_only(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + reply(b"ok")
    )
    got = await stage.ask(get())
    assert (got.interim, got.body) == ([103], b"ok")
    got = await stage.ask(get().replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (got.interim, got.body) == ([], b"ok")


@over_both
@pytest.mark.case(49)
async def test_expect_is_forwarded_and_answered_once(stage: Stage) -> None:
    await stage.start()

    async def answer(seen: Seen, line: Line) -> None:
        assert seen.field("expect") == "100-continue"
        line.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0)
        line.send(reply(b"ok"))

    stage.origin.early = True
    stage.origin.answer = answer
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 5", b"Expect: 100-continue"))
    async with asyncio.timeout(5):
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b"12345")
    assert (await wire.response()).body == b"ok"


@over_both
@pytest.mark.case(50)
async def test_a_final_answer_before_the_body_closes(stage: Stage) -> None:
    await stage.start()
    stage.origin.early = True
    stage.origin.answer = sends(reply(b"no", b"413 Too Large"))
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 500000", b"Expect: 100-continue"))
    got = await wire.response()
    assert (got.status, got.field("connection")) == (413, "close")
    assert await wire.bytes_until_end() == b""
    assert stage.proxy.idle_upstreams == 0
    await stage_goes_on(stage)


# ---- retries


async def closes(_seen: Seen, line: Line) -> None:
    line.writer.close()


@pytest.mark.case(63)
async def test_a_dead_pooled_connection_is_replaced(stage: Stage) -> None:
    await stage.start()
    await stage.ask(get())
    answers = iter([closes, sends(reply(b"again"))])

    async def answer(seen: Seen, line: Line) -> None:
        await next(answers)(seen, line)

    stage.origin.answer = answer
    got = await stage.ask(post(b"Content-Length: 3", body=b"abc").replace(b"POST", b"PUT"))
    assert got.body == b"again"
    assert stage.origin.seen[-1].body == b"abc"
    assert stage.proxy.counters.retries == 1


@pytest.mark.parametrize(("method", "requests"), [(b"POST", 1), (b"PATCH", 1), (b"GET", 2)])
@pytest.mark.case(59, 63)
async def test_closed_without_an_answer(stage: Stage, method: bytes, requests: int) -> None:
    await stage.start()
    stage.origin.answer = closes
    got = await stage.ask(get().replace(b"GET", method))
    assert (got.status, got.code) == (502, "upstream_reset")
    assert len(stage.origin.seen) == requests
    await stage_goes_on(stage)


@pytest.mark.case(63)
async def test_never_again_after_a_byte_of_the_answer(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(b"HTTP/1.1 2", close=True)
    got = await stage.ask(get())
    assert (got.status, got.code) == (502, "upstream_reset")
    assert len(stage.origin.seen) == 1


@pytest.mark.case(63)
async def test_never_again_once_the_body_was_streamed(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = closes
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 6", body=b"123").replace(b"POST", b"PUT"))
    await until(lambda: bool(stage.origin.seen) and stage.origin.seen[0].body == b"123")
    wire.send(b"456")
    assert (await wire.response()).code == "upstream_reset"
    assert len(stage.origin.seen) == 1


@pytest.mark.case(63)
async def test_a_silent_reset_goes_to_another_replica(stage: Stage) -> None:
    await stage.start()
    other = await stage.another("r2")
    stage.origin.answer = closes
    other.answer = closes
    first = await stage.ask(get())
    assert first.code == "upstream_reset"
    assert len(stage.origin.seen) == len(other.seen) == 1


@pytest.mark.case(63)
async def test_a_refused_connection_goes_elsewhere_even_for_post(stage: Stage) -> None:
    await stage.start(ready=False)
    suspects: list[str] = []
    stage.board.on_suspect = lambda _version, replica: suspects.append(replica)
    port = stage.origin.port
    await stage.origin.stop()
    stage.board.add_slot("v1", Slot("dead", "127.0.0.1", port))
    other = await stage.another("r2")
    got = await stage.ask(post(b"Content-Length: 3", body=b"abc"))
    assert (got.status, got.body) == (200, b"abc")
    assert other.seen[0].complete
    assert suspects == ["dead"]
    assert got.field("x-paas-cold-start") is None


async def test_after_the_last_replica_refused_the_request_waits(stage: Stage) -> None:
    await stage.start(ready=False)
    port = stage.origin.port
    await stage.origin.stop()
    stage.board.add_slot("v1", Slot("dead", "127.0.0.1", port))
    wire = await stage.wire()
    wire.send(chunked(b"3\r\nabc\r\n0\r\n\r\n"))
    await until(lambda: len(stage.target.waiters) == 1)
    await stage.another("r2")
    got = await wire.response()
    assert got.body == b"abc"
    assert got.field("x-paas-cold-start") is not None


@pytest.mark.case(59)
async def test_three_refusals_are_enough(stage: Stage) -> None:
    await stage.start(ready=False)
    port = stage.origin.port
    await stage.origin.stop()
    for name in ("a", "b", "c", "d"):
        stage.board.add_slot("v1", Slot(name, "127.0.0.1", port))
    got = await stage.ask(get())
    assert (got.status, got.code) == (502, "upstream_refused")
    assert [slot.accepting for slot in stage.target.slots] == [False, False, False, True]
    assert stage.target.in_flight == 0


class Deaf:
    """An address whose queue of connections is full: connecting to it hangs."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port: int = self._server.getsockname()[1]
        self._filling = [socket.socket() for _ in range(4)]
        for one in self._filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))

    def close(self) -> None:
        for one in [self._server, *self._filling]:
            one.close()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    address = Deaf()
    yield address
    address.close()


async def test_a_connection_that_hangs_is_given_up(stage: Stage, deaf: Deaf) -> None:
    await stage.start(Limits(tick_seconds=0.02, connect_seconds=0.2), ready=False)
    stage.board.add_slot("v1", Slot("deaf", "127.0.0.1", deaf.port))
    other = await stage.another("r2")
    got = await stage.ask(post(b"Content-Length: 3", body=b"abc"))
    assert got.body == b"abc"
    assert len(other.seen) == 1
    assert [slot.accepting for slot in stage.target.slots] == [False, True]


async def test_a_client_that_leaves_while_we_connect(stage: Stage, deaf: Deaf) -> None:
    await stage.start(Limits(tick_seconds=0.02, connect_seconds=0.3), ready=False)
    slot = Slot("deaf", "127.0.0.1", deaf.port)
    stage.board.add_slot("v1", slot)
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 200000", body=b"x" * 1000))
    await until(lambda: slot.in_flight == 1)
    wire.reset()
    await until(lambda: slot.in_flight == 0)
    stage.board.remove_slot("v1", "deaf")
    stage.ready(stage.origin)
    await stage.check_well()


# ---- silence


async def silent(_seen: Seen, line: Line) -> None:
    await line.closed()


@pytest.mark.case(59)
async def test_a_silent_origin_is_504(stage: Stage) -> None:
    await stage.start()
    stage.target.idle_timeout = 0.1
    stage.origin.answer = silent
    wire = await stage.wire()
    wire.send(get())
    got = await wire.response()
    assert (got.status, got.code) == (504, "upstream_timeout")
    await until(lambda: stage.origin.open == 0)
    await stage_goes_on(stage)


@pytest.mark.case(56)
async def test_silence_within_an_answer_aborts(stage: Stage) -> None:
    await stage.start()
    stage.target.idle_timeout = 0.1

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(OK + b"Content-Length: 10\r\n\r\n12345")
        await line.closed()

    stage.origin.answer = answer
    with pytest.raises(ConnectionError):
        await stage.ask(get())
    await stage_goes_on(stage)


async def test_a_slow_but_living_answer_has_all_the_time(stage: Stage) -> None:
    await stage.start()
    stage.target.idle_timeout = 0.2

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(OK + b"Content-Length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(0.05)
            line.send(b"x")

    stage.origin.answer = answer
    assert (await stage.ask(get())).body == b"x" * 10


async def test_idle_upstream_connections_are_closed(stage: Stage) -> None:
    await stage.start(Limits(tick_seconds=0.02, pool_seconds=0.1))
    await stage.ask(get())
    await until(lambda: stage.origin.open == 0)
    assert stage.proxy.idle_upstreams == 0


async def test_a_slot_that_leaves_takes_its_connections_along(stage: Stage) -> None:
    await stage.start()
    await stage.ask(get())
    stage.board.drain("v1", "r1")
    await until(lambda: stage.origin.open == 0)
    assert stage.proxy.idle_upstreams == 0
