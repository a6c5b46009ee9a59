"""The prober, against real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from paas.adapters.probe import NetworkProber
from paas.core.spec import Probe
from paas.ports import Address

HTTP = Probe(http="/healthz?x=1")


@asynccontextmanager
async def answering(answer: bytes | None, seen: Callable[[bytes], None]) -> AsyncIterator[Address]:
    """A server with one answer; None never answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen(await reader.readuntil(b"\r\n\r\n"))
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 301 Moved\r\n\r\n", True),
        (b"HTTP/1.1 204\n\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False),
        (b"HTTP/1.1 503 X\r\n\r\n", False),
        (b"HTTP/1.1\r\n\r\n", False),
        (b"HTTP/1.1 abc\r\n\r\n", False),
        (b"SSH-2.0-x\r\n", False),
        (b"x" * 100_000, False),
        (b"x\n" * 1000, False),
        (b"", False),
        (None, False),
    ],
)
async def test_http(answer: bytes | None, *, expected: bool) -> None:
    requests: list[bytes] = []
    async with answering(answer, requests.append) as address:
        assert await NetworkProber().ready(address, HTTP, timeout=0.3) is expected
    assert requests[0].startswith(b"GET /healthz?x=1 HTTP/1.1\r\nHost: localhost\r\n")


async def test_a_path_cannot_add_to_the_request() -> None:
    requests: list[bytes] = []
    probe = Probe(http="a b\r\nX: 1\r\n\r\nGET /é")
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n", requests.append) as address:
        assert await NetworkProber().ready(address, probe, timeout=1)
    assert (
        requests[0].split(b"\r\n")[0] == b"GET /a%20b%0D%0AX:%201%0D%0A%0D%0AGET%20/%C3%A9 HTTP/1.1"
    )


async def test_tcp() -> None:
    async with answering(None, lambda _head: None) as address:
        assert await NetworkProber().ready(address, Probe(), timeout=1)
    assert not await NetworkProber().ready(address, Probe(), timeout=1)


async def test_a_host_that_swallows_packets_costs_the_timeout() -> None:
    started = time.monotonic()
    address = Address(host="192.0.2.1", port=80)
    assert not await NetworkProber().ready(address, Probe(), timeout=0.1)
    assert time.monotonic() - started < 1
