"""A WebSocket that stays open, and how it ended."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HELLO = b"\x81\x82\x00\x00\x00\x00hi"
_GOODBYE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
_HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_CLOSE = 8
ABNORMAL = 1006
"""Ended without a close frame (RFC 6455, section 7.1.5)."""


class WebSocket:
    """`code` is the close code once it ended, `ended_at` (monotonic) when."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.heard = 0
        self.code = 0
        self.ended_at = 0.0

    @property
    def open(self) -> bool:
        return self.code == 0

    def say(self) -> None:
        """Something that the program answers."""
        if self.open:
            self._writer.write(HELLO)

    async def listen(self) -> None:
        """Until it ends."""
        while self.open:
            self.code = await self._frame()
        self.ended_at = time.monotonic()

    def close(self) -> None:
        if self.open:
            self._writer.write(_GOODBYE)
        self._writer.close()

    async def _frame(self) -> int:
        """The next short frame; its code if it is a close frame."""
        try:
            kind, size = await self._reader.readexactly(2)
            payload = await self._reader.readexactly(size & 0x7F)
        except (OSError, EOFError):
            return ABNORMAL
        self.heard += 1
        return int.from_bytes(payload[:2], "big") if kind & 0xF == _CLOSE else 0


@asynccontextmanager
async def opened(address: tuple[str, int], host: str) -> AsyncIterator[WebSocket]:
    """One that was accepted, and is listened to."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(_HANDSHAKE.format(host=host).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"no WebSocket: {head!r}")
    socket = WebSocket(reader, writer)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(socket.listen())
        try:
            yield socket
        finally:
            socket.close()
            listening.cancel()
