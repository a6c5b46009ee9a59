"""gRPC calls answered on one connection that the engine turned around: it asks, we answer.

Memory is bounded: a request has a limit, an answer is made piece by piece, and the next
piece only once the peer's window and the socket have taken the one before. A call whose
stream the peer resets is cancelled. What waits here is bounded by the build's deadline.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from paas.aio.tasks import Tasks

log = logging.getLogger(__name__)

REQUEST_LIMIT = 64 * 1024
MOST_CALLS = 64
OK, NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 5, 8, 12, 13
_READ = 64 * 1024
_PREFIX = 5
_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
_MOST_TEXT = 200


class GrpcError(Exception):
    """How a call failed: a status of gRPC and a constant text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: `metadata` are its header fields, `request` the first message."""

    metadata: Mapping[str, str]
    request: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """`answer` yields the messages; `at_once`: before the request has been sent."""

    answer: Callable[[Call], AsyncGenerator[bytes, None]]
    at_once: bool = False


@dataclass(slots=True, kw_only=True)
class _Stream:
    method: Method
    metadata: Mapping[str, str]
    body: bytearray = field(default_factory=bytearray)
    task: "asyncio.Task[None] | None" = None


class GrpcConnection:
    """Answers `methods` by path; all others as unimplemented."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        methods: Mapping[str, Method],
        tasks: Tasks,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._methods = methods
        self._tasks = tasks
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config=config)
        self._streams: dict[int, _Stream] = {}
        self._room = asyncio.Event()

    async def serve(self) -> None:
        """Until the peer ends the connection or breaks the protocol; calls that still run
        are cancelled then.
        """
        code = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS
        self._h2.local_settings[code] = MOST_CALLS
        self._h2.initiate_connection()
        try:
            self._write()
            while data := await self._reader.read(_READ):
                for event in self._h2.receive_data(data):
                    self._handle(event)
                self._write()
        except (OSError, h2.exceptions.ProtocolError) as error:
            self._write()
            log.info("build session broke", extra={"error": f"{type(error).__name__}: {error}"})
        finally:
            for stream in self._streams.values():
                if stream.task is not None:
                    stream.task.cancel()
            self._writer.close()

    def _handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived():
                self._begin(event)
            case h2.events.DataReceived():
                self._receive(event)
            case h2.events.StreamEnded():
                self._ended(event.stream_id)
            case h2.events.StreamReset():
                self._reset(event.stream_id)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._room.set()
            case _:
                pass

    def _begin(self, event: h2.events.RequestReceived) -> None:
        metadata = {str(name): str(value) for name, value in event.headers}
        method = self._methods.get(metadata.get(":path", ""))
        if method is None:
            self._refuse(event.stream_id, UNIMPLEMENTED, "not served here")
            return
        stream = self._streams[event.stream_id] = _Stream(method=method, metadata=metadata)
        if method.at_once:
            self._answer(event.stream_id, stream)

    def _receive(self, event: h2.events.DataReceived) -> None:
        length, stream = event.flow_controlled_length, self._streams.get(event.stream_id)
        with suppress(h2.exceptions.StreamClosedError):
            self._h2.acknowledge_received_data(length, event.stream_id)
        if stream is None or stream.task is not None:
            return
        stream.body += event.data
        if len(stream.body) > REQUEST_LIMIT:
            del self._streams[event.stream_id]
            self._refuse(event.stream_id, RESOURCE_EXHAUSTED, "the request is too large")

    def _ended(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is not None and stream.task is None:
            self._answer(number, stream)

    def _reset(self, number: int) -> None:
        stream = self._streams.pop(number, None)
        if stream is not None and stream.task is not None:
            stream.task.cancel()

    def _answer(self, number: int, stream: _Stream) -> None:
        stream.task = self._tasks.spawn(f"build session call {number}", self._run(number, stream))

    async def _run(self, number: int, stream: _Stream) -> None:
        try:
            self._h2.send_headers(number, _HEADERS)
            call = Call(metadata=stream.metadata, request=_message(bytes(stream.body)))
            async with aclosing(stream.method.answer(call)) as messages:
                async for message in messages:
                    await self._send(number, _framed(message))
            self._trail(number, OK, "")
        except GrpcError as error:
            self._trail(number, error.status, error.text)
        except h2.exceptions.ProtocolError:
            log.debug("build session call ended early", extra={"stream": number})
        except OSError:
            log.debug("build session is gone", extra={"stream": number})
        except Exception:
            log.exception("build session call broke", extra={"stream": number})
            self._trail(number, INTERNAL, "the call broke")
        finally:
            self._streams.pop(number, None)

    async def _send(self, number: int, data: bytes) -> None:
        place = 0
        while place < len(data):
            window = self._h2.local_flow_control_window(number)
            size = min(len(data) - place, window, self._h2.max_outbound_frame_size)
            if size <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            self._h2.send_data(number, data[place : place + size])
            place += size
            self._write()
            await self._writer.drain()

    def _trail(self, number: int, status: int, text: str) -> None:
        trailers = [("grpc-status", str(status)), ("grpc-message", text[:_MOST_TEXT])]
        self._h2.send_headers(number, trailers, end_stream=True)
        self._write()

    def _refuse(self, number: int, status: int, text: str) -> None:
        trailers = [*_HEADERS, ("grpc-status", str(status)), ("grpc-message", text)]
        self._h2.send_headers(number, trailers, end_stream=True)

    def _write(self) -> None:
        if data := self._h2.data_to_send():
            self._writer.write(data)


def _message(body: bytes) -> bytes:
    """The first message of a request; empty where none was sent."""
    if not body:
        return b""
    size = int.from_bytes(body[1:_PREFIX])
    if body[0] != 0 or len(body) < _PREFIX + size:
        raise GrpcError(UNIMPLEMENTED, "compressed or cut short")
    return body[_PREFIX : _PREFIX + size]


def _framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4) + message
