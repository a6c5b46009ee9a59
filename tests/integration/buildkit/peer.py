"""The engine's side of a build session: an HTTP/2 client that calls our methods."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events

from paas.adapters.buildkit.grpc import GrpcConnection, Method
from paas.aio.tasks import Tasks

DEADLINE = 10.0


@dataclass(slots=True)
class Answer:
    """What came back on one stream so far."""

    data: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    ended: bool = False

    @property
    def status(self) -> int:
        return int(self.headers["grpc-status"])

    @property
    def messages(self) -> list[bytes]:
        found, rest = [], self.data
        while rest:
            size = int.from_bytes(rest[1:5])
            found.append(rest[5 : 5 + size])
            rest = rest[5 + size :]
        return found


class Peer:
    """Calls over one connection. `greedy`: gives back the room of what it has read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config=config)
        self.answers: dict[int, Answer] = {}
        self.greedy = True
        self.ended: int | None = None
        """Why the other end broke off."""

    def begin(self) -> None:
        self.h2.initiate_connection()
        self.flush()

    def call(self, path: str, message: bytes = b"", *, end: bool = True, **metadata: str) -> int:
        number = self.h2.get_next_available_stream_id()
        head = {":method": "POST", ":scheme": "http", ":authority": "x", ":path": path}
        self.h2.send_headers(number, [*head.items(), *metadata.items()])
        if message or end:
            framed = b"\0" + len(message).to_bytes(4) + message
            self.h2.send_data(number, framed, end_stream=end)
        self.answers[number] = Answer()
        self.flush()
        return number

    def flush(self) -> None:
        self._writer.write(self.h2.data_to_send())

    async def step(self) -> bool:
        """Read once; False at the end of the connection."""
        async with asyncio.timeout(DEADLINE):
            data = await self._reader.read(65536)
        for event in self.h2.receive_data(data) if data else ():
            self._handle(event)
        self.flush()
        return bool(data)

    async def answer(self, number: int) -> Answer:
        while not self.answers[number].ended:
            assert await self.step(), "the connection ended"
        return self.answers[number]

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            found = {str(name): str(value) for name, value in event.headers}
            self.answers[event.stream_id].headers |= found
        elif isinstance(event, h2.events.DataReceived):
            self.answers[event.stream_id].data += event.data
            if self.greedy:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.ended = int(event.error_code or 0)
        elif isinstance(event, h2.events.StreamEnded):
            self.answers[event.stream_id].ended = True


@asynccontextmanager
async def session(methods: Mapping[str, Method]) -> AsyncIterator[Peer]:
    """A peer whose other end serves `methods`."""
    ours, theirs = socket.socketpair()
    tasks = Tasks()
    served = GrpcConnection(*await asyncio.open_unix_connection(sock=ours), methods, tasks)
    task = tasks.spawn("serve", served.serve())
    reader, writer = await asyncio.open_unix_connection(sock=theirs)
    peer = Peer(reader, writer)
    peer.begin()
    try:
        yield peer
        writer.close()
        async with asyncio.timeout(DEADLINE):
            await task
    finally:
        writer.close()
        await tasks.close()
        theirs.close()
        ours.close()
