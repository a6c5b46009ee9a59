"""The engine's multiplexed log stream as lines.

A frame is one message of one stream, begun by its time; a long line comes as several
frames, each with a time, of which only the last ends it.
"""

import struct
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress

from paas.adapters.docker_api import DockerApi, pieces
from paas.adapters.docker_errors import replica_gone
from paas.adapters.docker_facts import engine_time
from paas.core.model import LogLine
from paas.errors import Conflict, NotFound

LINE_LIMIT = 64 * 1024
CUT = " … (cut)"
_HEADER = struct.Struct(">BxxxL")
_STREAMS = {1: "stdout", 2: "stderr"}


async def container_output(
    api: DockerApi, container: str, *, since: float, follow: bool
) -> AsyncGenerator[LogLine, None]:
    """Its lines at or after `since`, and with `follow` what comes until it ends.

    The engine's live stream can end before the last line of a container that ends; so
    what it left out is read again.
    """
    seen = RecentLines()
    async with aclosing(_stream(api, container, since=since, follow=follow)) as lines:
        async for line in lines:
            seen.add(line)
            yield line
    if not follow:
        return
    with suppress(NotFound):  # it was removed
        again = _stream(api, container, since=seen.since or since, follow=False)
        async with aclosing(again) as lines:
            async for line in lines:
                if line not in seen:
                    yield line


class LogDecoder:
    """Feed it bytes, it yields the lines that are complete."""

    def __init__(self, replica: str) -> None:
        self._replica = replica
        self._buffer = bytearray()
        self._open = {name: _OpenLine() for name in _STREAMS.values()}

    def feed(self, data: bytes) -> Iterator[LogLine]:
        self._buffer += data
        start = 0
        while len(self._buffer) >= start + _HEADER.size:
            kind, length = _HEADER.unpack_from(self._buffer, start)
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            message = bytes(self._buffer[start + _HEADER.size : end])
            start = end
            if (line := self._message(_STREAMS.get(kind, "stdout"), message)) is not None:
                yield line
        del self._buffer[:start]

    def finish(self) -> Iterator[LogLine]:
        """The last line of each stream, when it had no end."""
        for stream, line in self._open.items():
            if line.time is not None:
                yield self._line(stream, line)

    def _message(self, stream: str, message: bytes) -> LogLine | None:
        line = self._open[stream]
        stamp, _, text = message.partition(b" ")
        time = engine_time(stamp.decode("ascii", "replace"))
        if time is None:  # not begun by a time: all of it is text
            text = message
        line.add(text, time)
        return self._line(stream, line) if text.endswith(b"\n") else None

    def _line(self, stream: str, line: "_OpenLine") -> LogLine:
        text = line.text.decode("utf-8", "replace").rstrip("\r\n")
        found = LogLine(
            time=line.time or 0.0,
            text=text + CUT if line.cut else text,
            stream=stream,
            replica=self._replica,
        )
        self._open[stream] = _OpenLine()
        return found


class _OpenLine:
    """A line whose end has not come; keeps at most `LINE_LIMIT` bytes."""

    __slots__ = ("cut", "text", "time")

    def __init__(self) -> None:
        self.time: float | None = None
        self.text = bytearray()
        self.cut = False

    def add(self, text: bytes, time: float | None) -> None:
        if self.time is None:
            self.time = time or 0.0
        room = LINE_LIMIT - len(self.text)
        self.cut = self.cut or len(text.rstrip(b"\r\n")) > room
        self.text += text[:room]


class RecentLines:
    """The lines of the last moment, to tell a line that comes again from a new one."""

    _MOMENT = 0.01
    _MOST = 1000

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=self._MOST)

    @property
    def since(self) -> float:
        """From when on reading again meets only lines that are known or new; 0 if none."""
        return self._lines[0].time if self._lines else 0.0

    def add(self, line: LogLine) -> None:
        self._lines.append(line)
        # against the line just added, which ends this even where the clock was set back
        while self._lines[0].time < line.time - self._MOMENT:
            self._lines.popleft()

    def __contains__(self, line: LogLine) -> bool:
        return line.time < self.since or line in self._lines


async def _stream(
    api: DockerApi, container: str, *, since: float, follow: bool
) -> AsyncGenerator[LogLine, None]:
    params = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": str(int(follow))}
    if since > 0:
        params["since"] = f"{since:.6f}"
    try:
        async with (
            api.stream("GET", f"containers/{container}/logs", params=params) as response,
            aclosing(pieces(response)) as body,
            aclosing(_decoded(body, container)) as lines,
        ):
            async for line in lines:
                yield line
    except Conflict as error:  # it is being removed
        raise replica_gone(container) from error


async def _decoded(body: AsyncIterator[bytes], replica: str) -> AsyncGenerator[LogLine, None]:
    decoder = LogDecoder(replica)
    async for piece in body:
        for line in decoder.feed(piece):
            yield line
    for line in decoder.finish():
        yield line
