"""Live parts of pages, made once for all who look at the same thing at the same time.

However many look, and at however much, making them takes at most a part of the event loop:
when it would take more, everybody sees changes a little later.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from dataclasses import dataclass, field

REFRESH = 1.0
"""Seconds between two looks at what a live part shows."""
SHARE = 0.2
"""Of the loop's time that may go into them."""


@dataclass(slots=True)
class _Part:
    html: str = ""
    made: float | None = None
    cost: float = 0.0
    watchers: int = 0
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


class LiveParts:
    """Owns the parts that somebody looks at, by what they depend on."""

    def __init__(self, *, refresh: float = REFRESH) -> None:
        self._refresh = refresh
        self._parts: dict[Hashable, _Part] = {}

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return max(self._refresh, sum(one.cost for one in self._parts.values()) / SHARE)

    async def follow(
        self, key: Hashable, make: Callable[[], Awaitable[str]]
    ) -> AsyncGenerator[str]:
        """What `make` answers, or did a moment ago for somebody else with that key, again and
        again. Raises what `make` raises. Close it.
        """
        part = self._parts.setdefault(key, _Part())
        part.watchers += 1
        try:
            while True:
                yield await self._html(part, make)
                await asyncio.sleep(self.pause)
        finally:
            part.watchers -= 1
            if not part.watchers:
                del self._parts[key]

    async def _html(self, part: _Part, make: Callable[[], Awaitable[str]]) -> str:
        """Its cost is what the loop's thread computed meanwhile, at most that of others, too:
        waiting for a disk takes nothing from anybody.
        """
        now = asyncio.get_running_loop().time
        async with part.making:
            if part.made is None or now() - part.made >= 0.9 * self.pause:
                begun, computed = now(), time.thread_time()
                part.html = await make()
                part.made, part.cost = begun, time.thread_time() - computed
        return part.html
