"""The streams of one connection and their windows (RFC 9113, sections 5.1 and 5.2)."""

from collections import OrderedDict
from typing import Final

from paas.http2.frames import FIRST_WINDOW, MAX_WINDOW, Broken, ErrorCode

STREAM_WINDOW: Final = 256 * 1024
"""Bytes of one request's body on their way to us."""
CONNECTION_WINDOW: Final = 2 * 1024 * 1024
"""The same for all requests of a connection."""
_REMEMBERED: Final = 256
"""Streams that we reset and that the client may not have heard of yet."""


class Stream:
    """`ended`: the request is complete, `answered`: the answer is. `declared` is the length
    that its body must have, None when it may be any; `received` what came. `window` is what
    the client may still send, of which `owed` was read and is not given back yet; `room`
    what we may send.
    """

    __slots__ = ("answered", "declared", "ended", "owed", "received", "room", "window")

    def __init__(self, *, ended: bool, declared: int | None, room: int) -> None:
        self.ended = ended
        self.answered = False
        self.declared = declared
        self.received = 0
        self.window = STREAM_WINDOW
        self.owed = 0
        self.room = room


class Streams:
    """Those that are open, the newest number, and what is owed for the whole connection."""

    __slots__ = ("_first_room", "_open", "_owed", "_reset", "_window", "last", "room")

    def __init__(self) -> None:
        self._open: dict[int, Stream] = {}
        self._reset: OrderedDict[int, None] = OrderedDict()
        self._window = CONNECTION_WINDOW
        self._owed = 0
        self._first_room = FIRST_WINDOW
        self.last = 0
        self.room = FIRST_WINDOW

    def __len__(self) -> int:
        return len(self._open)

    def get(self, number: int) -> Stream | None:
        return self._open.get(number)

    def begin(self, number: int, *, ended: bool, declared: int | None) -> None:
        self._open[number] = Stream(ended=ended, declared=declared, room=self._first_room)

    def settle(self, number: int) -> None:
        """It is over once both ends are through with it."""
        stream = self._open[number]
        if stream.ended and stream.answered:
            del self._open[number]

    def give_up(self, number: int) -> bool:
        """The client wants no more of it; False when it is not open."""
        return self._open.pop(number, None) is not None

    def drop(self, number: int) -> None:
        """We reset it: what the client sent before it hears of that is no error."""
        self._open.pop(number, None)
        self._reset[number] = None
        if len(self._reset) > _REMEMBERED:
            self._reset.popitem(last=False)

    def check_late(self, number: int) -> None:
        """A frame came for one that is not open: it must be one that we reset. Raises `Broken`."""
        if number > self.last:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "frame for an idle stream")
        if number not in self._reset:
            raise Broken(ErrorCode.STREAM_CLOSED, "frame for a closed stream")

    # ---- what comes

    def arrived(self, size: int) -> None:
        """So much of any body came. Raises `Broken`."""
        self._window -= size
        if self._window < 0:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, "connection window overrun")

    def consumed(self, number: int, size: int) -> tuple[int, int]:
        """So much was read: the windows to give back now, of the connection and of it."""
        more = self._owed + size
        if 2 * more < CONNECTION_WINDOW:
            self._owed, more = more, 0
        else:
            self._owed = 0
            self._window += more
        stream = self._open.get(number)
        if stream is None or stream.ended:
            return more, 0
        stream.owed += size
        if 4 * stream.owed < STREAM_WINDOW:
            return more, 0
        owed, stream.owed = stream.owed, 0
        stream.window += owed
        return more, owed

    # ---- what goes

    def widen(self, more: int) -> None:
        """The connection has more room. Raises `Broken`."""
        self.room += more
        if self.room > MAX_WINDOW:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, "connection window over limit")

    def first_room(self, room: int) -> None:
        """What streams begin with from now on; open ones move by the difference
        (section 6.9.2). Raises `Broken`.
        """
        difference, self._first_room = room - self._first_room, room
        for stream in self._open.values():
            stream.room += difference
            if stream.room > MAX_WINDOW:
                raise Broken(ErrorCode.FLOW_CONTROL_ERROR, "stream window over limit")
