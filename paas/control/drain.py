"""Sends replicas' output on to a place outside, in batches and in order.

Nobody ever waits for that place: what it does not take is held, up to a bound, and tried
again with growing pauses; beyond the bound lines are dropped, counted, and told where they
are missing. Lines arrive masked. What was sent when a batch failed is sent again.
"""

import asyncio
import logging
from collections import deque
from typing import NoReturn

from paas.aio.backoff import Backoff
from paas.control.catalog import Catalog
from paas.core.draining import SentLine
from paas.core.model import LogLine
from paas.errors import PaasError
from paas.ports import Clock, LineSink

log = logging.getLogger(__name__)

HELD_BYTES = 4 * 1024**2
LINE_WEIGHT = 256
"""What a line costs beside its text."""
BATCH_LINES = 1000
BATCH_BYTES = 256 * 1024
GATHER = 0.2
"""Seconds in which lines gather."""
LAST = 2.0
"""Seconds for the last lines when the daemon ends."""
PAUSES = Backoff(first=0.5, cap=30.0)


class Drain:
    """Takes lines from `add` on; `run` sends them."""

    def __init__(self, *, sink: LineSink, catalog: Catalog, clock: Clock) -> None:
        self._sink = sink
        self._catalog = catalog
        self._clock = clock
        self._held: deque[SentLine] = deque()
        self._size = 0
        self._missing = 0
        self._there = asyncio.Event()
        self._failures = 0
        self.sent = 0
        self.dropped = 0

    def add(self, version_id: str, line: LogLine) -> None:
        """Hold it, or count it as dropped; after a first one all until half is free again."""
        found = self._catalog.version(version_id)
        if found is None:
            return
        if self._missing and self._size <= HELD_BYTES // 2:
            self._tell_missing()
        if self._missing or self._size + len(line.text) > HELD_BYTES:
            self._missing += 1
            self.dropped += 1
            return
        self._hold(
            SentLine(
                time=line.time,
                text=line.text,
                stream=line.stream,
                service=found[0].name,
                version=found[1].name,
                replica=line.replica or "",
            )
        )

    async def run(self) -> NoReturn:
        """Send what is held, for ever."""
        while True:
            await self._there.wait()
            await self._clock.sleep(GATHER)
            if not await self._send():
                await self._clock.sleep(PAUSES.delay(self._failures))

    async def close(self) -> None:
        """Try to send what is held, for a moment."""
        try:
            async with asyncio.timeout(LAST):
                while self._held and await self._send():
                    pass
        except TimeoutError:
            log.warning("drain took no last lines", extra={"lines": len(self._held)})
        await self._sink.close()

    def counts(self) -> dict[str, int]:
        """Lines by what became of them."""
        return {"sent": self.sent, "dropped": self.dropped}

    # ---- private

    def _hold(self, line: SentLine) -> None:
        self._held.append(line)
        self._size += len(line.text) + LINE_WEIGHT
        self._there.set()

    def _tell_missing(self) -> None:
        text = f"[{self._missing} lines dropped: the drain did not take them in time]"
        self._missing = 0
        self._hold(SentLine(time=self._clock.time(), text=text, stream="paas"))

    async def _send(self) -> bool:
        """One batch; it is held until it was taken. False when it was not."""
        batch = self._batch()
        try:
            await self._sink.send(batch)
        except PaasError as error:
            self._failures += 1
            if self._failures == 1:
                fields = {"problem": error.message, "advice": error.advice}
                log.warning("drain takes no lines, trying again", extra=fields)
            return False
        if self._failures:
            log.info("drain takes lines again", extra={"dropped": self.dropped})
        self._failures = 0
        for _ in batch:
            self._size -= len(self._held.popleft().text) + LINE_WEIGHT
        self.sent += len(batch)
        if self._missing and self._size <= HELD_BYTES // 2:
            self._tell_missing()
        if not self._held:
            self._there.clear()
        return True

    def _batch(self) -> list[SentLine]:
        found: list[SentLine] = []
        size = 0
        for line in self._held:
            size += len(line.text)
            if found and (size > BATCH_BYTES or len(found) == BATCH_LINES):
                break
            found.append(line)
        return found
