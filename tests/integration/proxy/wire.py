"""A client that sends raw bytes and reads answers with a strict parser."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import h11

DEADLINE = 5.0


@dataclass(kw_only=True)
class Got:
    status: int
    fields: list[tuple[str, str]]
    body: bytes = b""
    interim: list[int] = field(default_factory=list)
    version: str = "1.1"

    def field(self, name: str) -> str | None:
        found = [value for key, value in self.fields if key == name]
        assert len(found) <= 1, (name, found)
        return found[0] if found else None

    @property
    def code(self) -> str | None:
        return self.field("x-paas-error")


class Wire:
    """One connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._rest = b""

    @classmethod
    async def open(
        cls,
        port: int,
        *,
        receive_buffer: int | None = None,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
    ) -> "Wire":
        """`tls`: the client's context, and `name` the server name it asks for."""
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(loop.sock_connect(sock, ("127.0.0.1", port)), DEADLINE)
        except OSError:
            sock.close()
            raise
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(sock=sock, limit=65536, ssl=tls, server_hostname=name),
            DEADLINE,
        )
        return cls(reader, writer)

    @property
    def surplus(self) -> bytes:
        """What came behind the last answer and was read with it."""
        return self._rest

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def end_sending(self) -> None:
        self.writer.write_eof()

    def reset(self) -> None:
        """End with RST, as a crashed client does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def abandon(self) -> None:
        """End without RST and at once, whatever was not sent yet: as a client that is killed
        (its kernel goes on to send what it took over).
        """
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        self.writer.transport.abort()

    def drop(self) -> None:
        """End at once; one that has ended already is left alone. The built-in loop's TLS
        transport has nobody to tell by then, and up to Python 3.11.2 it fails at that.
        """
        with suppress(AttributeError):
            self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()

    async def response(self, method: str = "GET", *, seconds: float = DEADLINE) -> Got:
        """The next answer, complete. Raises `ConnectionError` when it is cut short."""
        async with asyncio.timeout(seconds):
            return await self._response(method)

    async def bytes_until_end(self, *, seconds: float = DEADLINE) -> bytes:
        """All that comes until a clean end. Raises `ConnectionError` on a reset."""
        async with asyncio.timeout(seconds):
            return self._rest + await self.reader.read()

    async def _response(self, method: str) -> Got:
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
        parser.send(h11.EndOfMessage())
        if self._rest:  # nothing would mean the end of the stream
            parser.receive_data(self._rest)
        interim: list[int] = []
        got: Got | None = None
        while True:
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError as error:
                raise ConnectionError(str(error)) from error
            if event is h11.NEED_DATA:
                parser.receive_data(await self.reader.read(65536))
            elif isinstance(event, h11.InformationalResponse):
                interim.append(event.status_code)
            elif isinstance(event, h11.Response):
                got = Got(
                    status=event.status_code,
                    fields=[(k.decode(), v.decode("latin-1")) for k, v in event.headers],
                    interim=interim,
                    version=event.http_version.decode(),
                )
            elif isinstance(event, h11.Data):
                assert got is not None
                got.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert got is not None
                self._rest = parser.trailing_data[0]
                return got
            else:
                raise ConnectionError("ended without an answer")


async def until(condition: Callable[[], bool], *, seconds: float = DEADLINE) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
