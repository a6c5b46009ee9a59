"""Every hostile request over a real socket, and a positive control for the checks."""

import asyncio
from typing import cast

import pytest

from tests.integration.proxy.conftest import Stage
from tests.integration.proxy.origin import Origin
from tests.integration.proxy.wire import Wire, until
from tests.unit.http1.hostile import HOSTILE

BODY_CASES = ("10", "11", "12", "13", "14")
"""Their head is good, so it may have been forwarded before the body turned bad."""


async def check_refused(name: str, wire: Wire, origin: Origin) -> None:
    data, status = HOSTILE[name]
    wire.send(data)
    got = await wire.response(seconds=2)
    assert got.status == status
    assert got.code
    assert got.field("connection") == "close"
    assert await wire.bytes_until_end() == b""
    if name.split(maxsplit=1)[0] in BODY_CASES:
        await until(lambda: origin.open == 0)
        assert not any(seen.complete for seen in origin.seen)
    else:
        assert origin.bytes_seen == 0
    assert origin.problems == []


@pytest.mark.parametrize("name", HOSTILE)
async def test_refused_and_closed_and_well_afterwards(stage: Stage, name: str) -> None:
    await stage.start()
    await check_refused(name, await stage.wire(), stage.origin)
    await stage.check_well()


class Copier(asyncio.Protocol):
    """Half of a proxy that reads nothing and copies everything."""

    def __init__(self, far: asyncio.Transport | None = None) -> None:
        self.near: asyncio.Transport | None = None
        self.far = far

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.near = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.far is not None:
            self.far.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.far is not None:
            self.far.abort()


@pytest.mark.parametrize(
    "name",
    ["1 length then coding", "2 two lengths", "19 HTTP/2.0", "26 user info", "13 LF after data"],
)
async def test_the_checks_find_a_proxy_that_only_copies(stage: Stage, name: str) -> None:
    await stage.start()
    loop = asyncio.get_running_loop()
    to_client = Copier()
    replica, to_origin = await loop.create_connection(Copier, "127.0.0.1", stage.origin.port)
    to_client.far = replica
    server = await loop.create_server(lambda: to_client, "127.0.0.1", 0)
    wire = await Wire.open(server.sockets[0].getsockname()[1])
    stage.wires.append(wire)
    await until(lambda: to_client.near is not None)
    to_origin.far = to_client.near
    with pytest.raises((AssertionError, ConnectionError, TimeoutError)):
        await check_refused(name, wire, stage.origin)
    server.close()
    await server.wait_closed()
    replica.abort()
    wire.writer.transport.abort()
    await until(lambda: stage.origin.open == 0)
