"""Raw bytes both ways after an upgrade, with back-pressure, an idle and an age limit.

The lease is held until both sides are closed, so an open WebSocket counts as a
request in flight. A close on one side is passed on as such and the other
direction goes on; a failure on one side ends both. When we end it, each side is
told with a close frame (1001) that never tears a frame and that nothing follows.
"""

import asyncio
from collections.abc import Callable

from paas.http1.frames import CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED, Frames
from paas.live.board import Lease
from paas.proxy.timers import NEVER, Timers
from paas.proxy.turns import Turns

AFTER_REPLICA = 2.0
"""Seconds of silence after the replica ended its side. Whether it closed or only
half-closed cannot be seen, and nothing it could answer will come."""
FAREWELL = 1.0
"""Seconds between our close frame and the end, for the two sides to end by themselves."""

Ended = Callable[[int, int], None]


class Tunnel:
    """Two joined connections; `ended(received, sent)` is called once, after both are
    closed, with the bytes from and to the client. `lease` is a stream's.
    """

    def __init__(
        self, *, lease: Lease, timers: Timers, turns: Turns, seconds: float | None, ended: Ended
    ) -> None:
        """It lasts at most so many seconds; None: for ever."""
        self.lease = lease
        self._timers = timers
        self.turns = turns
        self._ended = ended
        self._idle = lease.target.idle_timeout
        self._until = NEVER if seconds is None else timers.after(seconds)
        self._sides: tuple[_Side, ...] = ()
        self._open = 2
        self._leaving = False
        self.deadline = NEVER

    def join(self, client: asyncio.Transport, replica: asyncio.Transport) -> None:
        """Take over both connections."""
        to_client = _Side(self, client, farewell=CLOSE_GOING_AWAY_MASKED)
        to_replica = _Side(self, replica, farewell=CLOSE_GOING_AWAY)
        to_client.other, to_replica.other = to_replica, to_client
        self._sides = (to_client, to_replica)
        client.set_protocol(to_client)
        replica.set_protocol(to_replica)
        self.touch()
        self._timers.watch(self)

    def start(self, *, from_client: bytes, from_replica: bytes) -> None:
        """Pass on what was read before the tunnel stood."""
        client, replica = self._sides
        if from_client:
            client.data_received(from_client)
        if from_replica:
            replica.data_received(from_replica)

    def going_away(self) -> None:
        """Tell both sides as soon as no frame is torn by it; soon afterwards it ends."""
        if self._leaving:
            return
        self._leaving = True
        self.deadline = self._timers.after(FAREWELL)
        for side in self._sides:
            side.part()

    def abort(self) -> None:
        for side in self._sides:
            side.transport.abort()

    def expired(self) -> None:
        """Too long silent, too old, or long enough told."""
        if self._leaving:
            return self.abort()
        self.going_away()
        if any(side.ended for side in self._sides):
            for side in self._sides:
                side.transport.close()
        return None

    def touch(self) -> None:
        """Something moved."""
        if not self._leaving:
            self.deadline = min(self._timers.after(self._idle), self._until)

    def side_ends(self, side: "_Side") -> None:
        """After its replica's end a tunnel lasts only while the client still sends. When
        the replica is being drained, the client learns that it may come again.
        """
        _, replica = self._sides
        if side is not replica:
            return
        if self.lease.slot.draining:
            replica.part()
        self._idle = min(self._idle, AFTER_REPLICA)
        self.touch()

    def side_answered(self) -> None:
        """Once both have answered our close frame nothing is left to wait for."""
        if all(side.frames.closed for side in self._sides):
            for side in self._sides:
                side.transport.close()

    def side_lost(self) -> None:
        self._open -= 1
        if not self._open:
            client, replica = self._sides
            self._timers.forget(self)
            self.lease.end_stream()
            self.lease.release()
            self._ended(client.received, replica.received)


class _Side(asyncio.Protocol):
    """One of the two connections: what it reads goes to the other, and at last `farewell`
    if we are the ones who end it.
    """

    __slots__ = (
        "_farewell",
        "_parting",
        "_said",
        "_tunnel",
        "blocked",
        "ended",
        "frames",
        "other",
        "received",
        "transport",
    )

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport, *, farewell: bytes) -> None:
        self._tunnel = tunnel
        self._farewell = farewell
        self._parting = False
        self._said = False
        self.transport = transport
        self.frames = Frames()
        self.received = 0
        self.ended = False
        self.blocked = False
        self.other: _Side = self

    def part(self) -> None:
        """Let the frame under way be the last that goes to the other side, then say so."""
        self._parting = True
        self._say()

    def data_received(self, data: bytes) -> None:
        self._tunnel.touch()
        self.received += len(data)
        if self._said:
            self.frames.feed(data)
            self._tunnel.side_answered()
        elif self._parting:
            self.other.transport.write(data[: self.frames.finish(data)])
            self._say()
        else:
            self.frames.feed(data)
            self.other.transport.write(data)
        self._tunnel.turns.read(self, len(data))

    def rest(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def go_on(self) -> None:
        if not self.blocked and not self.transport.is_closing():
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        self._tunnel.side_ends(self)
        self.ended = True
        other = self.other
        if other.ended:
            other.transport.close()
            return False
        if not other.transport.is_closing() and other.transport.can_write_eof():
            other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        self.other.blocked = True
        if not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.blocked = False
        if not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        other = self.other
        if not self.ended:
            self._tunnel.side_ends(self)
        if exc is not None and not other.transport.is_closing():
            other.transport.abort()
        elif not other.transport.is_closing():
            other.transport.close()
        self._tunnel.side_lost()

    def _say(self) -> None:
        """Only between two frames, once, and not after an end or a close frame of theirs."""
        writable = not self.ended and not self.other.transport.is_closing()
        if writable and not self._said and self.frames.between and not self.frames.closed:
            self._said = True
            self.other.transport.write(self._farewell)
