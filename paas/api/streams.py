"""Server-sent events: one response that carries history and then what comes.

A quiet stream sends a comment every 15 seconds, so that both ends notice when the
other is gone; a client that takes nothing for a minute is given up, and one whose token
or session has ended gets no more.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiohttp import web

from paas.aio.tasks import Tasks
from paas.api.auth import RECHECK, Recheck
from paas.api.problems import classify, problem
from paas.errors import PaasError

log = logging.getLogger(__name__)

PING = 15.0
STALLED = 60.0
AHEAD = 64
"""Items that are read before the client took them."""

RECHECKED = 0.5
"""Seconds of a stream after which its caller's right is looked at again."""

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One event; `data` is one line, `id` what a client sends back as Last-Event-ID."""

    data: str
    name: str = ""
    id: str = ""

    def encode(self) -> bytes:
        head = f"id: {self.id}\n" if self.id else ""
        name = f"event: {self.name}\n" if self.name else ""
        return f"{head}{name}data: {self.data}\n\n".encode()


async def send(
    request: web.Request, events: AsyncGenerator[ServerEvent | None], *, ping: float = PING
) -> web.StreamResponse:
    """Send the events until they end or the client is gone. `events` yields None while
    there is nothing: a chance to ping. A failure becomes an `error` event.
    """
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    now = asyncio.get_running_loop().time
    sent = now()
    recheck = request.get(RECHECK)
    async with contextlib.aclosing(_told(events, recheck or _always)) as told:
        try:
            async for event in told:
                if event is None and now() - sent < ping:
                    continue
                async with asyncio.timeout(STALLED):
                    await response.write(b": ping\n\n" if event is None else event.encode())
                sent = now()
            await response.write_eof()
        except (ConnectionError, TimeoutError):
            log.debug("event stream left by its client", extra={"path": request.path})
    return response


class FanIn(Generic[T]):
    """Several sources as one, in the order in which their items come.

    At most `AHEAD` items are held: a slow reader slows the sources. Close it.
    """

    def __init__(self) -> None:
        self._tasks = Tasks()
        self._items: asyncio.Queue[tuple[T] | PaasError | None] = asyncio.Queue(AHEAD)
        self._running = 0

    def add(self, name: str, source: AsyncIterator[T]) -> None:
        """Read this source too."""
        self._running += 1
        self._tasks.spawn(name, self._read(source))

    @property
    def ended(self) -> bool:
        """Whether all sources ended and all they gave was taken."""
        return self._running == 0 and self._items.empty()

    async def next(self, tick: float) -> tuple[T] | None:
        """The next item in a tuple of one, or None after at most `tick` quiet seconds.
        Raises what a source raised.
        """
        try:
            async with asyncio.timeout(tick):
                item = await self._items.get()
        except TimeoutError:
            return None
        if isinstance(item, PaasError):
            raise item
        return item

    async def close(self) -> None:
        await self._tasks.close()

    async def _read(self, source: AsyncIterator[T]) -> None:
        last: PaasError | None = None
        try:
            async for item in source:
                await self._items.put((item,))
        except PaasError as error:
            last = error
        finally:
            self._running -= 1
        await self._items.put(last)


async def _told(
    events: AsyncGenerator[ServerEvent | None], recheck: Recheck
) -> AsyncGenerator[ServerEvent | None]:
    """The events, and one more that says why they broke off."""
    now = asyncio.get_running_loop().time
    checked = now()
    async with contextlib.aclosing(events):
        try:
            async for event in events:
                if now() - checked >= RECHECKED:
                    checked = now()
                    recheck()
                yield event
        except PaasError as error:
            status, title = classify(error)
            document = problem(error, status=status, title=title)
            yield ServerEvent(name="error", data=json.dumps(document))


def _always() -> None:
    """For those who need no proof that ends: the unix socket's."""
