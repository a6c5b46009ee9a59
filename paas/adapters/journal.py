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
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from paas.adapters.journal_files import End, LogFiles, is_key
from paas.aio.tasks import Tasks
from paas.core.model import LogLine
from paas.errors import Invalid, Unavailable

log = logging.getLogger(__name__)

FLUSH_EVERY = 0.25
"""Seconds in which lines gather, unless somebody waits for them."""
FLUSH_DEADLINE = 5.0
"""Seconds a reader waits for its key's lines to be written."""
BUFFERED_BYTES = 1024**2
"""Text held for each key between two writes; what exceeds it is dropped."""
LONGEST_TEXT = 64 * 1024
MARKER_STREAM = "paas"


@dataclass(slots=True)
class _Log:
    """One key in use: lines not yet written and those who wait for a write."""

    files: LogFiles
    pending: list[LogLine | End] = field(default_factory=list)
    size: int = 0
    dropped: int = 0
    waiters: set["asyncio.Future[None]"] = field(default_factory=set)
    readers: int = 0
    writing: bool = False
    removed: bool = False

    @property
    def dirty(self) -> bool:
        return bool(self.pending or self.dropped)

    def wake(self) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()


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
        self._loop = tasks.heal("journal", self._flushing)

    async def close(self) -> None:
        """Write what is buffered; followers end at the next line they miss."""
        self._loop.cancel()
        await asyncio.wait([self._loop])
        await self._flush()
        for entry in self._logs.values():
            entry.removed = True
            entry.wake()

    def append(self, key: str, line: LogLine) -> None:
        """Buffered; written within half a second. Never raises."""
        if not is_key(key):
            log.error("log key refused", extra={"key": key})
            return
        entry = self._log(key)
        if len(line.text) > LONGEST_TEXT:
            line = dataclasses.replace(line, text=line.text[:LONGEST_TEXT] + " … [cut]")
        if entry.dropped or entry.size + len(line.text) > BUFFERED_BYTES:
            entry.dropped += 1
        else:
            entry.pending.append(line)
            entry.size += len(line.text) + 64  # a line's own weight
        self._stir(entry)

    def finish(self, key: str) -> None:
        """No more lines will come: followers end after the last one, also after a restart."""
        if is_key(key):
            entry = self._log(key)
            entry.pending.append(End())
            self._stir(entry)

    async def read(self, key: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """Oldest first, cursor > `after`, at most the *last* `limit` of them.

        Raises `Invalid` (`bad_log_key`), `Unavailable` (`log_unreadable`).
        """
        with self._reading(key) as entry:
            await self._written(entry)
            return await _in_thread(lambda: entry.files.last(after=after, limit=limit))

    async def follow(self, key: str, *, after: int = 0) -> AsyncIterator[LogLine]:
        """What is there after the cursor, then what comes, until the key is finished or
        removed. Raises as `read`.
        """
        with self._reading(key) as entry:
            while not entry.removed:
                written = self._waiter(entry)
                position = after
                lines, ended = await _in_thread(lambda: entry.files.page(after=position))  # noqa: B023 - awaited at once
                for line in lines:
                    yield line
                    after = line.cursor
                if not lines and ended and not entry.dirty and not entry.writing:
                    return
                if not lines and not entry.removed:
                    self._stir(entry)
                    await written

    async def remove(self, key: str) -> None:
        """Delete the log; its followers end. Raises as `read`."""
        with self._reading(key) as entry:
            entry.removed = True
            entry.pending, entry.size, entry.dropped = [], 0, 0
            self._logs.pop(key, None)
            if entry.writing:
                await self._next_write(entry)
            entry.wake()
            await _in_thread(entry.files.remove)

    # ---- private

    def _log(self, key: str) -> _Log:
        entry = self._logs.get(key)
        if entry is None:
            files = LogFiles(self._root, key, limit=self._limit)
            entry = self._logs[key] = _Log(files)
        return entry

    @contextlib.contextmanager
    def _reading(self, key: str) -> "contextlib._GeneratorContextManager[_Log]":
        raise NotImplementedError

    def _stir(self, entry: _Log) -> None:
        """Have the loop write, at once when somebody waits for this key."""
        if entry.dirty:
            self._dirty.set()
            if entry.readers:
                self._urgent.set()

    def _waiter(self, entry: _Log) -> "asyncio.Future[None]":
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry.waiters.add(waiter)
        return waiter

    async def _written(self, entry: _Log) -> None:
        """Wait until all lines appended so far are on disk, at most the deadline."""
        while entry.dirty or entry.writing:
            self._stir(entry)
            if not await self._next_write(entry):
                return

    async def _next_write(self, entry: _Log) -> bool:
        waiter = self._waiter(entry)
        done, _ = await asyncio.wait([waiter], timeout=FLUSH_DEADLINE)
        return bool(done)
