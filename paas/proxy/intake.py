"""Accepting pauses while the process is short of descriptors.

What is open goes on, with the descriptors that are kept back for it: connections to
replicas, the store, the engine, logs. Who comes meanwhile waits in the kernel's queue.
The event loop alone would accept and drop whoever comes, and turn in circles without
rest once its own spare descriptor is lost.
"""

import logging
import resource
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from paas.http1.limits import Limits
from paas.proxy.timers import NEVER, Timers

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds that a pause lasts at least."""
MOST_RESERVED = 128


class Intake:
    """`pause` and `resume` are called in turns; `pauses` counts the former.

    The kernel gives the lowest number that is free, so a new descriptor's number tells
    how many are used at least. Counting them takes longer and is kept for pauses.
    """

    def __init__(
        self, timers: Timers, *, pause: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        limit = descriptors()
        self._most = limit - _reserved(limit)
        self._enough = self._most - _reserved(limit) // 2
        self._timers = timers
        self._pause = pause
        self._resume = resume
        self._until = NEVER
        self.paused = False
        self.pauses = 0

    def accepted(self, descriptor: int) -> None:
        """There is a new connection with that number: is there room for more?"""
        if descriptor >= self._most:
            self.short()

    def short(self) -> None:
        """There is no room for more."""
        if self.paused:
            return
        self.paused = True
        self.pauses += 1
        self._until = self._timers.after(PAUSE)
        log.warning("out of descriptors, accepting pauses", extra={"most": self._most})
        self._pause()

    def look(self) -> None:
        """At each tick: others use descriptors too, and the whole host can run out."""
        if self.paused:
            if self._until > self._timers.after(0):
                return
            self._until = self._timers.after(PAUSE)
            if _used() < self._enough:
                self.paused = False
                log.info("descriptors are free, accepting goes on")
                self._resume()
        elif _next_number() >= self._most:
            self.short()


def descriptors() -> int:
    """How many the process may have."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ENDLESS if soft == resource.RLIM_INFINITY else soft


def last_reserve() -> int:
    """The number of a descriptor from which on only what is under way may have one."""
    limit = descriptors()
    return limit - _reserved(limit) // 2


def raise_descriptors() -> None:
    """Allow the process all that it may allow itself."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def fitting(limits: Limits) -> Limits:
    """These limits, with no more connections than there are descriptors for: each may
    need another one to a replica. What is left open follows from that number, so that
    neither one client nor one service can use up all.
    """
    limit = descriptors()
    most = max(1, (limit - _reserved(limit)) // 2)
    if most < limits.connections:
        log.warning(
            "fewer connections than wished, for want of descriptors",
            extra={"wished": limits.connections, "connections": most, "descriptors": limit},
        )
    most = min(most, limits.connections)
    half, quarter = max(1, most // 2), max(1, most // 4)
    return replace(
        limits,
        connections=most,
        connections_per_address=limits.connections_per_address or half,
        requests_per_service=limits.requests_per_service or half,
        tunnels_per_service=limits.tunnels_per_service or quarter,
    )


# ---- private

_ENDLESS = 1 << 30
_OPEN = Path("/proc/self/fd")


def _reserved(limit: int) -> int:
    return min(MOST_RESERVED, limit // 4)


def _next_number() -> int:
    """The number a new connection would get; endless when there can be none."""
    try:
        with socket.socket() as probe:
            return probe.fileno()
    except OSError:
        return _ENDLESS


def _used() -> int:
    """How many descriptors are used; endless when there can be no other."""
    if _next_number() == _ENDLESS:
        return _ENDLESS
    try:
        return len(list(_OPEN.iterdir()))
    except OSError:
        return _ENDLESS
