"""One client connection: requests in, one at a time and in order; answers out.

Pipelined requests stay unparsed in the parser until the answer before them is
complete, and reading pauses while they are many. Every phase has a deadline,
kept in `deadline` for the timers: idle, a request's head, the exchange's own,
and the last bytes before a close.
"""

import asyncio
from functools import partial
from typing import cast

from paas.core.routing import Route
from paas.http1.events import END, Bad, RequestHead
from paas.http1.head import Onward, Peer
from paas.http1.parser import RequestParser
from paas.live.board import Lease, OpenRequest
from paas.live.certificates import Certificate
from paas.proxy import pages, sockets
from paas.proxy.exchange import Exchange
from paas.proxy.home import NOBODY, Home
from paas.proxy.outbox import Outlet
from paas.proxy.pages import Problem
from paas.proxy.plane import Plane
from paas.proxy.presence import Presence
from paas.proxy.threshold import peer_address
from paas.proxy.timers import NEVER
from paas.proxy.trace import unread
from paas.proxy.tunnel import Ended, Tunnel
from paas.proxy.upstream import Upstream


class ClientConnection(asyncio.Protocol):
    """Speaks HTTP/1.1 with one client."""

    __slots__ = (
        "_announced",
        "_backlog",
        "_certificate",
        "_ending",
        "_exchange",
        "_half_closed",
        "_home",
        "_in_head",
        "_outlet",
        "_parser",
        "_paused",
        "_plane",
        "_presence",
        "_pumping",
        "_reading",
        "_transport",
        "_tunnel",
        "deadline",
        "full",
        "onward",
        "peer",
    )

    def __init__(
        self,
        plane: Plane,
        home: Home,
        *,
        address: bytes = b"",
        certificate: Certificate | None = None,
    ) -> None:
        """`address`: as a proxy announced it; `certificate`: shown for the name it gave."""
        self._announced = address
        self._certificate = certificate
        self._plane = plane
        self._home = home
        self._parser = RequestParser(plane.limits)
        self._outlet = Outlet(plane.outbox)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._tunnel: Tunnel | None = None
        self._backlog = self._paused = False
        self._reading = True
        self._pumping = self._ending = self._half_closed = self._in_head = False
        self._presence = Presence(self, plane.timers)
        self.onward = Onward()
        self.peer = NOBODY
        self.full = False
        self.deadline = NEVER

    @property
    def descriptor(self) -> int:
        return sockets.descriptor(self._transport)

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._outlet.transport = self._transport
        plane = self._plane
        plane.timers.watch(self)
        address = self._announced or peer_address(self._transport)
        peer = self._home.admit(self, address)
        if peer is None:
            plane.counters.refused_connections += 1
            self.peer = Peer(address=address)
            self._refuse(pages.OVERLOADED)
            return
        self.peer = peer
        plane.counters.connections += 1
        self.deadline = plane.timers.after(plane.idle_seconds)

    def data_received(self, data: bytes) -> None:
        self._plane.turns.read(self, len(data))
        if self._ending:
            return
        self._parser.receive(data)
        self._pump()
        if self._parser.buffered > self._plane.limits.hold_bytes:
            self._backlog = True
            self._set_reading()

    def eof_received(self) -> bool:
        self._outlet.flush()
        exchange = self._exchange
        if self._ending or exchange is None:
            return self.full and not self._ending and self._half_close()
        if not exchange.request_done:
            # cut short: it must never be forwarded as complete (RFC 9112, section 8)
            self._exchange = None
            exchange.client_gone()
            return False
        return self._half_close()

    def connection_lost(self, _exc: Exception | None) -> None:
        exchange, self._exchange = self._exchange, None
        self._transport = self._outlet.transport = None
        if exchange is not None:
            exchange.client_gone()
        self._closed()

    def pause_writing(self) -> None:
        self.full = True
        if self._exchange is not None:
            self._exchange.client_full(full=True)

    def resume_writing(self) -> None:
        self.full = False
        if self._exchange is not None:
            self._exchange.client_full(full=False)
        elif not self._ending:
            self._pump()

    # ---- for the exchange

    def route(self, host: str) -> Route | None:
        if self._certificate is not None and self.misdirected(host):
            return None
        return self._home.route(host)

    def misdirected(self, host: str) -> bool:
        return self._certificate is not None and not self._certificate.covers(host)

    def write(self, data: bytes) -> None:
        self._outlet.write(data)

    def pause(self) -> None:
        self._paused = True
        self._set_reading()

    def resume(self) -> None:
        self._paused = False
        self._set_reading()

    def finished(self, *, keep_alive: bool) -> None:
        self._exchange = None
        if not keep_alive:
            self._end()
            return
        self._parser.restart()
        if self._paused or self._backlog:
            self._paused = self._backlog = False
            self._set_reading()
        if self._parser.buffered or self._pumping:
            self._pump()
        else:
            self._rest()

    def abort(self) -> None:
        if self._tunnel is not None:
            self._tunnel.abort()
        elif self._transport is not None:
            self._outlet.flush()
            sockets.reset_when_closed(self._transport)
            self._transport.abort()

    def tunnel(
        self, upstream: Upstream, lease: Lease, *, answer: bytes, ended: Ended | None
    ) -> None:
        transport, plane = self._transport, self._plane
        assert transport is not None
        self._exchange = None
        self._paused = self._backlog = False
        self._set_reading()
        transport.resume_reading()  # it may have rested
        self._presence.believe()
        plane.timers.forget(self)
        plane.counters.tunnels += 1
        replica, surplus = upstream.detach()
        tunnel = self._tunnel = Tunnel(
            lease=lease,
            timers=plane.timers,
            turns=plane.turns,
            seconds=plane.limits.tunnel_seconds,
            ended=partial(self._tunnel_ended, ended),
        )
        plane.tunnels.add(tunnel)
        self._outlet.flush()
        transport.write(answer)
        tunnel.join(transport, replica)
        tunnel.start(from_client=self._parser.rest(), from_replica=surplus)

    # ---- for its turns

    def rest(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def go_on(self) -> None:
        transport, wanted = self._transport, self._reading and self._tunnel is None
        if wanted and transport is not None and not transport.is_closing():
            transport.resume_reading()

    # ---- for its presence

    def probe(self) -> None:
        if self._exchange is not None:
            self._outlet.write(self._exchange.probe())

    def lacks(self, unread: int) -> bool:
        exchange = self._exchange
        return exchange is not None and self._parser.buffered + unread < exchange.missing

    def vanished(self) -> None:
        exchange, self._exchange = self._exchange, None
        self._presence.believe()
        if exchange is not None:
            exchange.client_gone()
        if self._transport is not None:
            self._transport.abort()

    # ---- for the timers and the registry

    def expired(self) -> None:
        transport, exchange = self._transport, self._exchange
        if transport is None:
            return
        if exchange is not None:
            exchange.expired()
        elif self._ending or transport.get_write_buffer_size():
            transport.abort()
        elif self._in_head:
            self._refuse(pages.SLOW_REQUEST)
        elif sockets.unread(transport):
            self.drain()
        else:
            self._outlet.flush()
            transport.close()

    def drain(self) -> None:
        if self._between and not self._in_head:  # a request may be on its way
            self.deadline = self._plane.timers.after(self._plane.idle_seconds)

    def going_away(self) -> None:
        if self._tunnel is not None:
            self._tunnel.going_away()

    @property
    def lasting(self) -> bool:
        return self._tunnel is not None

    def opened(self) -> OpenRequest | None:
        stream = self._tunnel.lease.stream if self._tunnel is not None else None
        return self._exchange.opened() if self._exchange is not None else stream

    # ---- private

    def _pump(self) -> None:
        """Take in what was received, request by request, without recursion."""
        if self._pumping:
            return
        self._pumping = True
        while self._take_in() and self._between:
            pass
        self._pumping = False
        if self._between:
            self._rest()

    @property
    def _between(self) -> bool:
        """Whether no request is under way and another one may come."""
        return self._exchange is None and self._tunnel is None and not self._ending

    def _take_in(self) -> bool:
        """Feed one request as far as it is there; True when one was begun."""
        begun: Exchange | None = None
        while not (self.full and self._exchange is None) and not self._ending:
            event = self._parser.next()
            if event is None:
                break
            if isinstance(event, RequestHead):
                self._in_head = False
                self._plane.counters.requests += 1
                begun = self._exchange = Exchange(self._plane, self, event)
            elif isinstance(event, Bad):
                self._bad(event)
            elif self._exchange is not None:
                if event is END:
                    self._exchange.request_end()
                    break
                self._exchange.request_body(event)
        if begun is None or self._exchange is not begun:
            return False
        begun.begin()
        return True

    def _bad(self, bad: Bad) -> None:
        if self._exchange is not None:
            self._exchange.request_bad(bad)
        else:
            self._refuse(pages.malformed(bad))

    def _rest(self) -> None:
        """Between requests: an idle connection, or the beginning of a head."""
        limits, timers = self._plane.limits, self._plane.timers
        if self._parser.in_head:
            if not self._in_head:
                self._in_head = True
                self.deadline = timers.after(limits.head_seconds)
        elif self._half_closed or self._plane.draining:
            self._end()
        else:
            self.deadline = timers.after(limits.keepalive_seconds)

    def _refuse(self, problem: Problem) -> None:
        """Answer what is no usable request, and close."""
        self._plane.counters.error(problem.code)
        page = pages.page(problem, None, keep_alive=False)
        if self._plane.access is not None:
            self._plane.access.add(unread(self.peer, problem, sent=len(page)))
        self.write(page)
        self._end()

    def _end(self) -> None:
        """Close once the answer is out. Unread input would reset the connection and
        could destroy the answer on its way, so it is swallowed for a moment.
        """
        self._ending = True
        transport, limits = self._transport, self._plane.limits
        if transport is None:
            return
        self._outlet.flush()
        if self._parser.exhausted or self._half_closed or not transport.can_write_eof():
            self.deadline = self._plane.timers.after(limits.write_seconds)
            transport.close()
            return
        self.deadline = self._plane.timers.after(limits.linger_seconds)
        self._paused = self._backlog = False
        self._set_reading()
        if not transport.is_closing():
            transport.write_eof()

    def _set_reading(self) -> None:
        wanted = not (self._paused or self._backlog)
        transport = self._transport
        if wanted is self._reading or transport is None or transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            transport.resume_reading()
            self._presence.believe()
        else:
            transport.pause_reading()
            self._presence.doubt(transport)

    def _half_close(self) -> bool:
        """The client sent all it will and may still read: find out whether it does."""
        self._half_closed = True
        if self._transport is not None:
            self._presence.doubt(self._transport)
        return True

    def _tunnel_ended(self, ended: Ended | None, received: int, sent: int) -> None:
        tunnel, self._tunnel = self._tunnel, None
        assert tunnel is not None
        self._plane.tunnels.remove(tunnel)
        self._closed()
        if ended is not None:
            ended(received, sent)

    def _closed(self) -> None:
        self._presence.believe()
        self._plane.timers.forget(self)
        self._home.leave(self)
