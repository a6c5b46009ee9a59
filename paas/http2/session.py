"""One client's connection as a state machine (RFC 9113): bytes in, events and bytes out.

    receive(data)      what came
    next(now)          one frame handled: an event, NOTHING, or None for more input
    head, body, reset, consumed, goodbye    what the owner has to say
    take()             what to write

An error of a stream resets it and is told as `Gone`; an error of the connection writes
GOAWAY and sets `closed`.
"""

from collections.abc import Callable
from typing import ClassVar, Final, cast

from hpack import Decoder, HPACKError, OversizedHeaderListError

from paas.http2 import frames
from paas.http2.checks import check_dependency, check_setting, on_connection, on_stream, sized
from paas.http2.events import NOTHING, Body, Event, Gone, Opened, Room
from paas.http2.frames import MAX_FRAME, MAX_WINDOW, Broken, ErrorCode, Frame, FrameReader
from paas.http2.heads import (
    Malformed,
    Pair,
    declared_length,
    request_text,
    trailers_checked,
)
from paas.http2.patience import PER_KIB, RESET, SMALL, Patience
from paas.http2.streams import CONNECTION_WINDOW, STREAM_WINDOW, Streams

MOST_STREAMS: Final = 100
"""Requests under way on one connection (section 5.1.2 advises at least as many)."""


