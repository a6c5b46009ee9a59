"""A client of HTTP/2 that another library speaks for (h2), or that sends raw frames."""

import asyncio
import ssl
from collections import defaultdict
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.errors import ErrorCodes

from tests.certificates import trusting
from tests.integration.proxy.conftest import Stage, hello
from tests.integration.proxy.wire import DEADLINE, Got, Wire

Fields = list[tuple[str, str]]


def fields(
    method: str = "GET", path: str = "/x", host: str = "hello.localhost", **more: str
) -> Fields:
    """A request's fields; `_` in a name stands for `-`."""
    pseudo = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
    return pseudo + [(name.replace("_", "-"), value) for name, value in more.items()]


def speaking_h2() -> ssl.SSLContext:
    context = trusting(hello())
    context.set_alpn_protocols(["h2"])
    return context


class Multiplex:
    """One connection. It reads only within its own calls; windows are given back as soon as
    data was read unless `greedy` is turned off.
    """

    def __init__(self, wire: Wire) -> None:
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        self.wire = wire
        self.greedy = True
        self.heads: dict[int, Fields] = {}
        self.interim: dict[int, list[int]] = defaultdict(list)
        self.bodies: dict[int, bytearray] = defaultdict(bytearray)
        self.ended: set[int] = set()
        self.resets: dict[int, ErrorCodes | int] = {}
        self.goodbyes: list[tuple[int, ErrorCodes | int]] = []
        self.closed = False

    @classmethod
    async def open(cls, stage: Stage, *, receive_buffer: int | None = None) -> "Multiplex":
        assert stage.listener is not None
        wire = await Wire.open(
            stage.listener.port,
            tls=speaking_h2(),
            name="hello.localhost",
            receive_buffer=receive_buffer,
        )
        stage.wires.append(wire)
        assert wire.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        client = cls(wire)
        client.h2.initiate_connection()
        client.flush()
        await client.until(lambda: client.h2.remote_settings.max_concurrent_streams == 100)
        return client

    # ---- sending

    def flush(self) -> None:
        self.wire.send(self.h2.data_to_send())

    def begin(self, given: Fields, *, ended: bool = True) -> int:
        stream: int = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, given, end_stream=ended)
        self.flush()
        return stream

    def dare(self) -> None:
        """Begin more streams at a time from now on than the server allows."""
        self.h2.remote_settings.max_concurrent_streams = 10_000
        self.h2.remote_settings.acknowledge()

    async def upload(self, stream: int, data: bytes) -> None:
        """All of it, as the windows allow, and the end."""
        while data:
            await self.until(lambda: self.room(stream) > 0 or stream in self.resets)
            if stream in self.resets:
                return
            size = min(len(data), self.room(stream), 16384)
            self.h2.send_data(stream, data[:size])
            data = data[size:]
            self.flush()
        self.h2.end_stream(stream)
        self.flush()

    def room(self, stream: int) -> int:
        return int(self.h2.local_flow_control_window(stream))

    # ---- reading

    async def read(self) -> None:
        """What comes next; nothing more when the connection ended."""
        data = await asyncio.wait_for(self.wire.reader.read(65536), DEADLINE)
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(data):
            self._take_in(event)
        self.flush()

    async def until(self, done: Any) -> None:
        async with asyncio.timeout(DEADLINE):
            while not done():
                assert not self.closed, "the connection ended"
                await self.read()

    async def until_closed(self) -> None:
        async with asyncio.timeout(DEADLINE):
            while not self.closed:
                try:
                    await self.read()
                except ConnectionError:
                    self.closed = True

    async def answer(self, stream: int) -> Got:
        await self.until(lambda: stream in self.ended or stream in self.resets)
        assert stream not in self.resets, self.resets[stream]
        return self.got(stream)

    def got(self, stream: int) -> Got:
        """What came so far."""
        (_, status), *rest = self.heads[stream]
        return Got(
            status=int(status),
            fields=rest,
            body=bytes(self.bodies[stream]),
            interim=self.interim[stream],
            version="2",
        )

    async def ask(self, given: Fields | None = None) -> Got:
        return await self.answer(self.begin(given or fields()))

    # ---- private

    def _take_in(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self.heads[event.stream_id] = list(event.headers)  # type: ignore[arg-type]
        elif isinstance(event, h2.events.InformationalResponseReceived):
            self.interim[event.stream_id].append(int(event.headers[0][1]))
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            if self.greedy and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goodbyes.append((event.last_stream_id, event.error_code))
            # the library takes it for the end, but what is under way goes on (section 6.8)
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
