"""A new connection where proxies announce their clients, until it is known who calls.

A trusted peer has to begin with a PROXY preface: guessing whether one comes would let
a client behind the proxy forge it. Everybody else goes straight on. Afterwards the
connection is an ordinary one with the announced address, and is trusted only if that
address is.
"""

import asyncio
from typing import Protocol, cast

from paas.http1.preface import Malformed, parse_preface
from paas.proxy import sockets
from paas.proxy.plane import Plane
from paas.proxy.timers import NEVER


class Porch(Protocol):
    """The listener that accepted it."""

    def expects_preface(self, address: bytes) -> bool: ...

    def announced(self, address: bytes) -> asyncio.Protocol:
        """The protocol of a connection whose client has that address."""

    def enter(self, member: "Threshold") -> bool:
        """Count it in, or False when there are too many."""

    def depart(self, member: "Threshold") -> None: ...


class Threshold(asyncio.Protocol):
    """Reads the preface, then hands the connection over; whatever is wrong closes it."""

    __slots__ = ("_plane", "_porch", "_received", "_transport", "deadline")

    def __init__(self, plane: Plane, porch: Porch) -> None:
        self._plane = plane
        self._porch = porch
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self.deadline = NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        address, plane = peer_address(self._transport), self._plane
        if not self._porch.expects_preface(address):
            self._hand_over(address, b"")
        elif self._porch.enter(self):
            plane.timers.watch(self)
            self.deadline = plane.timers.after(plane.limits.head_seconds)
        else:
            plane.counters.refused_connections += 1
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            announced = parse_preface(self._received)
        except Malformed:
            self._plane.counters.error("bad_preface")
            self.abort()
            return
        if announced is not None:
            self._hand_over(announced.address, self._received[announced.size :])

    def connection_lost(self, _exc: Exception | None) -> None:
        self._leave()

    def expired(self) -> None:
        self.abort()

    def drain(self) -> None:
        """A request may follow."""
        self.deadline = min(self.deadline, self._plane.timers.after(self._plane.idle_seconds))

    def going_away(self) -> None:
        """Nobody is there yet to tell."""

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def descriptor(self) -> int:
        return sockets.descriptor(self._transport)

    # ---- private

    def _hand_over(self, address: bytes, rest: bytes) -> None:
        transport = self._transport
        assert transport is not None
        self._leave()
        protocol = self._porch.announced(address)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if rest:
            protocol.data_received(rest)

    def _leave(self) -> None:
        self._transport = None
        self._plane.timers.forget(self)
        self._porch.depart(self)


def peer_address(transport: asyncio.Transport) -> bytes:
    """The address at the other end."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple) or not name:
        return b"unknown"
    return str(name[0]).removeprefix("::ffff:").encode("ascii", "replace")
