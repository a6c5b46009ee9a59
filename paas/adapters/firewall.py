"""Keeps containers from the host's other ports and from metadata addresses, by iptables.

Touches the chains that bear our installation's name, and the jumps to them, only. It
cannot without iptables, without the right to change them, or when the engine is on
another machine: then `problem` says so, and replicas run nevertheless.
"""

import asyncio
import logging
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from paas.core.fence import Bridge, Openings, chains, rules, stale_jumps

log = logging.getLogger(__name__)

SECONDS = 20.0
INTERFACES = Path("/sys/class/net")
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_OFF = "internal.firewall is off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str = ""
    err: str = ""


Run = Callable[[Sequence[str], str], Awaitable[Ran]]
"""Runs a program with a text on its standard input."""


async def run(words: Sequence[str], text: str) -> Ran:
    """Without a shell, in a thread: it takes milliseconds, `SECONDS` at most. Raises `OSError`,
    `subprocess.SubprocessError`.
    """
    done = await asyncio.to_thread(
        subprocess.run,
        words,
        input=text.encode(),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    out, err = (part.decode("utf-8", "replace") for part in (done.stdout, done.stderr))
    return Ran(code=done.returncode, out=out, err=err)


class Firewall:
    """The rules of one installation. `problem` is why containers may reach more than they
    should; "" when they may not.
    """

    def __init__(
        self, installation: str, *, run: Run = run, interfaces: Path = INTERFACES, on: bool = True
    ) -> None:
        self._installation = installation
        self._run = run
        self._interfaces = interfaces
        self._on = on
        self._lock = asyncio.Lock()
        self.problem = "The engine was not reached yet." if on else _OFF
        self.internal = range(0)
        self.public: Collection[int] = ()
        """What replicas may reach (`Openings`); builds may not. Read anew in each round."""

    async def guard(self, bridge: Bridge) -> None:
        """Have the rules for that bridge as they should be; never raises."""
        async with self._lock:
            problem = await self._guarded(bridge)
        if problem and problem != self.problem:
            log.warning("replicas may reach ports of this host", extra={"problem": problem})
        self.problem = problem

    async def _guarded(self, bridge: Bridge) -> str:
        if not self._on:
            return _OFF
        if not (self._interfaces / bridge.interface).exists():
            return "The engine's bridge is not on this machine."
        if shutil.which("iptables", path=_PLACES) is None:
            return "iptables is not installed."
        public = tuple(sorted({*self.public} - {0}))
        ends = (self.internal[0], self.internal[-1]) if self.internal else None
        mine = Openings(internal=ends, host=public)
        openings = mine if bridge.purpose == "R" else Openings()
        try:
            await self._fill(bridge, openings)
            into, through = chains(self._installation, bridge)
            await self._jump("INPUT", into, bridge.interface)
            await self._jump(await self._passage(), through, bridge.interface)
        except (_RefusedError, OSError, subprocess.SubprocessError) as error:
            return f"iptables cannot be used: {error or type(error).__name__}"
        return ""

    async def _fill(self, bridge: Bridge, openings: Openings) -> None:
        text = rules(self._installation, bridge, openings)
        await self._do("iptables-restore", "--noflush", "--wait", "5", text=text)

    async def _passage(self) -> str:
        """The chain that the engine leaves to others; without it, that of the kernel."""
        try:
            await self._do("iptables", "--wait", "5", "-S", "DOCKER-USER")
        except _RefusedError:
            return "FORWARD"
        return "DOCKER-USER"

    async def _jump(self, hook: str, chain: str, interface: str) -> None:
        listing = await self._do("iptables", "--wait", "5", "-S", hook)
        stale, there = stale_jumps(listing, chain, interface)
        if not there:
            await self._do("iptables", "--wait", "5", "-I", hook, "1", "-i", interface, "-j", chain)
        for words in stale:
            await self._do("iptables", "--wait", "5", "-D", *words)

    async def _do(self, program: str, *words: str, text: str = "") -> str:
        found = shutil.which(program, path=_PLACES) or program
        ran = await self._run((found, *words), text)
        if ran.code != 0:
            raise _RefusedError(" ".join(ran.err.split())[:200])
        return ran.out


class _RefusedError(Exception):
    """What the program said."""
