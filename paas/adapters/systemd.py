"""The service manager's two interfaces: it is told how we are, and hands sockets over.

Without systemd nothing of this does anything: no address to tell, no sockets. What is
told never waits and never fails: a manager that is gone or slow must not stop us.
"""

import faulthandler
import logging
import os
import re
import socket
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass

from paas.core.handover import Held
from paas.errors import Invalid

log = logging.getLogger(__name__)

FIRST = 3
"""The number of the first descriptor that is handed over."""
MOST = 64
STALL = 15.0
"""Seconds for which the loop may stand still before its stack is written, without a watchdog."""
_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{0,255}")


class Manager:
    """What the service manager is told, as `sd_notify(3)` describes; each a datagram."""

    def __init__(self, address: str) -> None:
        """`address` is a path, or an abstract name after `@`; empty: nobody is told."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def ready(self, status: str) -> None:
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Until `ready` is told again."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self, status: str) -> None:
        self._tell("STOPPING=1", f"STATUS={status}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._tell(f"STATUS={text}")

    def alive(self) -> None:
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ours:
                ours.setblocking(False)
                ours.connect(self._address)
                ours.send("\n".join(line.replace("\n", " ") for line in lines).encode())
        except OSError as error:
            log.debug("service manager not told", extra={"error": error.strerror})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`period`: seconds after which the manager takes us for hung; None: it does not look."""

    manager: Manager
    period: float | None = None

    async def run(self, pause: Callable[[float], Awaitable[object]]) -> None:
        """Tell the manager that the event loop turns, as long as it does.

        Run it as a task of that loop, so that a blocked loop tells nothing. A thread of
        the interpreter then writes where it hangs to stderr, a moment before the manager
        ends the process.
        """
        stall = STALL if self.period is None else self.period * 0.8
        beat = (STALL if self.period is None else self.period) / 4
        try:
            while True:
                faulthandler.dump_traceback_later(stall, exit=False)
                if self.period is not None:
                    self.manager.alive()
                await pause(beat)
        finally:
            faulthandler.cancel_dump_traceback_later()


NOBODY = Watch(manager=Manager(""))
"""Who runs without a manager."""


def manager(env: MutableMapping[str, str]) -> Watch:
    """Whom to tell, from the environment, which forgets it: no child may speak for us.

    Raises `Invalid` (`bad_activation`).
    """
    address = env.pop("NOTIFY_SOCKET", "")
    period, pid = env.pop("WATCHDOG_USEC", ""), env.pop("WATCHDOG_PID", "")
    ours = not pid or _number("WATCHDOG_PID", pid) == os.getpid()
    seconds = _number("WATCHDOG_USEC", period) / 1e6 if period and ours else None
    return Watch(manager=Manager(address), period=seconds or None)


def handed_over(env: MutableMapping[str, str]) -> list[tuple[Held, socket.socket]]:
    """The listening sockets that `LISTEN_FDS` announces, in their order; not inherited by
    children any more, and forgotten by the environment.

    Empty when they are meant for another process. Raises `Invalid` (`bad_activation`) for
    what is not a listening TCP socket or not well announced.
    """
    count, pid = env.pop("LISTEN_FDS", ""), env.pop("LISTEN_PID", "")
    names = env.pop("LISTEN_FDNAMES", "")
    if not count or (pid and _number("LISTEN_PID", pid) != os.getpid()):
        return []
    if not pid:
        raise _wrong("LISTEN_FDS is there without LISTEN_PID")
    number = _number("LISTEN_FDS", count)
    if number > MOST:
        raise _wrong(f"LISTEN_FDS is {number}, more than {MOST}")
    if not number:
        return []
    labels = names.split(":") if names else [""] * number
    if len(labels) != number or not all(map(_NAME.fullmatch, labels)):
        raise _wrong(f"LISTEN_FDNAMES {names!r} does not name {number} sockets")
    return [_taken(FIRST + index, label) for index, label in enumerate(labels)]


# ---- private


def _taken(descriptor: int, name: str) -> tuple[Held, socket.socket]:
    try:
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
        tcp = sock.family in {socket.AF_INET, socket.AF_INET6}
        listens = tcp and sock.type == socket.SOCK_STREAM
        listens = listens and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError as error:
        raise _wrong(f"descriptor {descriptor} ({name or 'no name'}): {error.strerror}") from error
    if not listens:
        sock.detach()
        raise _wrong(f"descriptor {descriptor} ({name or 'no name'}) is no listening TCP socket")
    sock.setblocking(False)
    host, port = sock.getsockname()[:2]
    return Held(name=name, host=str(host), port=int(port)), sock


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _wrong(f"{name} is {text!r}, no number")
    return int(text)


def _wrong(problem: str) -> Invalid:
    return Invalid(
        f"The sockets handed over by the service manager cannot be used: {problem}.",
        code="bad_activation",
        advice="See the .socket units (docs/operations.md), or start the daemon without them.",
    )