class Session:
    """The server's side. Its own settings are there to be taken from the start.

    `closed`: nothing more is read; what `take` still gives ends the connection.
    """

    __slots__ = (
        "_block",
        "_decoder",
        "_final",
        "_head",
        "_most_block",
        "_now",
        "_out",
        "_patience",
        "_reader",
        "_settled",
        "_streams",
        "closed",
    )

    def __init__(self, *, head_bytes: int, now: float) -> None:
        """`head_bytes`: how long a request's head may be. `now`, in seconds, as in `next`."""
        self._reader = FrameReader()
        # above the limit an answer can say so; far above it nothing is read any more
        self._most_block = 2 * head_bytes
        self._decoder = Decoder(max_header_list_size=2 * head_bytes)
        self._streams = Streams()
        self._patience = Patience(now)
        self._now = now
        self._final: int | None = None
        self._head: Frame | None = None
        self._block = b""
        self._settled = False
        self.closed = False
        ours = {
            frames.SET_MAX_CONCURRENT_STREAMS: MOST_STREAMS,
            frames.SET_INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            frames.SET_MAX_HEADER_LIST_SIZE: head_bytes,
        }
        more = CONNECTION_WINDOW - frames.FIRST_WINDOW
        self._out = [frames.settings_frame(ours), frames.window_frame(0, more)]

    @property
    def active(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    @property
    def in_head(self) -> bool:
        """Whether the client is in the middle of a head, or of anything while no stream is
        open: it has to go on soon.
        """
        idle = not len(self._streams)
        return self._head is not None or (idle and (self._reader.partial or not self._settled))

    def receive(self, data: bytes) -> None:
        self._reader.receive(data)

    def next(self, now: float) -> Event | None:
        """Handle one frame; None when it is not all there, or the connection is closed."""
        if self.closed:
            return None
        self._now = now
        try:
            frame = self._reader.next()
            if frame is None:
                return None
            self._check_order(frame)
            handle = self._handlers.get(frame.kind)
            if handle is not None:
                return handle(self, frame)
            self._spend(SMALL)  # section 4.1: unknown ones are ignored
        except Broken as broken:
            self._out.append(frames.goaway_frame(self._streams.last, broken.code))
            self.closed = True
            return None
        return NOTHING

    def take(self) -> bytes:
        """What is to be written now."""
        out, self._out = self._out, []
        return b"".join(out)

    # ---- what the owner says; on a stream that is gone it means nothing

    def head(self, number: int, block: bytes, *, ended: bool) -> None:
        """An answer's head, an interim one, too."""
        if self._streams.get(number) is None:
            return
        self._out.append(frames.head_frames(number, block, ended=ended))
        if ended:
            self._answered(number)

    def room(self, number: int) -> int:
        """Bytes of body that can be sent on it now."""
        stream = self._streams.get(number)
        return 0 if stream is None else max(0, min(self._streams.room, stream.room))

    def body(self, number: int, data: bytes, *, ended: bool) -> None:
        """A piece of an answer's body, at most as long as there is room."""
        stream = self._streams.get(number)
        if stream is None:
            return
        size = len(data)
        stream.room -= size
        self._streams.room -= size
        self._patience.earn(PER_KIB * size / 1024)
        for at in range(0, max(1, size), MAX_FRAME):
            flags = frames.END_STREAM if ended and at + MAX_FRAME >= size else 0
            piece = data[at : at + MAX_FRAME]
            self._out.append(frames.frame_bytes(frames.DATA, number, piece, flags=flags))
        if ended:
            self._answered(number)

    def reset(self, number: int, code: ErrorCode) -> None:
        """End a stream whose answer cannot be completed, or whose request need not be."""
        if self._streams.get(number) is not None:
            self._out.append(frames.reset_frame(number, code))
            self._streams.drop(number)

    def consumed(self, number: int, size: int) -> None:
        """So much of what came on it was read, or is not wanted any more."""
        for target, more in zip((0, number), self._streams.consumed(number, size), strict=True):
            if more:
                self._out.append(frames.window_frame(target, more))

    def goodbye(self, *, final: bool) -> None:
        """Ask for no more streams; `final`: from now on new ones are ignored (section 6.8)."""
        last = self._streams.last if final else frames.MAX_STREAM
        if final:
            self._final = last
        self._out.append(frames.goaway_frame(last, ErrorCode.NO_ERROR))

    # ---- private: streams

    def _answered(self, number: int) -> None:
        stream = self._streams.get(number)
        assert stream is not None
        self._patience.earn(RESET)
        stream.answered = True
        self._streams.settle(number)

    def _fail(self, number: int, code: ErrorCode) -> Event:
        """Reset a stream for the client's error."""
        was_open = self._streams.get(number) is not None
        self._out.append(frames.reset_frame(number, code))
        self._streams.drop(number)
        self._spend(RESET)
        return Gone(number) if was_open else NOTHING

    def _spend(self, cost: float) -> None:
        if not self._patience.spend(cost, self._now):
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, "too many frames that bring nothing")

    # ---- private: frames

    def _check_order(self, frame: Frame) -> None:
        head = self._head
        if not self._settled:  # section 3.4
            if frame.kind != frames.SETTINGS or frame.flags & frames.ACK:
                raise Broken(ErrorCode.PROTOCOL_ERROR, "no settings first")
            self._settled = True
        elif head is None:
            if frame.kind == frames.CONTINUATION:
                raise Broken(ErrorCode.PROTOCOL_ERROR, "continuation of nothing")
        elif frame.kind != frames.CONTINUATION or frame.stream != head.stream:  # section 4.3
            raise Broken(ErrorCode.PROTOCOL_ERROR, "frame within a header block")

    def _data(self, frame: Frame) -> Event:
        number, size = frame.stream, len(frame.payload)
        data = frames.unpadded(on_stream(frame))
        self._streams.arrived(size)
        stream = self._streams.get(number)
        if stream is None:
            self._streams.check_late(number)
            self._spend(SMALL)
            self.consumed(number, size)
            return NOTHING
        ended = bool(frame.flags & frames.END_STREAM)
        stream.window -= size
        stream.received += len(data)
        error = None
        if stream.ended:
            error = ErrorCode.STREAM_CLOSED
        elif stream.window < 0:
            error = ErrorCode.FLOW_CONTROL_ERROR
        elif stream.declared is not None and not _fits(
            stream.received, stream.declared, ended=ended
        ):
            error = ErrorCode.PROTOCOL_ERROR  # section 8.1.1
        if error is not None:
            self.consumed(number, size)
            return self._fail(number, error)
        if not data and not ended:
            self._spend(SMALL)
        return self._ended(number, Body(number, data, size, ended))

    def _headers(self, frame: Frame) -> Event:
        block = frames.unpadded(on_stream(frame))
        if frame.flags & frames.PRIORITISED:
            check_dependency(frame.stream, block[:5])
            block = block[5:]
        return self._collect(frame, block)

    def _continuation(self, frame: Frame) -> Event:
        head = self._head
        assert head is not None
        self._spend(SMALL)
        if len(self._block) + len(frame.payload) > self._most_block:
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, "header block over limit")
        ends = frame.flags & frames.END_HEADERS
        return self._collect(head._replace(flags=head.flags | ends), self._block + frame.payload)

    def _collect(self, head: Frame, block: bytes) -> Event:
        if not head.flags & frames.END_HEADERS:
            self._head, self._block = head, block
            return NOTHING
        self._head, self._block = None, b""
        ended = bool(head.flags & frames.END_STREAM)
        pairs = self._decoded(block)
        if head.stream > self._streams.last:
            return self._open(head.stream, pairs, ended=ended)
        return self._trailers(head.stream, pairs, ended=ended)

    def _decoded(self, block: bytes) -> list[Pair]:
        try:
            return cast(list[Pair], self._decoder.decode(block, raw=True))
        except OversizedHeaderListError:
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, "header list over limit") from None
        except HPACKError:
            raise Broken(ErrorCode.COMPRESSION_ERROR, "malformed header block") from None

    def _open(self, number: int, pairs: list[Pair], *, ended: bool) -> Event:
        if not number % 2:  # section 5.1.1
            raise Broken(ErrorCode.PROTOCOL_ERROR, "stream of the server's numbers")
        self._streams.last = number
        if self._final is not None:
            self._streams.drop(number)
            self._spend(SMALL)
            return NOTHING
        if len(self._streams) >= MOST_STREAMS:
            return self._fail(number, ErrorCode.REFUSED_STREAM)
        try:
            text = request_text(pairs, ended=ended)
        except Malformed:
            return self._fail(number, ErrorCode.PROTOCOL_ERROR)
        declared = declared_length(text)
        if ended and declared:
            return self._fail(number, ErrorCode.PROTOCOL_ERROR)
        self._streams.begin(number, ended=ended, declared=declared)
        return Opened(number, text, ended)

    def _trailers(self, number: int, pairs: list[Pair], *, ended: bool) -> Event:
        stream = self._streams.get(number)
        if stream is None:
            self._streams.check_late(number)
            self._spend(SMALL)
            return NOTHING
        if stream.ended:
            return self._fail(number, ErrorCode.STREAM_CLOSED)
        try:
            trailers_checked(pairs)
        except Malformed:
            return self._fail(number, ErrorCode.PROTOCOL_ERROR)
        whole = stream.declared is None or stream.received == stream.declared
        if not (ended and whole):
            return self._fail(number, ErrorCode.PROTOCOL_ERROR)
        return self._ended(number, Body(number, b"", 0, ended=True))

    def _ended(self, number: int, piece: Body) -> Body:
        stream = self._streams.get(number)
        if piece.ended and stream is not None:
            stream.ended = True
            self._streams.settle(number)
        return piece

    def _priority(self, frame: Frame) -> Event:
        check_dependency(on_stream(frame).stream, frame.payload)
        self._spend(SMALL)
        if len(frame.payload) != 5:
            raise Broken(ErrorCode.FRAME_SIZE_ERROR, "priority of another size")
        return NOTHING

    def _rst_stream(self, frame: Frame) -> Event:
        number = sized(on_stream(frame), 4).stream
        if number > self._streams.last:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "reset of an idle stream")
        if not self._streams.give_up(number):
            self._spend(SMALL)
            return NOTHING
        self._spend(RESET)
        return Gone(number)

    def _settings(self, frame: Frame) -> Event:
        on_connection(frame)
        if frame.flags & frames.ACK:
            sized(frame, 0)
            self._spend(SMALL)
            return NOTHING
        given = frames.settings_of(frame.payload)
        self._spend(SMALL)
        for number, value in given:
            check_setting(number, value)
        self._out.append(frames.frame_bytes(frames.SETTINGS, 0, b"", flags=frames.ACK))
        room = dict(given).get(frames.SET_INITIAL_WINDOW_SIZE)
        if room is None:
            return NOTHING
        self._streams.first_room(room)
        return Room(0)

    def _refused(self, _frame: Frame) -> Event:
        raise Broken(ErrorCode.PROTOCOL_ERROR, "push by a client")  # section 8.4

    def _ping(self, frame: Frame) -> Event:
        sized(on_connection(frame), 8)
        self._spend(SMALL)
        if not frame.flags & frames.ACK:
            self._out.append(frames.frame_bytes(frames.PING, 0, frame.payload, flags=frames.ACK))
        return NOTHING

    def _goaway(self, frame: Frame) -> Event:
        if len(on_connection(frame).payload) < 8:
            raise Broken(ErrorCode.FRAME_SIZE_ERROR, "goaway cut short")
        self._spend(SMALL)
        return NOTHING

    def _window_update(self, frame: Frame) -> Event:
        number, more = frame.stream, int.from_bytes(sized(frame, 4).payload, "big") & MAX_WINDOW
        self._spend(SMALL)
        if not number:
            if not more:
                raise Broken(ErrorCode.PROTOCOL_ERROR, "window update of nothing")
            self._streams.widen(more)
            return Room(0)
        stream = self._streams.get(number)
        if stream is None:
            if number > self._streams.last:
                raise Broken(ErrorCode.PROTOCOL_ERROR, "window of an idle stream")
            return NOTHING
        if not more:
            return self._fail(number, ErrorCode.PROTOCOL_ERROR)
        stream.room += more
        if stream.room > MAX_WINDOW:
            return self._fail(number, ErrorCode.FLOW_CONTROL_ERROR)
        return Room(number)

    _handlers: ClassVar[dict[int, Callable[["Session", Frame], Event]]] = {
        frames.DATA: _data,
        frames.HEADERS: _headers,
        frames.PRIORITY: _priority,
        frames.RST_STREAM: _rst_stream,
        frames.SETTINGS: _settings,
        frames.PUSH_PROMISE: _refused,
        frames.PING: _ping,
        frames.GOAWAY: _goaway,
        frames.WINDOW_UPDATE: _window_update,
        frames.CONTINUATION: _continuation,
    }


def _fits(received: int, declared: int, *, ended: bool) -> bool:
    return received == declared if ended else received <= declared
