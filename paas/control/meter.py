"""What each version does at a moment: its load, its replicas' use, what keeps it awake.

Requests are counted by the board, exactly; CPU and memory are sampled here, of every
replica that runs.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn

from paas.control.catalog import Catalog
from paas.control.replicas import Replica
from paas.control.roster import Roster
from paas.core.idle import Activity
from paas.core.model import Version, VersionStatus
from paas.core.planning import Phase
from paas.core.scaling import PANIC, STABLE, Observation
from paas.core.windows import Tally, Windows
from paas.live.board import Board, Target
from paas.ports import Clock, Engine, Usage

PACE = 2.0
"""Seconds between two samples of CPU and memory."""
_RUNNING = (Phase.STARTING, Phase.READY)


@dataclass(slots=True)
class _Gauge:
    """One version's: `windows` while it is watched, before and after that its `tally`;
    `memory` is the most a replica of it was seen to use.
    """

    windows: Windows | None = None
    tally: Tally = field(default_factory=Tally)
    memory: int = 0


@dataclass(slots=True)
class Sampled:
    """A replica's last sample and when it was taken (monotonic). `cores` is what it used
    since the one before, None for the first.
    """

    at: float
    usage: Usage
    cores: float | None = None


class Meter:
    """Watches the versions that are observed, until they are left alone."""

    def __init__(
        self, *, board: Board, roster: Roster, catalog: Catalog, engine: Engine, clock: Clock
    ) -> None:
        self._board = board
        self._roster = roster
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._gauges: dict[str, _Gauge] = {}
        self._sampled: dict[str, Sampled] = {}

    async def run(self) -> NoReturn:
        """Sample, for ever."""
        while True:
            await self.sample()
            await self._clock.sleep(PACE)

    async def sample(self) -> None:
        """One look at all replicas that run; those that cannot be measured give no data."""
        running = [one for one in self._roster.all() if self._counts(one)]
        usages = await self._engine.usages([one.id for one in running]) if running else {}
        now = self._clock.monotonic()
        for replica in running:
            if replica.id in usages:
                self._note(replica, usages[replica.id], now)
        self._sampled = {one: self._sampled[one] for one in usages if one in self._sampled}

    def observe(self, version: Version, now: float) -> Observation:
        """The version as it is at `now` (monotonic)."""
        target = self._board.targets.get(version.id)
        windows = self._windows(version.id, now)
        if target is not None:
            windows.count(target.tally(now), now)
        ready = [one for one in self._roster.of(version.id) if one.phase is Phase.READY]
        return Observation(
            ready=len(ready),
            stable=windows.averages(STABLE, now),
            panic=windows.averages(PANIC, now),
            activity=self.activity(version, now),
            waited=_waited(target, ready, now),
        )

    def activity(self, version: Version, now: float) -> Activity:
        """What it does at `now`, whether it is watched or not."""
        target = self._board.targets.get(version.id)
        phases = {one.phase for one in self._roster.of(version.id)}
        return Activity(
            last_active=target.idle_since if target else now,
            started=self._roster.started_at(version.id),
            in_flight=target.in_flight if target else 0,
            streams=target.streams if target else 0,
            queued=len(target.waiters) if target else 0,
            deploying=version.status is VersionStatus.STARTING,
            starting=Phase.STARTING in phases or version.id in self._roster.launching(),
        )

    def touch(self, version_id: str) -> None:
        """It was used just now, though not by a request."""
        self._board.touch(version_id)

    def most_memory(self, version_id: str) -> int:
        """The most bytes that a replica of it was seen to use; 0 while none was seen."""
        gauge = self._gauges.get(version_id)
        return gauge.memory if gauge else 0

    def memory(self, replica: Replica) -> int:
        """What it used when last seen, bytes; 0 while it was not seen."""
        seen = self._sampled.get(replica.id)
        return seen.usage.memory if seen else 0

    def sampled(self, replica_id: str) -> Sampled | None:
        """What it was last seen to use, while it runs."""
        return self._sampled.get(replica_id)

    def idle_since(self, version_id: str) -> float:
        """When its last request ended (monotonic); says nothing while there are any."""
        target = self._board.targets.get(version_id)
        return target.idle_since if target else 0.0

    def leave(self, version_ids: Collection[str], now: float) -> None:
        """These need no watching any more; their counters are compared with these later."""
        for version_id in version_ids:
            gauge, target = self._gauges.get(version_id), self._board.targets.get(version_id)
            if target is None:
                self._gauges.pop(version_id, None)
            elif gauge is not None:
                gauge.windows, gauge.tally = None, target.tally(now)

    # ---- private

    def _counts(self, replica: Replica) -> bool:
        """Of one that sleeps only how much memory it keeps is of interest, and once."""
        asleep = replica.phase is Phase.FROZEN
        return replica.phase in _RUNNING or (asleep and not self.most_memory(replica.version_id))

    def _windows(self, version_id: str, now: float) -> Windows:
        gauge = self._gauges.setdefault(version_id, _Gauge())
        if gauge.windows is None:
            gauge.windows = Windows(now, tally=gauge.tally)
        return gauge.windows

    def _note(self, replica: Replica, usage: Usage, now: float) -> None:
        found, gauge = (
            self._catalog.version(replica.version_id),
            self._gauges.get(replica.version_id),
        )
        before = self._sampled.get(replica.id)
        cores = _cores(before, usage, now)
        self._sampled[replica.id] = Sampled(now, usage, cores)
        if found is None or gauge is None:
            return
        spec = found[1].spec
        gauge.memory = max(gauge.memory, usage.memory)
        if gauge.windows is not None and replica.phase is Phase.READY:
            gauge.windows.sample(
                now,
                cpu=None if cores is None else 100 * cores / spec.cpu,
                memory=100 * usage.memory / spec.memory,
            )


def _cores(before: Sampled | None, usage: Usage, now: float) -> float | None:
    """Used between two samples; None for the first one."""
    if before is None or now <= before.at or usage.cpu < before.usage.cpu:
        return None
    return (usage.cpu - before.usage.cpu) / (now - before.at)


def _waited(target: Target | None, ready: list[Replica], now: float) -> float:
    """For how long the oldest request has waited while a replica was ready."""
    if target is None or not target.waiters or not ready:
        return 0.0
    return now - max(target.waiters[0].queued_at, min(one.since for one in ready))
