"""Raw bytes both ways after an upgrade, with back-pressure and an idle limit.

The lease is held until both sides are closed, so an open WebSocket counts as a
request in flight. A close on one side is passed on as such and the other
direction goes on; a failure on one side ends both.
"""

import asyncio
from collections.abc import Callable

from paas.http1.frames import CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED, Frames
from paas.live.board import Lease
from paas.proxy.timers import NEVER, Timers

AFTER_REPLICA = 2.0
"""Seconds of silence after the replica ended its side. Whether it closed or only
half-closed cannot be seen, and nothing it could answer will come."""


class Tunnel:
    """Two joined connections; `ended` is called once, after both are closed. `lease` is a
    stream's.
    """

    def __init__(self, *, lease: Lease, timers: Timers, ended: Callable[[], None]) -> None:
        self.lease = lease
        self._timers = timers
        self._ended = ended
        self._idle = lease.target.idle_timeout
        self._sides: tuple[_Side, ...] = ()
        self._open = 2
        self.deadline = NEVER

    def join(self, client: asyncio.Transport, replica: asyncio.Transport) -> None:
        """Take over both connections."""
        to_client, to_replica = _Side(self, client), _Side(self, replica)
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
        """Tell both sides with a close frame (1001), where it does not tear a frame."""
        client, replica = self._sides
        replica.tell_other(CLOSE_GOING_AWAY)
        client.tell_other(CLOSE_GOING_AWAY_MASKED)

    def abort(self) -> None:
        for side in self._sides:
            side.transport.abort()

    def expired(self) -> None:
        """Too long silent."""
        self.going_away()
        self.deadline = NEVER
        for side in self._sides:
            side.transport.close()

    def touch(self) -> None:
        self.deadline = self._timers.after(self._idle)

    def side_ends(self, side: "_Side") -> None:
        """After its replica's end a tunnel lasts only while the client still sends. When
        the replica is being drained, the client learns that it may come again.
        """
        _, replica = self._sides
        if side is not replica:
            return
        if self.lease.slot.draining:
            replica.tell_other(CLOSE_GOING_AWAY)
        self._idle = min(self._idle, AFTER_REPLICA)
        self.touch()

    def side_lost(self) -> None:
        self._open -= 1
        if not self._open:
            self._timers.forget(self)
            self.lease.end_stream()
            self.lease.release()
            self._ended()


class _Side(asyncio.Protocol):
    """One of the two connections: what it reads goes to the other."""

    __slots__ = ("_tunnel", "ended", "frames", "other", "transport")

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport) -> None:
        self._tunnel = tunnel
        self.transport = transport
        self.frames = Frames()
        self.ended = False
        self.other: _Side = self

    def tell_other(self, frame: bytes) -> None:
        """Put in a frame of our own, unless it would tear one or come after the end."""
        writable = not self.ended and not self.other.transport.is_closing()
        if writable and self.frames.between and not self.frames.closed:
            self.frames.closed = True
            self.other.transport.write(frame)

    def data_received(self, data: bytes) -> None:
        self._tunnel.touch()
        self.frames.feed(data)
        self.other.transport.write(data)

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
        if not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
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
