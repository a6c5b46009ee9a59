"""Real time that a test can skip ahead."""

import asyncio
import time

STEP = 0.005


class SkippingClock:
    """A `Clock` that runs by itself; `skip` adds seconds to it at once, `jump` to its wall
    time alone.
    """

    def __init__(self) -> None:
        self.boot = "boot-1"
        self._skipped = 0.0
        self._jumped = 0.0

    def skip(self, seconds: float) -> None:
        self._skipped += seconds

    def jump(self, seconds: float) -> None:
        self._jumped += seconds

    def time(self) -> float:
        return time.time() + self._skipped + self._jumped

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        due = self.monotonic() + seconds
        while (left := due - self.monotonic()) > 0:
            await asyncio.sleep(min(left, STEP))
