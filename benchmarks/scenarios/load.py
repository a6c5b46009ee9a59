"""Requests as a crowd sends them: at their times, whether or not the earlier ones are answered.

Every latency is counted from the moment a request was due, so that a slow answer
does not hide those behind it. Nothing is repeated: what fails counts as failed.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")
ANSWER_SECONDS = 90.0
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One request. `due` is monotonic, `status` 0 when no answer came, `code` what the
    daemon or the failure calls it, `late` by how much this loader sent it too late.
    """

    due: float
    late: float = 0.0
    first: float
    seconds: float
    status: int = 0
    code: str = ""
    retry_after: str = ""
    cold: bool = False
    body: str = ""

    @property
    def own(self) -> float:
        """Seconds that the program itself says it took."""
        return int(self.body.split()[3]) / 1e6


class Crowd:
    """All that ask one host at one address; idle connections are used again."""

    def __init__(self, address: tuple[str, int], host: str) -> None:
        self._address = address
        self._host = host
        self._idle: deque[_Wire] = deque()

    async def warm(self, connections: int) -> None:
        """Open so many connections before the first request."""
        opened = await asyncio.gather(*(_Wire.open(self._address) for _ in range(connections)))
        self._idle.extend(opened)

    async def ask(self, due: float, path: str = "/", body: bytes = b"") -> Outcome:
        """One request, which was due then."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._asked(due, began, path, body)
        except (OSError, EOFError, TimeoutError) as error:
            passed = time.monotonic() - due
            return Outcome(due=due, first=passed, seconds=passed, code=type(error).__name__)

    async def at_once(self, count: int, path: str = "/", body: bytes = b"") -> list[Outcome]:
        now = time.monotonic()
        return await asyncio.gather(*(self.ask(now, path, body) for _ in range(count)))

    async def at(self, times: Iterable[float], path: str = "/") -> list[Outcome]:
        """A request at each of these rising moments (monotonic), without waiting for answers."""
        tasks = []
        async with asyncio.TaskGroup() as group:
            for due in times:
                await asyncio.sleep(due - time.monotonic())
                tasks.append(group.create_task(self.ask(due, path)))
        return [task.result() for task in tasks]

    async def steps(
        self, steps: Sequence[tuple[float, float]], path: str = "/", *, begin: float = 0.0
    ) -> list[Outcome]:
        """Constant rates one after another: (requests a second, for so many seconds)."""
        return await self.at(_times(steps, begin or time.monotonic()), path)

    def close(self) -> None:
        while self._idle:
            self._idle.popleft().close()

    # ---- private

    async def _asked(self, due: float, began: float, path: str, body: bytes) -> Outcome:
        wire = await self._wire()
        try:
            head, text, first = await wire.ask(self._host, path, body)
        except BaseException:
            wire.close()
            raise
        done = time.monotonic()
        fields = _fields(head)
        if fields.get("connection", "").lower() == "close" or wire.ended:
            wire.close()
        else:
            self._idle.append(wire)
        return Outcome(
            due=due,
            late=began - due,
            first=first - due,
            seconds=done - due,
            status=int(head.split(" ", 2)[1]),
            code=fields.get("x-paas-error", ""),
            retry_after=fields.get("retry-after", ""),
            cold="x-paas-cold-start" in fields,
            body=text,
        )

    async def _wire(self) -> "_Wire":
        """An idle one that the other side has not closed meanwhile, or a new one."""
        while self._idle:
            wire = self._idle.pop()
            if not wire.ended:
                return wire
            wire.close()
        return await _Wire.open(self._address)


def run(work: Coroutine[Any, Any, T]) -> T:
    """The loop of the daemon is also the one that disturbs the measurement least."""
    return uvloop.run(work)


@contextmanager
def beside(work: Coroutine[Any, Any, T]) -> Iterator["Future[T]"]:
    """The work goes on beside the block, which does not end before it."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run, work)


def failures(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """What was not answered with 200, by what it was."""
    wrong = (one for one in outcomes if one.status != OK)
    return dict(Counter(f"{one.status} {one.code}".strip() for one in wrong))


# ---- private


def _times(steps: Sequence[tuple[float, float]], begin: float) -> Iterable[float]:
    for rate, seconds in steps:
        yield from (begin + number / rate for number in range(round(rate * seconds)))
        begin += seconds


def _fields(head: str) -> dict[str, str]:
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in lines}


class _Wire:
    """One connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: tuple[str, int]) -> "_Wire":
        return cls(*await asyncio.open_connection(*address))

    @property
    def ended(self) -> bool:
        return self._reader.at_eof()

    async def ask(self, host: str, path: str, body: bytes) -> tuple[str, str, float]:
        """Head, body, and when the head was there."""
        method = "POST" if body else "GET"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{length}\r\n".encode())
        if body:
            self._writer.write(body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip()
        first = time.monotonic()
        size = int(_fields(head).get("content-length", "0"))
        text = (await self._reader.readexactly(size)).decode("latin-1")
        return head, text, first

    def close(self) -> None:
        self._writer.close()
