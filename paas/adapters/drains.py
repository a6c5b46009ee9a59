"""The places that output can be drained to: syslog by datagrams or streams, and HTTP.

Each connects when it has something to send, keeps its connection, and connects anew after
a failure. A datagram's arrival nobody confirms.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp

from paas.core.draining import (
    DrainTarget,
    SentLine,
    counted,
    json_object,
    syslog_message,
)
from paas.errors import Unavailable
from paas.ports import LineSink

SECONDS = 10.0
"""For one batch, with connecting."""
MEDIA = "application/x-ndjson"


def line_sink(target: DrainTarget) -> LineSink:
    """What sends to that place."""
    if target.scheme in ("http", "https"):
        return HttpSink(target.place)
    if target.scheme == "udp":
        return SyslogSink(lambda: _datagrams(target))
    return SyslogSink(lambda: _stream(target))


class SyslogSink:
    """Syslog over a socket that `connect` opens, with whether it takes a stream."""

    def __init__(self, connect: Callable[[], Awaitable[tuple[socket.socket, bool]]]) -> None:
        self._connect = connect
        self._socket: socket.socket | None = None
        self._streams = False
        self._host = socket.gethostname()

    async def send(self, lines: Sequence[SentLine]) -> None:
        """Raises `Unavailable` (`drain_away`)."""
        try:
            async with asyncio.timeout(SECONDS):
                await self._send(lines)
        except (OSError, TimeoutError) as error:
            await self.close()
            raise _away(error) from error

    async def close(self) -> None:
        own, self._socket = self._socket, None
        if own is not None:
            own.close()

    async def _send(self, lines: Sequence[SentLine]) -> None:
        loop = asyncio.get_running_loop()
        if self._socket is None or (self._streams and _ended(self._socket)):
            await self.close()
            self._socket, self._streams = await self._connect()
        messages = [syslog_message(line, self._host) for line in lines]
        if self._streams:
            await loop.sock_sendall(self._socket, b"".join(map(counted, messages)))
            return
        for message in messages:
            await loop.sock_sendall(self._socket, message)


class HttpSink:
    """NDJSON by POST. A user and password in the URL are sent as basic authentication."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None
        self._host = socket.gethostname()

    async def send(self, lines: Sequence[SentLine]) -> None:
        """Raises `Unavailable` (`drain_away`, `drain_refused`)."""
        if self._session is None:
            limit = aiohttp.ClientTimeout(total=SECONDS)
            self._session = aiohttp.ClientSession(timeout=limit)
        body = b"".join(json_object(line, self._host) for line in lines)
        try:
            request = self._session.post(
                self._url, data=body, headers={"Content-Type": MEDIA}, allow_redirects=False
            )
            async with request as response:
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _away(error) from error
        if not 200 <= status < 300:
            raise Unavailable(
                f"The place of logs.drain answered with {status}.",
                code="drain_refused",
                advice="See that it takes POST requests with lines of JSON.",
            )

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _datagrams(target: DrainTarget) -> tuple[socket.socket, bool]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[0]
    return await _connected(socket.socket(family, kind, protocol), address), False


async def _stream(target: DrainTarget) -> tuple[socket.socket, bool]:
    """Over TCP, or a unix socket of either kind (`/dev/log` has datagrams)."""
    if target.scheme == "unix":
        with contextlib.suppress(OSError):
            own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            return await _connected(own, target.place), False
        own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        return await _connected(own, target.place), True
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    return await _connected(socket.socket(family, kind, protocol), address), True


async def _connected(own: socket.socket, address: tuple[Any, ...] | str) -> socket.socket:
    own.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(own, address)
    except BaseException:
        own.close()
        raise
    return own


def _ended(own: socket.socket) -> bool:
    """Whether the other side closed: what is sent now would be lost without a word."""
    try:
        return not own.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _away(error: Exception) -> Unavailable:
    reason = str(error) or type(error).__name__
    return Unavailable(
        f"The place of logs.drain cannot be reached: {reason}.",
        code="drain_away",
        advice="See that it listens there, or change the setting logs.drain.",
    )
