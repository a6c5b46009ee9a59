"""Calls of a build session, over real sockets."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from paas.adapters.buildkit.grpc import (
    INTERNAL,
    NOT_FOUND,
    OK,
    REQUEST_LIMIT,
    RESOURCE_EXHAUSTED,
    UNIMPLEMENTED,
    Call,
    GrpcError,
    Method,
)
from tests.integration.buildkit.peer import DEADLINE, session


async def echo(call: Call) -> AsyncGenerator[bytes, None]:
    yield call.request
    yield call.metadata.get("word", "").encode()


async def refuse(_call: Call) -> AsyncGenerator[bytes, None]:
    yield b"first"
    raise GrpcError(NOT_FOUND, "there is none")


async def breaks(_call: Call) -> AsyncGenerator[bytes, None]:
    yield b"first"
    raise ValueError("a mistake of ours")


class Source:
    """Yields without end; counts what was taken, and whether it was ended."""

    def __init__(self) -> None:
        self.taken = 0
        self.ended = asyncio.Event()

    async def answer(self, _call: Call) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                self.taken += 1
                yield bytes(10_000)
        finally:
            self.ended.set()


async def test_a_call_is_answered() -> None:
    async with session({"/a/Echo": Method(answer=echo)}) as peer:
        first = await peer.answer(peer.call("/a/Echo", b"hello", word="there"))
        assert (first.status, first.messages) == (OK, [b"hello", b"there"])
        assert first.headers["content-type"] == "application/grpc"


async def test_calls_side_by_side_and_failing_ones() -> None:
    methods = {"/a/Echo": Method(answer=echo), "/a/Refuse": Method(answer=refuse)}
    async with session(methods) as peer:
        numbers = [peer.call(path) for path in ("/a/Echo", "/a/Refuse", "/a/Unknown")]
        found = [await peer.answer(number) for number in numbers]
        assert [one.status for one in found] == [OK, NOT_FOUND, UNIMPLEMENTED]
        assert found[1].messages == [b"first"]
        assert found[1].headers["grpc-message"] == "there is none"


async def test_a_mistake_of_ours_ends_the_call_alone() -> None:
    methods = {"/a/Break": Method(answer=breaks), "/a/Echo": Method(answer=echo)}
    async with session(methods) as peer:
        assert (await peer.answer(peer.call("/a/Break"))).status == INTERNAL
        assert (await peer.answer(peer.call("/a/Echo"))).status == OK


async def test_a_stream_is_answered_before_its_request_ends() -> None:
    async with session({"/a/Now": Method(answer=echo, at_once=True)}) as peer:
        found = await peer.answer(peer.call("/a/Now", end=False, word="early"))
        assert found.messages == [b"", b"early"]


async def test_a_request_has_a_limit_and_must_be_whole() -> None:
    async with session({"/a/Echo": Method(answer=echo)}) as peer:
        number = peer.call("/a/Echo", end=False)
        left = REQUEST_LIMIT + 1
        while left:
            size = min(left, 16_000, peer.h2.local_flow_control_window(number))
            if not size:
                await peer.step()
                continue
            peer.h2.send_data(number, bytes(size))
            peer.flush()
            left -= size
        assert (await peer.answer(number)).status == RESOURCE_EXHAUSTED
        number = peer.call("/a/Echo", end=False)
        peer.h2.send_data(number, b"\0\0\0\0\x09abc", end_stream=True)
        peer.flush()
        assert (await peer.answer(number)).status == UNIMPLEMENTED


async def test_no_more_is_made_than_the_peer_takes() -> None:
    source = Source()
    async with session({"/a/Source": Method(answer=source.answer, at_once=True)}) as peer:
        peer.greedy = False
        number = peer.call("/a/Source", end=False)
        while len(peer.answers[number].data) < 65_535:
            await peer.step()
        assert source.taken == 7
        peer.h2.acknowledge_received_data(65_535, number)
        peer.flush()
        while len(peer.answers[number].data) < 2 * 65_535:
            await peer.step()
        assert source.taken == 14


@pytest.mark.parametrize("whole", [False, True])
async def test_a_call_that_is_not_wanted_any_more_ends(*, whole: bool) -> None:
    source = Source()
    async with session({"/a/Source": Method(answer=source.answer, at_once=True)}) as peer:
        peer.greedy = False
        number = peer.call("/a/Source", end=False)
        while not peer.answers[number].data:
            await peer.step()
        if not whole:
            peer.h2.reset_stream(number)
            peer.flush()
            async with asyncio.timeout(DEADLINE):
                await source.ended.wait()
    async with asyncio.timeout(DEADLINE):
        await source.ended.wait()


async def test_what_breaks_the_protocol_ends_the_session() -> None:
    async with session({"/a/Echo": Method(answer=echo)}) as peer:
        peer._writer.write(b"\0\0\1\0\0\0\0\0\0x")  # data on stream 0
        while await peer.step():
            pass
        assert peer.ended is not None
