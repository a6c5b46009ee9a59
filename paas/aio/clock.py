"""The real clock behind the `Clock` port."""

import asyncio
import time


class SystemClock:
    """Wall and monotonic time of this host."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
