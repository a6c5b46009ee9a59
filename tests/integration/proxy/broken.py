"""Proxies that do what ours must not: the positive control of the checks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from tests.integration.proxy.wire import Wire

Change = Callable[[bytes], bytes]


OURS = (
    b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Real-IP: 127.0.0.1\r\n"
    b"X-Forwarded-Host: hello.localhost\r\nForwarded: for=127.0.0.1\r\n"
    b"X-Request-Id: 1\r\nX-Paas-Hops: 1\r\n"
)


def copied(data: bytes) -> bytes:
    """As it came, with the fields a replica is promised."""
    line, end, rest = data.partition(b"\r\n")
    return line + end + OURS + rest if b" HTTP/1." in line else data


def tidied(data: bytes) -> bytes:
    """Repairs what it should refuse, as helpful servers do."""
    mended = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return copied(mended.replace(b" :", b":").replace(b"\0", b""))


def unchanged(data: bytes) -> bytes:
    return data


class _Half(asyncio.Protocol):
    """One direction: what comes in goes out at the far end, changed perhaps."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._early = b""
        self.near: asyncio.Transport | None = None
        self.far: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.near = cast("asyncio.Transport", transport)

    def join(self, far: asyncio.Transport) -> None:
        self.far = far
        far.write(self._change(self._early))

    def data_received(self, data: bytes) -> None:
        if self.far is None:
            self._early += data
        elif not self.far.is_closing():
            self.far.write(self._change(data))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.far is not None:
            self.far.close()


@asynccontextmanager
async def broken_proxy(port: int, change: Change = copied) -> AsyncIterator[Wire]:
    """One connection through a proxy that reads nothing and copies everything."""
    loop = asyncio.get_running_loop()
    client, origin = _Half(change), _Half(unchanged)
    server = await loop.create_server(lambda: client, "127.0.0.1", 0)
    wire = await Wire.open(server.sockets[0].getsockname()[1])
    try:
        async with asyncio.timeout(5):
            to_origin, _ = await loop.create_connection(lambda: origin, "127.0.0.1", port)
            while client.near is None:
                await asyncio.sleep(0.001)
            client.join(to_origin)
            origin.join(client.near)
        yield wire
    finally:
        server.close()
        for transport in (wire.writer.transport, client.near, origin.near):
            if transport is not None:
                transport.abort()
