"""A clock that stands still until a test moves it."""

import asyncio
import heapq


class FakeClock:
    """`time` and `monotonic` differ, so that code which mixes them up fails."""

    def __init__(self, *, time: float = 1_700_000_000.0, monotonic: float = 1000.0) -> None:
        self.boot = "boot-1"
        self._offset = time - monotonic
        self._now = monotonic
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def time(self) -> float:
        return self._now + self._offset

    def monotonic(self) -> float:
        return self._now

    def set_wall(self, time: float) -> None:
        """The wall clock jumps there; the monotonic one goes on."""
        self._offset = time - self._now

    async def sleep(self, seconds: float) -> None:
        """Returns once the clock was moved that far; at once for no seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + seconds, self._count, awake))
        await awake

    @property
    def sleeping(self) -> int:
        """How many are asleep: wait for them before moving the clock."""
        return sum(not awake.done() for _due, _number, awake in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move on and wake, in order, all whose time has come."""
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            awake = heapq.heappop(self._sleepers)[2]
            if not awake.done():
                awake.set_result(None)
