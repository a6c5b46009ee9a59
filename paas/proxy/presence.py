"""Whether a client is still there whose connection is not being read.

Nothing is read while a replica has to catch up or a request waits, and nothing comes
after a client ended its side. That it left cannot be seen then: its end may lie behind
bytes nobody reads, and half an end looks like a whole one. So a client in doubt is looked
at a few times a second, and sent a few bytes that mean nothing: whoever is gone answers
them with a reset.
"""

import asyncio
from typing import Protocol

from paas.proxy import sockets
from paas.proxy.timers import NEVER, Timers

LOOK = 0.1
PROBES = frozenset({1, 3, 6, 12})
"""The looks that send something, if it is possible then."""
LATE = 1.0
"""Seconds between looks after these."""


class Doubted(Protocol):
    """The client's connection."""

    def probe(self) -> None:
        """Send bytes that mean nothing, if there are such now."""

    def lacks(self, unread: int) -> bool:
        """Whether the request stays incomplete with so many bytes more."""

    def vanished(self) -> None:
        """Nobody is there any more."""


class Presence:
    """Looks at one client while it is in doubt."""

    __slots__ = ("_client", "_looks", "_timers", "_transport", "deadline")

    def __init__(self, client: Doubted, timers: Timers) -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._timers = timers
        self._looks = 0
        self.deadline = NEVER

    def doubt(self, transport: asyncio.Transport) -> None:
        """Nothing is read from it now."""
        self._transport = transport
        if self.deadline == NEVER:
            self._looks = 0
            self.deadline = self._timers.after(LOOK)
            self._timers.watch(self)

    def believe(self) -> None:
        """It is read again, or nobody waits for it."""
        self.deadline, self._transport = NEVER, None
        self._timers.forget(self)

    def expired(self) -> None:
        transport = self._transport
        assert transport is not None
        self._looks += 1
        self.deadline = self._timers.after(LOOK if self._looks < max(PROBES) else LATE)
        state = sockets.tcp_state(transport)
        ended = state == sockets.CLOSE_WAIT
        if state == sockets.CLOSED or (ended and self._client.lacks(sockets.unread(transport))):
            self._client.vanished()
        elif self._looks in PROBES and not transport.get_write_buffer_size():
            self._client.probe()
