"""The real clock behind the `Clock` port."""

import asyncio
import time
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """Wall and monotonic time of this host."""

    def __init__(self) -> None:
        self.boot = BOOT_ID.read_text(encoding="ascii").strip()

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
