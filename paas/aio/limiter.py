"""At most so many at a time, the most urgent first.

Of equally urgent ones the first to come is the first to go. A place that is given back,
or that was granted to somebody who was cancelled at that moment, goes to the next in the
same synchronous stretch: none is ever lost or given twice.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count


class Urgency(IntEnum):
    """The lower, the sooner: requests wait for it; load asks for one more; somebody will
    need it later.
    """

    WAITING = 0
    SCALE_UP = 1
    PREWARM = 2


@dataclass(slots=True, kw_only=True, eq=False)
class _Place:
    key: str
    urgency: Urgency
    number: int
    granted: asyncio.Future[None] = field(repr=False)


class Limiter:
    """`capacity` places, at least one; it may be changed at any time."""

    def __init__(self, capacity: int) -> None:
        self._capacity = max(1, capacity)
        self._holders: list[str] = []
        self._queue: list[_Place] = []
        self._numbers = count()

    @property
    def taken(self) -> int:
        return len(self._holders)

    @property
    def queued(self) -> int:
        return len(self._queue)

    def resize(self, capacity: int) -> None:
        """More places are given out at once; of fewer, those taken are not taken back."""
        self._capacity = max(1, capacity)
        self._grant()

    def hurry(self, key: str, urgency: Urgency) -> None:
        """The oldest of that key that waits is at least so urgent from now on, unless one
        of that key has a place.
        """
        waiting = [one for one in self._queue if one.key == key]
        if waiting and key not in self._holders:
            first = min(waiting, key=_order)
            first.urgency = min(first.urgency, urgency)

    @asynccontextmanager
    async def place(self, key: str, urgency: Urgency) -> AsyncIterator[None]:
        """A place, for as long as the context lasts."""
        await self._take(key, urgency)
        try:
            yield
        finally:
            self._give_back(key)

    async def _take(self, key: str, urgency: Urgency) -> None:
        granted = asyncio.get_running_loop().create_future()
        place = _Place(key=key, urgency=urgency, number=next(self._numbers), granted=granted)
        self._queue.append(place)
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if place in self._queue:
                self._queue.remove(place)
            elif not granted.cancelled():
                self._give_back(key)
            raise

    def _give_back(self, key: str) -> None:
        self._holders.remove(key)
        self._grant()

    def _grant(self) -> None:
        while self._queue and len(self._holders) < self._capacity:
            place = min(self._queue, key=_order)
            self._queue.remove(place)
            if not place.granted.done():  # else it was cancelled and does not know it yet
                self._holders.append(place.key)
                place.granted.set_result(None)


def _order(place: _Place) -> tuple[Urgency, int]:
    return place.urgency, place.number
