"""Small writes leave together, at the end of the event loop's turn.

In a busy turn many requests and answers go out, each in a system call of its own.
A send that finds its receiver asleep has to wake it, which costs more than the
bytes; sent one right after the other they find it awake. Order on a connection
is kept; whoever closes it or writes past its outlet flushes first.
"""

import asyncio
from typing import Protocol

SMALL = 16 * 1024
"""Longer pieces go at once: copying them together would cost more than it saves."""


class Flushed(Protocol):
    """Something that collects what it sends."""

    def flush(self) -> None: ...


class Outbox:
    """Those with something to send this turn."""

    __slots__ = ("_outlets",)

    def __init__(self) -> None:
        self._outlets: list[Flushed] = []

    def add(self, outlet: Flushed) -> None:
        if not self._outlets:
            asyncio.get_running_loop().call_soon(self._send)
        self._outlets.append(outlet)

    def _send(self) -> None:
        outlets, self._outlets = self._outlets, []
        for outlet in outlets:
            outlet.flush()


class Outlet:
    """Where one connection's bytes go out; `transport` is None while there is none."""

    __slots__ = ("_outbox", "_waiting", "transport")

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waiting = b""
        self.transport: asyncio.Transport | None = None

    def write(self, data: bytes) -> None:
        if not self._waiting and len(data) <= SMALL:
            self._waiting = data
            self._outbox.add(self)
            return
        self._waiting += data
        if len(self._waiting) > SMALL:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits; nothing where the connection is gone or closing."""
        data, self._waiting = self._waiting, b""
        transport = self.transport
        if data and transport is not None and not transport.is_closing():
            transport.write(data)
