"""A recording origin: a strict parser (h11) reads what the proxy forwards."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import h11

from paas.aio.tasks import Tasks
from tests.strict import Seen, check_forwarded, text
from tests.strict import seen as seen_of
from tests.unit.http1.answers import reply

__all__ = ["Answer", "Line", "Origin", "Seen", "echo", "reply", "sends"]


@dataclass(kw_only=True)
class Line:
    """The origin's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    raw: bytearray = field(default_factory=bytearray)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def reset(self) -> None:
        """End with RST, as a crashed server does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()

    async def closed(self) -> None:
        """Returns when the proxy ended the connection."""
        while await self.reader.read(65536):
            pass


Answer = Callable[[Seen, Line], Awaitable[None]]


async def echo(seen: Seen, line: Line) -> None:
    line.send(reply(seen.body or b"ok"))


def sends(data: bytes, *, close: bool = False) -> Answer:
    """Always that answer, as raw bytes."""

    async def answer(_seen: Seen, line: Line) -> None:
        line.send(data)
        if close:
            line.writer.close()

    return answer


class Origin:
    """`answer` is called when a request is complete, or with `early` when its head is."""

    def __init__(self) -> None:
        self.answer: Answer = echo
        self.early = False
        self.accept_delay = 0.0
        self.seen: list[Seen] = []
        self.problems: list[str] = []
        self.lines: list[Line] = []
        self.open = 0
        self.port = 0
        self._tasks = Tasks()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in self.lines:
            line.writer.transport.abort()
        await self._tasks.close()

    @property
    def serving(self) -> bool:
        return self._server is not None and self._server.is_serving()

    @property
    def bytes_seen(self) -> int:
        return sum(len(line.raw) for line in self.lines)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader=reader, writer=writer)
        self.lines.append(line)
        self._tasks.spawn("origin", self._serve(line))

    async def _serve(self, line: Line) -> None:
        self.open += 1
        try:
            rest: bytes | None = b""
            while rest is not None:
                rest = await self._one(line, rest)
        except ConnectionError:
            pass
        except (h11.RemoteProtocolError, AssertionError) as error:
            self.problems.append(str(error))
        finally:
            self.open -= 1
            line.writer.close()

    async def _one(self, line: Line, rest: bytes) -> bytes | None:
        """Serve one request; what came after it, None when the connection ended."""
        parser = h11.Connection(h11.SERVER)
        if rest:  # nothing would mean the end of the stream
            parser.receive_data(rest)
        seen: Seen | None = None
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                data = await line.reader.read(65536)
                if not data:
                    return None
                line.raw += data
                parser.receive_data(data)
            elif isinstance(event, h11.Request):
                seen = seen_of(event)
                self.seen.append(seen)
                check_forwarded(seen)
                if self.early:
                    await self.answer(seen, line)
            elif isinstance(event, h11.Data):
                assert seen is not None
                seen.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert seen is not None
                assert not text(event.headers), "trailers"
                seen.complete = True
                if not self.early:
                    await self.answer(seen, line)
                return parser.trailing_data[0]
            else:
                return None
