"""One coarse tick for every deadline, so that no request needs a timer of its own.

A watched item stores its deadline as a plain attribute, which moving costs
nothing; the tick calls `expired` on those that passed it, at most one tick late
and never early.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

NEVER = float("inf")


class Timed(Protocol):
    """Something with a deadline on the timers' clock."""

    deadline: float

    def expired(self) -> None: ...


class Timers:
    """The tick: every `tick` seconds it calls `on_tick` and expires what is due. `now` is
    the time of the next one.
    """

    def __init__(self, *, tick: float, on_tick: Callable[[], None]) -> None:
        self._tick = tick
        self._on_tick = on_tick
        self._watched: set[Timed] = set()
        self._handle: asyncio.TimerHandle | None = None
        self.now = 0.0

    def start(self) -> None:
        """Begin to tick on the running loop; a second call does nothing."""
        if self._handle is None:
            self._arm(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def after(self, seconds: float) -> float:
        """The deadline that lies that far ahead."""
        return self.now + seconds

    def watch(self, item: Timed) -> None:
        self._watched.add(item)

    def forget(self, item: Timed) -> None:
        self._watched.discard(item)

    # ---- private

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        # counted from the next tick, so that the time between two never shortens a wait
        self.now = loop.time() + self._tick
        self._handle = loop.call_later(self._tick, self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._arm(loop)
        self._on_tick()
        for item in [item for item in self._watched if item.deadline <= now]:
            item.expired()
