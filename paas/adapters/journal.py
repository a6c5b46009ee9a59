"""The `Journal` port over files: bounded logs that are written off the event loop.

`append` only buffers; one background loop is the only writer, so lines of a key
keep their order. Followers read what is on disk and are woken after each write:
history and live lines come the same way, without loss or repetition. Memory and
disk are bounded for each key; where lines had to go, a marker says how many.
"""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from paas.adapters.journal_files import End, LogFiles, is_key, sizes
from paas.aio.tasks import Tasks
from paas.core.model import LogLine
from paas.errors import Invalid, Unavailable

log = logging.getLogger(__name__)

FLUSH_EVERY = 0.25
"""Seconds in which lines gather, unless somebody waits for them."""
GATHER = 0.02
"""The same while somebody waits."""
RETRY = 1.0
"""Seconds between two tries on a disk that takes nothing."""
DEADLINE = 5.0
"""Seconds a reader, or `close`, waits for lines to be written."""
BUFFERED_BYTES = 1024**2
"""Text held for each key between two writes; what exceeds it is dropped."""
LONGEST_TEXT = 64 * 1024
"""Characters kept of one line."""
LINE_WEIGHT = 64
"""What a line costs beside its text."""
MARKER_STREAM = "paas"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _Log:
    """One key in use: lines not yet written and those who wait for a write."""

    files: LogFiles
    room: int
    pending: list[LogLine | End] = field(default_factory=list)
    size: int = 0
    dropped: int = 0
    waiters: set["asyncio.Future[None]"] = field(default_factory=set)
    readers: int = 0
    writing: bool = False
    removed: bool = False

    @property
    def unused(self) -> bool:
        return not (self.pending or self.dropped or self.readers or self.writing)

    def add(self, line: LogLine) -> None:
        """Buffer it, or count it as dropped; after a first one, all until the next write."""
        if self.dropped or self.size + len(line.text) > self.room:
            self.dropped += 1
        else:
            self.pending.append(line)
            self.size += len(line.text) + LINE_WEIGHT

    def take(self, now: float) -> "_Batch":
        """All that is buffered, with a marker where lines were dropped."""
        records, dropped = self.pending, self.dropped
        if dropped:
            text = f"[{dropped} lines dropped: they came too fast or the disk was full]"
            records.append(LogLine(time=now, text=text, stream=MARKER_STREAM))
        self.pending, self.size, self.dropped, self.writing = [], 0, 0, True
        return _Batch(self, records, dropped)

    def wake(self) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()


@dataclass(slots=True)
class _Batch:
    """Records on their way to disk; `error` when they did not get there."""

    entry: _Log
    records: list[LogLine | End]
    dropped: int
    error: OSError | None = None


