"""The one place that starts tasks: named, referenced, failures logged once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from paas.aio.backoff import Backoff

log = logging.getLogger(__name__)
T = TypeVar("T")
HEALING = Backoff(first=0.5, cap=30.0)


class Tasks:
    """A set of running tasks that can be ended together."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(
        self, name: str, work: Coroutine[Any, Any, T], *, awaited: bool = False
    ) -> "asyncio.Task[T]":
        """Run `work` under that name and keep hold of it until it ends.

        A failure is logged once, here; with `awaited` it is the awaiter's to handle.
        """
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard if awaited else self._ended)
        return task

    def heal(
        self,
        name: str,
        loop: Callable[[], Awaitable[None]],
        *,
        backoff: Backoff = HEALING,
    ) -> "asyncio.Task[None]":
        """Run a background loop that must not die: when it ends or fails it is started
        again after a growing delay, and resynchronises by itself.
        """
        return self.spawn(name, _healing(name, loop, backoff))

    async def close(self, *, grace: float = 5.0) -> None:
        """Cancel all that still runs, what it spawns meanwhile included, and wait for it,
        at most `grace` seconds; names those that do not end.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + grace
        while self._running and (left := deadline - clock()) > 0:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running, timeout=left)
        if self._running:
            names = sorted(task.get_name() for task in self._running)
            log.warning("tasks did not end", extra={"tasks": names})

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", extra={"task": task.get_name()}, exc_info=error)


async def _healing(name: str, loop: Callable[[], Awaitable[None]], backoff: Backoff) -> None:
    clock = asyncio.get_running_loop().time
    failures = 0
    while True:
        started = clock()
        try:
            await loop()
            log.warning("loop ended, restarting", extra={"task": name})
        except Exception:
            log.exception("loop failed, restarting", extra={"task": name})
        failures = failures + 1 if clock() - started < backoff.cap else 1
        await asyncio.sleep(backoff.delay(failures))
