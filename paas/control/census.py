"""What every version did since the last look: differences of counters, and what is there.

The board's counters only grow; this remembers how far each was. A version that nothing
happened to and that has no replica costs a comparison.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from paas.control.catalog import Catalog
from paas.control.coldstart import ColdStart
from paas.control.meter import Meter
from paas.control.replicas import STATES, Replica
from paas.control.roster import Roster
from paas.core.figures import CLASSES, NOTHING, Figures
from paas.core.model import ReplicaState
from paas.live.board import Board, Target
from paas.live.counted import Counted
from paas.ports import Clock, Usage

Key = tuple[str, str]
"""Service id and version name; the name is empty for requests that reached no version."""


@dataclass(slots=True)
class ColdStarts:
    """Of one version since the daemon began: how many, and how long they took in all."""

    count: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Counters as they were; `counted` is whose."""

    counted: Counted | None = None
    total: int = 0
    classes: tuple[int, ...] = (0,) * len(CLASSES)
    errors: tuple[tuple[str, int], ...] = ()
    latency: Sequence[int] = ()
    seconds: float = 0.0


@dataclass(slots=True)
class _Used:
    """A replica's CPU seconds so far at a time, and its memory, as last sampled."""

    at: float
    usage: Usage
    cpu: float = 0.0


