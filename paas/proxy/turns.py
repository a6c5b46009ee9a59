"""Connections that move much take turns.

A loop reads a busy connection over and over before it looks at the next one (libuv: up to
32 times 256 KiB), so that a few uploads would keep all others waiting. Whoever got a large
piece therefore rests, and one goes on in a turn of the loop, the longest waiting first: two
move no more, and others wait twice as long.
"""

import asyncio
from collections import deque
from typing import Final, Protocol

LARGE: Final = 64 * 1024
"""Bytes of one read from which on it counts."""


class Reader(Protocol):
    """A connection that is read."""

    def rest(self) -> None:
        """Read nothing until `go_on`."""

    def go_on(self) -> None:
        """Read again, unless there is another reason not to."""


class Turns:
    """Those that rest, in order."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[Reader] = deque()

    def read(self, reader: Reader, size: int) -> None:
        """It read that many bytes at once."""
        if size >= LARGE:
            reader.rest()
            self.queue(reader)

    def queue(self, reader: Reader) -> None:
        """One that rests goes on when it is its turn."""
        self._waiting.append(reader)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        reader = self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        reader.go_on()
