"""What is no HTTP, or no request at all, at the API's listener."""

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from paas.api.http_server import Room, Runner
from tests.integration.api.rig import World

GARBAGE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Odd: se\x00cret\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: secret\r\n\r\n",
    b"GET / HTTP/9.9 secret\r\n\r\n",
    b"secret /v1/health\r\n\r\n",
)

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def talk(paas: World, sent: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Status line, header fields and body of the one answer, after which it closes."""
    reader, writer = await asyncio.open_unix_connection(paas.socket)
    writer.write(sent)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    pairs = (one.decode().partition(": ") for one in fields)
    return first, {name.lower(): value for name, _, value in pairs}, body


@pytest.mark.parametrize("sent", GARBAGE)
async def test_what_is_no_http_is_a_problem_that_repeats_nothing(
    paas: World, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        first, fields, body = await talk(paas, sent)
    assert first.startswith(b"HTTP/1.0 400 ")
    assert fields["content-type"] == "application/problem+json"
    assert fields["server"] == "paas"
    assert json.loads(body)["code"] == "bad_request"
    assert b"secret" not in body
    assert not caplog.records


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/services?q=" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/services HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n",
    ],
    ids=["url", "field"],
)
async def test_a_long_line_is_told_as_such(paas: World, sent: bytes) -> None:
    first, _, body = await talk(paas, sent)
    assert first.startswith(b"HTTP/1.0 431 ")
    assert json.loads(body)["code"] == "head_too_large"


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: local"], ids=["silent", "half"])
async def test_who_sends_no_request_is_not_waited_for(sent: bytes) -> None:
    async with serving(kept_open=0.05) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_without_a_descriptor_to_spare_there_is_room_for_nobody() -> None:
    async with serving(room=Room(descriptor=0)) as address:
        assert await asked(address) == (503, "too_many_connections")


async def test_who_finds_no_room_is_told_and_the_others_go_on() -> None:
    async with serving(room=Room(connections=2)) as address:
        held = [await asyncio.open_connection(*address) for _ in range(2)]
        assert await asked(address) == (503, "too_many_connections")
        for reader, writer in held:
            writer.write(ASK)
            async with asyncio.timeout(5):
                assert b" 404 " in await reader.readline()
            writer.close()
        async with asyncio.timeout(5):
            while (await asked(address))[0] == 503:  # until it is seen that they left
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[str, int]]:
    """An API without calls, on a port of its own."""
    runner = Runner(web.Application(), shutdown_timeout=0.1, **options)
    await runner.setup()
    own = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, own).start()
    try:
        yield own.getsockname()
    finally:
        await runner.cleanup()


async def asked(address: tuple[str, int]) -> tuple[int, str]:
    """The status and our own code of an answer on a new connection."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(ASK)
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    status = int(head.split()[1])
    return status, json.loads(body)["code"] if status == 503 else ""


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_cannot_be_unpacked_is_no_news(
    paas: World, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = (
        "POST /v1/services HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Encoding: {encoding}\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
    )
    with caplog.at_level(logging.INFO):
        first, _, body = await talk(paas, head.encode() + b"oops")
    assert first.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "malformed_json"
    assert not caplog.records


async def test_a_packed_body_counts_as_what_it_unpacks_to(paas: World) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await paas.call("POST", "/v1/services", data=bomb, headers=headers)
    assert (answer.status, answer.json["code"]) == (413, "too_large")
