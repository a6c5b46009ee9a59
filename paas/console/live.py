"""Live parts of pages, made once for all who look at the same thing at the same time.

However many look, and at however much, making them takes at most a part of the event loop:
when it would take more, everybody sees changes a little later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

REFRESH = 1.0
"""Seconds between two looks at what a live part shows."""
SHARE = 0.2
"""Of the loop's time that may go into them."""
FORGOTTEN = 30.0
"""Seconds without a look after which a part is not kept any more."""


@dataclass(slots=True)
class _Part:
    html: str = ""
    made: float | None = None
    cost: float = 0.0
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


class LiveParts:
    """Owns the parts by what they depend on; bounded by who looks."""

    def __init__(self, *, refresh: float = REFRESH) -> None:
        self._refresh = refresh
        self._parts: dict[Hashable, _Part] = {}

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return max(self._refresh, sum(one.cost for one in self._parts.values()) / SHARE)

    async def html(self, key: Hashable, make: Callable[[], Awaitable[str]]) -> str:
        """What `make` answers, or did a moment ago for somebody else with that key. Raises
        what `make` raises.
        """
        now = asyncio.get_running_loop().time
        part = self._parts.setdefault(key, _Part())
        async with part.making:
            begun = now()
            if part.made is None or begun - part.made >= 0.9 * self.pause:
                part.html = await make()
                part.made, part.cost = begun, now() - begun
                self._forget(begun)
        return part.html

    def _forget(self, now: float) -> None:
        after = FORGOTTEN + self.pause
        for key, part in list(self._parts.items()):
            if part.made is not None and now - part.made > after and not part.making.locked():
                del self._parts[key]