class Census:
    """Take it from time to time; what it tells is since the time before."""

    def __init__(
        self, *, board: Board, roster: Roster, meter: Meter, catalog: Catalog, clock: Clock
    ) -> None:
        self._board = board
        self._roster = roster
        self._meter = meter
        self._catalog = catalog
        self._clock = clock
        self._seen: dict[Key, Seen] = {}
        self._used: dict[str, _Used] = {}
        self._busy: dict[str, float] = {}
        self._before = clock.monotonic()
        self._cold_told: dict[str, ColdStarts] = {}
        self.cold: dict[str, ColdStarts] = {}

    def started(self, replica: Replica, cold: ColdStart) -> None:
        """A replica became ready by a start or a wake."""
        found = self.cold.setdefault(replica.version_id, ColdStarts())
        found.count += 1
        found.seconds += cold.seconds

    def cpu(self, replica: Replica) -> float:
        """The cores it used between its last two samples."""
        used = self._used.get(replica.id)
        return used.cpu if used else 0.0

    def take(self) -> dict[Key, Figures]:
        """The figures of all versions that did anything or have replicas."""
        now = self._clock.monotonic()
        found: dict[Key, Figures] = {}
        there = self._roster.versions()
        for version_id, target in self._board.targets.items():
            if self._rests(target, there):
                continue
            home = self._catalog.version(version_id)
            if home is not None:
                key = (home[0].id, target.version)
                figures = self._version(key, target, now)
                if figures is not NOTHING:
                    found[key] = figures
        found |= self._turned_away()
        self._forget(now)
        return found

    # ---- private

    def _rests(self, target: Target, there: Container[str]) -> bool:
        """Nothing ever happened to it and nothing is there: most are such, and this is quick."""
        version_id = target.version_id
        return (
            target.counted.untouched
            and not (target.in_flight or target.waiters)
            and version_id not in there
            and version_id not in self.cold
        )

    def _version(self, key: Key, target: Target, now: float) -> Figures:
        cold = self._cold(target.version_id)
        counted = self._counted(key, target.counted)
        there = target.in_flight or target.waiters or self._roster.of(target.version_id)
        if counted is NOTHING and not cold.count and not there:
            return NOTHING
        gauges = self._gauges(target, now)
        if counted is NOTHING and not cold.count and not any(gauges):
            return NOTHING
        return Figures(
            classes=counted.classes,
            errors=counted.errors,
            latency=counted.latency,
            seconds=counted.seconds,
            cold_starts=cold.count,
            cold_seconds=cold.seconds,
            gauges=gauges,
        )

    def _counted(self, key: Key, counted: Counted) -> Figures:
        counted.settle()
        total = sum(counted.classes) + sum(counted.errors.values())
        before = self._seen.get(key, _NEVER)
        if before.counted is not counted:
            before = _NEVER
        if total == before.total:
            return NOTHING
        after = Seen(
            counted=counted,
            total=total,
            classes=tuple(counted.classes[: len(CLASSES)]),
            errors=tuple(counted.errors.items()),
            latency=tuple(counted.latency),
            seconds=counted.seconds,
        )
        self._seen[key] = after
        return _difference(before, after)

    def _turned_away(self) -> dict[Key, Figures]:
        found = {}
        for name in list(self._board.turned_away.services):
            service = self._catalog.find(name)
            if service is None:
                self._board.turned_away.forget(name)
                continue
            key = (service.id, "")
            figures = self._counted(key, self._board.turned_away.of(name))
            if figures is not NOTHING:
                found[key] = figures
        return found

    def _cold(self, version_id: str) -> ColdStarts:
        now, told = self.cold.get(version_id), self._cold_told.get(version_id, _NONE_COLD)
        if now is None or now.count == told.count:
            return _NONE_COLD
        self._cold_told[version_id] = ColdStarts(now.count, now.seconds)
        return ColdStarts(now.count - told.count, now.seconds - told.seconds)

    def _gauges(self, target: Target, now: float) -> tuple[float, ...]:
        """In the order of `GAUGES`."""
        replicas = self._roster.of(target.version_id)
        states = [STATES[one.phase] for one in replicas]
        used = [one for one in map(self._use, replicas) if one is not None]
        return (
            self._in_flight(target, now),
            float(len(target.waiters)),
            float(states.count(ReplicaState.READY)),
            float(states.count(ReplicaState.FROZEN)),
            float(states.count(ReplicaState.STARTING)),
            sum(one.cpu for one in used),
            float(sum(one.usage.memory for one in used)),
        )

    def _in_flight(self, target: Target, now: float) -> float:
        """The average since the last look, exactly: what all lived through in that time."""
        busy, past = target.tally(now).busy, now - self._before
        before = self._busy.get(target.version_id, 0.0)
        self._busy[target.version_id] = busy
        return round(max(0.0, busy - before) / past, 4) if past > 0 else float(target.in_flight)

    def _use(self, replica: Replica) -> _Used | None:
        """A frozen replica uses no CPU and keeps the memory it was last seen with."""
        sample, known = self._meter.sampled(replica.id), self._used.get(replica.id)
        if sample is not None and (known is None or sample.at > known.at):
            if known is not None:
                spent = max(0.0, sample.usage.cpu - known.usage.cpu)
                cpu = spent / (sample.at - known.at)
            else:
                cpu = 0.0
            known = self._used[replica.id] = _Used(sample.at, sample.usage, cpu)
        elif known is not None and STATES[replica.phase] is ReplicaState.FROZEN:
            known.cpu = 0.0
        return known

    def _forget(self, now: float) -> None:
        """What is no more needs no memory."""
        self._before = now
        alive = self._roster.ids()
        self._used = {one: used for one, used in self._used.items() if one in alive}
        targets = self._board.targets
        for known in (self._busy, self.cold, self._cold_told):
            for gone in known.keys() - targets.keys():
                del known[gone]
        if len(self._seen) > len(targets) + len(self._board.turned_away.services):
            self._forget_seen()

    def _forget_seen(self) -> None:
        here = [one.counted for one in self._board.targets.values()]
        here += self._board.turned_away.services.values()
        known = {id(one) for one in here}
        self._seen = {key: one for key, one in self._seen.items() if id(one.counted) in known}


_NEVER = Seen()
_NONE_COLD = ColdStarts()


def _difference(before: Seen, after: Seen) -> Figures:
    errors, latency = dict(before.errors), before.latency or (0,) * len(after.latency)
    return Figures(
        classes=tuple(a - b for a, b in zip(after.classes, before.classes, strict=True)),
        errors={
            code: count - errors.get(code, 0)
            for code, count in after.errors
            if count != errors.get(code, 0)
        },
        latency={
            at: a - b
            for at, (a, b) in enumerate(zip(after.latency, latency, strict=True))
            if a != b
        },
        seconds=after.seconds - before.seconds,
    )
