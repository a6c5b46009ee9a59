"""Taking over a connection of the engine's, over TCP, with engines that behave oddly."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from paas.adapters.docker_api import DockerApi
from paas.adapters.docker_upgrade import HEAD_LIMIT, upgrade
from paas.errors import Failed, Unavailable

VERSION = json.dumps({"Version": "20.10", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}).encode()
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nearly"


class Engine:
    """Answers `/version`, and everything else with `said`."""

    server: asyncio.Server

    def __init__(self, said: bytes) -> None:
        self.said = said
        self.heads: list[bytes] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" /version " in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n" % len(VERSION) + VERSION)
        else:
            self.heads.append(head)
            writer.write(self.said)
            if self.said.startswith(SWITCHED):
                writer.write(b" echo " + await reader.readexactly(4))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def engine(said: bytes) -> AsyncIterator[tuple[DockerApi, Engine]]:
    made = Engine(said)
    server = made.server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    api = DockerApi(f"tcp://127.0.0.1:{port}")
    try:
        yield api, made
    finally:
        await api.close()
        server.close()


async def test_an_upgraded_connection_is_ours() -> None:
    headers = {"X-Name": "a", "X-Method": ["/one", "/two"]}
    async with engine(SWITCHED) as (api, seen):
        reader, writer = await upgrade(api, "session", protocol="h2c", headers=headers)
        writer.write(b"ping")
        assert await reader.read() == b"early echo ping"
        writer.close()
    (head,) = seen.heads
    assert head.startswith(b"POST /v1.41/session HTTP/1.1\r\n")
    for line in (b"Upgrade: h2c", b"X-Name: a", b"X-Method: /one", b"X-Method: /two"):
        assert b"\r\n" + line + b"\r\n" in head


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 1010 What\r\n\r\n",
        b"\r\n\r\n",
        b"",
        b"HTTP/1.1 101 cut short",
        b"X" * (2 * HEAD_LIMIT),
    ],
)
async def test_an_engine_without_sessions(said: bytes) -> None:
    async with engine(said) as (api, _):
        with pytest.raises(Failed) as raised:
            await upgrade(api, "session", protocol="h2c", headers={})
        assert raised.value.code == "no_upgrade"


async def test_an_engine_that_is_gone() -> None:
    async with engine(b"") as (api, seen):
        await api.version()
        seen.server.close()
        await seen.server.wait_closed()
        with pytest.raises(Unavailable) as raised:
            await upgrade(api, "session", protocol="h2c", headers={})
        assert raised.value.code == "engine_unreachable"
