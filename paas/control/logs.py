"""Copies the output of replicas into the journal, where it outlives them.

What a service writes beyond its share waits where the engine keeps it, and is left out once
it is late: reading it would take the processor from everybody's requests.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from weakref import WeakValueDictionary

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.launcher import reveal
from paas.control.replicas import Replica
from paas.core.allowance import Allowance, spend
from paas.core.masking import mask
from paas.core.model import LogLine
from paas.errors import NotFound, PaasError
from paas.ports import Engine, Journal, ReplicaFact, Vault

log = logging.getLogger(__name__)

RETRY = 1.0
LAST_LINES = 2.0
LOOK_BACK = 1000
MOMENT = 0.05
MOST_RECENT = 1000
IN_A_ROW = 50
"""Lines of one replica that are taken before everything else has its turn."""
LINES = 2000.0
BURST = 5.0
"""Seconds' worth of lines that may come at once."""
LATE = 5.0
"""Seconds that lines of a service with too many may get later before they are left out."""
MARKER = "paas"
"""The stream of our own remarks between a program's lines."""


def version_log(version_id: str) -> str:
    """The journal's key of a version's replica output."""
    return f"versions/{version_id}"


def deployment_log(deployment_id: str) -> str:
    """The journal's key of a deployment's log."""
    return f"deployments/{deployment_id}"


class Collector:
    """One follower per running replica; a replica's lines are copied once, in order.

    `on_line` hears of every line with its version's id, after it was masked. `lines` a second
    are taken of one service, all its replicas together.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        journal: Journal,
        vault: Vault,
        catalog: Catalog,
        tasks: Tasks,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._vault = vault
        self._catalog = catalog
        self._tasks = tasks
        self._now = now
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._paces: WeakValueDictionary[str, _Pace] = WeakValueDictionary()
        self.lines = LINES
        self.on_line: Callable[[str, LogLine], None] | None = None

    def watch(self, replica: Replica) -> None:
        """Follow the replica until it ends; watching it twice changes nothing."""
        if replica.id not in self._followers:
            follower = self._tasks.spawn(f"log {replica.version}", self._follow(replica))
            self._followers[replica.id] = follower
            follower.add_done_callback(lambda _task: self._followers.pop(replica.id, None))

    async def exited(self, fact: ReplicaFact) -> None:
        """The replica's program ended by itself: say so behind its last lines."""
        follower = self._followers.get(fact.id)
        if follower is not None:
            await asyncio.wait([follower], timeout=LAST_LINES)
        killed = ", killed for want of memory" if fact.oom_killed else ""
        text = f"[the program ended with exit code {fact.exit_code}{killed}]"
        line = LogLine(time=self._now(), text=text, stream=MARKER, replica=fact.id)
        self._append(fact.version_id, line)

    async def ended(self, replica_id: str) -> None:
        """The replica is gone: wait a moment for its last lines, then let go."""
        follower = self._followers.pop(replica_id, None)
        if follower is not None:
            await asyncio.wait([follower], timeout=LAST_LINES)
            follower.cancel()

    async def _follow(self, replica: Replica) -> None:
        pace = self._paces.setdefault(replica.service, _Pace(self.lines))
        secrets = self._secrets(replica)
        copied: _Copied | None = None
        while True:
            try:
                if copied is None:
                    copied = await self._copied(version_log(replica.version_id), replica.id)
                if not await self._copy(replica, copied, pace, secrets):
                    copied = self._leave_out(replica)
                    continue
            except NotFound:
                return
            except PaasError as error:
                log.debug("log stream broke", extra={"code": error.code})
            except Exception:
                log.exception("log stream failed", extra={"replica": replica.id[:12]})
            else:
                return
            await asyncio.sleep(RETRY)

    async def _copy(
        self, replica: Replica, copied: "_Copied", pace: "_Pace", secrets: list[str]
    ) -> bool:
        """Until the replica ends; False when its lines get later and later."""
        told, count, first = copied.latest(), 0, 0.0
        async with aclosing(
            self._engine.logs(replica.id, since=copied.since, follow=True)
        ) as lines:
            async for raw in lines:
                line = replace(raw, text=mask(raw.text, secrets), replica=replica.id, cursor=0)
                if line not in told:
                    copied.add(line)
                    self._append(replica.version_id, line)
                count += 1
                if count % IN_A_ROW:
                    continue
                waited, late = await pace.turn(), self._now() - raw.time
                first = late if count == IN_A_ROW else first
                if waited and late > first + LATE:
                    return False
        return True

    def _leave_out(self, replica: Replica) -> "_Copied":
        """All that was not read so far."""
        now = self._now()
        text = f"[lines dropped: {replica.service} writes more than {self.lines:g} a second]"
        line = LogLine(time=now, text=text, stream=MARKER, replica=replica.id)
        self._append(replica.version_id, line)
        return _Copied(since=now)

    def _append(self, version_id: str, line: LogLine) -> None:
        self._journal.append(version_log(version_id), line)
        if self.on_line is not None:
            self.on_line(version_id, line)

    async def _copied(self, key: str, replica_id: str) -> "_Copied":
        """What an earlier daemon copied last of this replica."""
        copied = _Copied()
        for line in await self._journal.read(key, limit=LOOK_BACK):
            if line.replica == replica_id:
                copied.add(replace(line, cursor=0))
        return copied

    def _secrets(self, replica: Replica) -> list[str]:
        found = self._catalog.version(replica.version_id)
        return list(reveal(self._vault, found[1]).values()) if found else []


class _Copied:
    """One replica's lines of the last moment. After a break the engine is asked from its
    beginning on, and what it tells again is left out. A program's two streams are not in
    order to the microsecond, so no line is left out for its time alone.
    """

    def __init__(self, *, since: float = 0.0) -> None:
        """Of what was before `since` nothing is wanted."""
        self._since = since
        self._lines: deque[LogLine] = deque(maxlen=MOST_RECENT)

    @property
    def since(self) -> float:
        """From when on to read again; 0 for everything."""
        return min((line.time for line in self._lines), default=self._since)

    def add(self, line: LogLine) -> None:
        self._lines.append(line)
        # against the line just added, which ends this even where the clock was set back
        while self._lines[0].time < line.time - MOMENT:
            self._lines.popleft()

    def latest(self) -> frozenset[LogLine]:
        return frozenset(self._lines)


class _Pace:
    """How fast the output of one service is taken, of all its replicas together."""

    __slots__ = ("__weakref__", "_left", "_rate")

    def __init__(self, rate: float) -> None:
        burst = max(float(IN_A_ROW), BURST * rate)
        self._rate = rate
        self._left = Allowance(burst=burst, rate=rate, left=burst)

    async def turn(self) -> bool:
        """After `IN_A_ROW` lines: everything else has its turn. Whether it had to wait."""
        now = asyncio.get_running_loop().time
        await asyncio.sleep(0)
        waited = False
        while True:
            self._left, allowed = spend(self._left, now(), cost=IN_A_ROW)
            if allowed:
                return waited
            waited = True
            await asyncio.sleep(IN_A_ROW / self._rate)