class FileJournal:
    """Logs below `root`, each at most about `limit` bytes. Make it inside the loop."""

    def __init__(
        self, root: Path, *, limit: int, tasks: Tasks, now: Callable[[], float] = time.time
    ) -> None:
        self._root = root
        self._limit = limit
        self._now = now
        self._logs: dict[str, _Log] = {}
        self._dirty = asyncio.Event()
        self._urgent = asyncio.Event()
        self._write: asyncio.Future[None] | None = None
        self._closed = False
        self._loop = tasks.heal("journal", self._flushing)

    async def close(self) -> None:
        """Write what is buffered, and end all followers."""
        self._loop.cancel()
        await asyncio.wait([self._loop])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                await self._flush()
        self._closed = True
        for entry in self._logs.values():
            entry.wake()

    def append(self, key: str, line: LogLine) -> None:
        """Buffered; written within half a second. Never raises."""
        if not is_key(key):
            log.error("log key refused", extra={"key": key})
            return
        if len(line.text) > LONGEST_TEXT:
            line = dataclasses.replace(line, text=line.text[:LONGEST_TEXT] + " [cut]")
        entry = self._log(key)
        entry.add(line)
        self._stir(entry)

    def finish(self, key: str) -> None:
        """No more lines will come: followers end after the last one, also after a restart."""
        if not is_key(key):
            log.error("log key refused", extra={"key": key})
            return
        entry = self._log(key)
        entry.pending.append(End())
        self._stir(entry)

    async def read(self, key: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """Oldest first, cursor > `after`, at most the *last* `limit` of them.

        Raises `Invalid` (`bad_log_key`), `Unavailable` (`log_unreadable`).
        """
        with self._reading(key) as entry:
            await self._written(entry)
            return await _in_thread(entry.files.last, after=after, limit=limit)

    async def follow(self, key: str, *, after: int = 0) -> AsyncIterator[LogLine]:
        """What is there after the cursor, then what comes, until the key is finished or
        removed, or the journal closed. Raises as `read`.
        """
        with self._reading(key) as entry:
            while True:
                with _waiting(entry) as written:
                    lines, ended = await _in_thread(entry.files.page, after=after)
                    if not lines:
                        settled = not (entry.pending or entry.writing or written.done())
                        if entry.removed or self._closed or (ended and settled):
                            return
                        self._stir(entry)
                        await written
                for line in lines:
                    yield line
                    after = line.cursor

    async def remove(self, key: str) -> None:
        """Delete the log; its followers end. Raises as `read`."""
        with self._reading(key) as entry:
            entry.removed = True
            await self._written(entry)
            await _in_thread(entry.files.remove)
            if self._logs.get(key) is entry:
                del self._logs[key]
            entry.wake()

    async def sizes(self) -> dict[str, int]:
        """Bytes on disk of each log there is. Raises `Unavailable` (`log_unreadable`)."""
        return await _in_thread(sizes, self._root)

    def _log(self, key: str) -> _Log:
        entry = self._logs.get(key)
        if entry is None:
            files = LogFiles(self._root, key, limit=self._limit)
            room = min(BUFFERED_BYTES, self._limit // 4)
            entry = self._logs[key] = _Log(files, room)
        return entry

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[_Log]:
        if not is_key(key):
            raise Invalid(f"{key!r} names no log.", code="bad_log_key")
        entry = self._log(key)
        entry.readers += 1
        try:
            yield entry
        finally:
            entry.readers -= 1
            self._forget(key, entry)

    def _forget(self, key: str, entry: _Log) -> None:
        if entry.unused and self._logs.get(key) is entry:
            del self._logs[key]

    def _stir(self, entry: _Log) -> None:
        """Have the loop write, soon when somebody waits for this key."""
        if entry.pending or entry.dropped:
            self._dirty.set()
            if entry.readers:
                self._urgent.set()

    async def _written(self, entry: _Log) -> None:
        """Wait until lines appended before are on disk or dropped, or a deadline passed."""
        for _ in range(2):  # a write under way, then the one that takes the rest
            if entry.pending or entry.writing:
                with _waiting(entry) as written:
                    self._stir(entry)
                    await asyncio.wait([written], timeout=DEADLINE)

    async def _flushing(self) -> None:
        while True:
            await self._dirty.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_EVERY):
                    await self._urgent.wait()
                    await asyncio.sleep(GATHER)
            self._dirty.clear()
            self._urgent.clear()
            if not await self._flush():
                self._dirty.set()
                await asyncio.sleep(RETRY)

    async def _flush(self) -> bool:
        """Write all that is buffered, off the loop; False when some of it was dropped."""
        if self._write is not None and not self._write.done():
            await asyncio.wait([self._write])  # of a round that was cancelled
        batches = {
            key: entry.take(self._now())
            for key, entry in self._logs.items()
            if entry.pending or entry.dropped
        }
        if not batches:
            return True
        loop = asyncio.get_running_loop()
        self._write = loop.run_in_executor(None, _write_batches, list(batches.values()))
        self._write.add_done_callback(lambda _: self._settle(batches))
        await asyncio.shield(self._write)
        return all(batch.error is None for batch in batches.values())

    def _settle(self, batches: dict[str, _Batch]) -> None:
        """Runs when a write has ended, also after the round was cancelled."""
        for key, batch in batches.items():
            entry = batch.entry
            entry.writing = False
            if batch.error is not None:
                lines = sum(isinstance(item, LogLine) for item in batch.records)
                marker = 1 if batch.dropped else 0
                entry.dropped += batch.dropped + lines - marker
                entry.pending[:0] = [item for item in batch.records if isinstance(item, End)][:1]
                if not batch.dropped:  # once, not again at every retry
                    log.warning("log not written", extra={"key": key, "error": str(batch.error)})
            entry.wake()
            self._forget(key, entry)


@contextlib.contextmanager
def _waiting(entry: _Log) -> Iterator["asyncio.Future[None]"]:
    """A future that is done after the key's next write."""
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    entry.waiters.add(waiter)
    try:
        yield waiter
    finally:
        entry.waiters.discard(waiter)


def _write_batches(batches: list[_Batch]) -> None:
    for batch in batches:
        try:
            batch.entry.files.append(batch.records)
        except OSError as error:
            batch.error = error


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise Unavailable(
            f"The log cannot be read: {error.strerror or error}.",
            code="log_unreadable",
            advice="See that the logs directory in data_dir belongs to the daemon's user.",
        ) from error
