"""One client connection that speaks HTTP/2: many requests at a time, each with an exchange.

Few frames are handled in one turn of the event loop, so that a client with a hundred
requests takes turns with all others; whatever is written in a turn leaves together. The
connection has a deadline for what the client owes at once (a head, a frame, room in a full
send buffer), the streams have their own.
"""

import asyncio
from dataclasses import replace
from typing import cast

from paas.core.routing import Route
from paas.http1.events import Bad, RequestHead
from paas.http1.head import Onward
from paas.http1.parser import RequestParser, ResponseParser
from paas.http2.events import NOTHING, Body, Event, Gone, Opened
from paas.http2.session import Session
from paas.live.board import OpenRequest
from paas.live.certificates import Certificate
from paas.proxy import pages, sockets
from paas.proxy.home import NOBODY, Home
from paas.proxy.pages import Problem
from paas.proxy.plane import Plane
from paas.proxy.stream import Stream
from paas.proxy.threshold import peer_address
from paas.proxy.timers import NEVER
from paas.proxy.trace import unread

PROTOCOL = b"HTTP/2.0"
HEAD_END = b"\r\n\r\n"
FRAMES = 64
"""Handled in one turn."""


class Multiplexed(asyncio.Protocol):
    """Speaks HTTP/2 with one client, over TLS only."""

    __slots__ = (
        "_announced",
        "_asked",
        "_behind",
        "_certificate",
        "_changed",
        "_ending",
        "_home",
        "_in_head",
        "_leaving",
        "_marked",
        "_parser",
        "_plane",
        "_streams",
        "_transport",
        "deadline",
        "full",
        "onward",
        "peer",
        "session",
        "spare",
    )

    def __init__(
        self, plane: Plane, home: Home, *, address: bytes, certificate: Certificate | None
    ) -> None:
        """`address` and `certificate` as in `ClientConnection`."""
        self._announced = address
        self._certificate = certificate
        self._plane = plane
        self._home = home
        self._parser = RequestParser(plane.limits)
        self._streams: dict[int, Stream] = {}
        self._changed: dict[Stream, None] = {}
        self._transport: asyncio.Transport | None = None
        self._asked = self._leaving = self._ending = False
        self._behind = self._in_head = self._marked = False
        self.session = Session(head_bytes=plane.limits.head_bytes, now=plane.timers.now)
        self.onward = Onward()
        self.spare: list[ResponseParser] = []
        self.peer = NOBODY
        self.full = False
        self.deadline = NEVER

    @property
    def descriptor(self) -> int:
        return sockets.descriptor(self._transport)

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        plane = self._plane
        plane.timers.watch(self)
        peer = self._home.admit(self, self._announced or peer_address(self._transport))
        if peer is None:
            plane.counters.refused_connections += 1
            plane.counters.error(pages.OVERLOADED.code)
            self._end()
            return
        self.peer = replace(peer, protocol=PROTOCOL)
        plane.counters.connections += 1
        self.deadline = plane.timers.after(plane.limits.head_seconds)
        self._mark()

    def data_received(self, data: bytes) -> None:
        if not self._ending:
            self.session.receive(data)
            if not self._behind:
                self._pump()
            self._plane.turns.read(self, len(data))

    def eof_received(self) -> bool:
        self._drop_all()
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._drop_all()
        self._plane.timers.forget(self)
        self._home.leave(self)

    def pause_writing(self) -> None:
        self.full = True
        self.deadline = self._plane.timers.after(self._plane.limits.write_seconds)

    def resume_writing(self) -> None:
        self.full = False
        self._room()
        self._mark()

    # ---- for its turns

    def rest(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def go_on(self) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing() and not self._behind:
            transport.resume_reading()

    # ---- for the streams

    def route(self, host: str) -> Route | None:
        return None if self.misdirected(host) else self._home.route(host)

    def misdirected(self, host: str) -> bool:
        return self._certificate is not None and not self._certificate.covers(host)

    def changed(self, stream: Stream) -> None:
        self._changed[stream] = None
        self._mark()

    def done(self, stream: Stream) -> None:
        self._streams.pop(stream.number, None)
        self._changed.pop(stream, None)

    # ---- for the outbox

    def flush(self) -> None:
        """Write what the streams have and what the session answers, in one piece."""
        self._marked = False
        transport = self._transport
        if transport is None:
            return
        changed, self._changed = self._changed, {}
        for stream in changed:
            if stream.number in self._streams:
                stream.send()
        data = self.session.take()
        if data and not transport.is_closing():
            transport.write(data)
        self._rest()

    # ---- for the timers and the registry

    def expired(self) -> None:
        if self._ending or self.full:
            self.abort()
        elif self._asked and self._streams:
            self._asked, self._leaving = False, True
            self.session.goodbye(final=True)
            self._mark()
        else:
            self._end()

    def drain(self) -> None:
        """Ask for no more requests; those that come within a moment are answered."""
        if not (self._asked or self._leaving or self._ending):
            self._asked = True
            self.session.goodbye(final=False)
            self.deadline = self._plane.timers.after(self._plane.idle_seconds)
            self._mark()

    def going_away(self) -> None:
        """There are no WebSockets here."""

    def abort(self) -> None:
        if self._transport is not None:
            sockets.reset_when_closed(self._transport)
            self._transport.abort()

    def opened(self) -> list[OpenRequest]:
        """The requests that are under way."""
        return [found for one in self._streams.values() if (found := one.opened()) is not None]

    # ---- private

    def _pump(self) -> None:
        """Take in some of what was received; the rest in the next turn."""
        session, now = self.session, self._plane.timers.now
        for _ in range(FRAMES):
            event = session.next(now)
            if event is None:
                break
            if event is not NOTHING:
                self._take_in(event)
        else:
            self._set_behind(behind=True)
            asyncio.get_running_loop().call_soon(self._go_on)
        if session.closed and not self._ending:
            self._end()
        else:
            self._mark()

    def _go_on(self) -> None:
        self._set_behind(behind=False)
        if not self._ending and self._transport is not None:
            self._pump()

    def _set_behind(self, *, behind: bool) -> None:
        """Read nothing more while there is enough to do."""
        self._behind = behind
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if behind:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _take_in(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._open(event)
        elif isinstance(event, Body):
            stream = self._streams.get(event.stream)
            if stream is not None:
                stream.received(event)
        elif isinstance(event, Gone):
            stream = self._streams.get(event.stream)
            if stream is not None:
                stream.gone()
        else:
            self._room()

    def _open(self, event: Opened) -> None:
        plane, parser = self._plane, self._parser
        stream = self._streams[event.stream] = Stream(plane, self, event.stream)
        parser.receive(event.text)
        head = parser.next()
        if isinstance(head, RequestHead):
            parser.restart()
            plane.counters.requests += 1
            stream.begin(head, ended=event.ended)
            return
        self._parser = RequestParser(plane.limits)  # the old one stopped for good
        assert isinstance(head, Bad)  # a whole head is that or good
        self._refuse(stream, pages.malformed(head), event)

    def _refuse(self, stream: Stream, problem: Problem, event: Opened) -> None:
        """Answer what is no usable request."""
        self._plane.counters.error(problem.code)
        page = pages.page(problem, None, keep_alive=True)
        if event.text.startswith(b"HEAD "):
            page = page[: page.index(HEAD_END) + len(HEAD_END)]
        if self._plane.access is not None:
            self._plane.access.add(unread(self.peer, problem, sent=len(page)))
        stream.answer(page, ended=event.ended)

    def _room(self) -> None:
        """There may be room to send for those who wait."""
        for stream in self._streams.values():
            if stream.waiting:
                self._changed[stream] = None

    def _mark(self) -> None:
        if not self._marked:
            self._marked = True
            self._plane.outbox.add(self)

    def _rest(self) -> None:
        """Find out what the client owes us now."""
        if self._ending or self.full:
            return
        if self._leaving and not self._streams:
            self._end()
            return
        timers, limits = self._plane.timers, self._plane.limits
        was_in_head, self._in_head = self._in_head, self.session.in_head
        if self._in_head:
            if not was_in_head:
                self.deadline = timers.after(limits.head_seconds)
        elif not self._asked:
            idle = not self._streams
            self.deadline = timers.after(self._plane.idle_seconds) if idle else NEVER

    def _end(self) -> None:
        """Say what is left to say, and close once the client had time to read it: unread
        input would reset the connection and destroy it on its way.
        """
        self._drop_all()
        if not self.session.closed:
            self.session.goodbye(final=True)
        self._ending = True
        self.flush()
        self.deadline = self._plane.timers.after(self._plane.limits.linger_seconds)
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write_eof()

    def _drop_all(self) -> None:
        for stream in list(self._streams.values()):
            stream.gone()
