"""A `Journal` in memory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from paas.core.model import LogLine


class FakeJournal:
    """`lines` by key; `finished` holds the keys to which nothing more will come."""

    def __init__(self) -> None:
        self.lines: dict[str, list[LogLine]] = {}
        self.finished: set[str] = set()
        self._news = asyncio.Event()

    def texts(self, key: str) -> list[str]:
        return [line.text for line in self.lines.get(key, [])]

    def append(self, key: str, line: LogLine) -> None:
        lines = self.lines.setdefault(key, [])
        lines.append(replace(line, cursor=len(lines) + 1))
        self._wake()

    async def read(self, key: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        return [line for line in self.lines.get(key, []) if line.cursor > after][-limit:]

    async def follow(self, key: str, *, after: int = 0) -> AsyncIterator[LogLine]:
        while True:
            news = self._news
            for line in self.lines.get(key, [])[after:]:
                after = line.cursor
                yield line
            if len(self.lines.get(key, [])) > after:
                continue
            if key in self.finished:
                return
            await news.wait()

    def finish(self, key: str) -> None:
        self.finished.add(key)
        self._wake()

    async def remove(self, key: str) -> None:
        self.lines.pop(key, None)

    async def sizes(self) -> dict[str, int]:
        return {key: sum(len(line.text) for line in lines) for key, lines in self.lines.items()}

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
