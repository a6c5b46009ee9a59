"""The roster: which replicas exist, in step with the board's slots.

Synchronous and single-owner: only the keeper's side changes it, and a replica has
a slot on the board exactly while it is ready or draining.
"""

import asyncio

from paas.aio.limiter import Urgency
from paas.control.replicas import Replica
from paas.core.model import Service, Version
from paas.core.planning import Phase, Seen
from paas.core.starts import remembered, usual_start, wait_limit
from paas.live.board import Board, Slot
from paas.ports import Clock, ReplicaFact

REMEMBERED = 60.0
"""Seconds in which a list of the engine's may still hold a replica that was removed."""
_COMING = frozenset({Phase.STARTING, Phase.FREEZING, Phase.FROZEN, Phase.WAKING, Phase.READY})


class Roster:
    """Replicas by id, and the board's targets and slots."""

    def __init__(self, *, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._replicas: dict[str, Replica] = {}
        self._versions: dict[str, dict[str, Replica]] = {}
        self._slots: dict[str, Slot] = {}
        self._launching: list[str] = []
        self._started_at: dict[str, float] = {}
        self._starts: dict[str, tuple[float, ...]] = {}
        self._removed: dict[str, float] = {}
        self._drained: dict[str, asyncio.Event] = {}
        board.on_drained = self._on_drained

    def get(self, replica_id: str) -> Replica | None:
        return self._replicas.get(replica_id)

    def ids(self) -> set[str]:
        return set(self._replicas)

    def of(self, version_id: str) -> list[Replica]:
        """The version's replicas, oldest first."""
        return list(self._versions.get(version_id, {}).values())

    def all(self) -> list[Replica]:
        return list(self._replicas.values())

    def versions(self) -> set[str]:
        """Ids of the versions of which anything exists or is being started."""
        return self._versions.keys() | self._launching

    def started_at(self, version_id: str) -> float | None:
        """When one of its replicas last became ready by a start or a wake (monotonic)."""
        return self._started_at.get(version_id)

    def was_removed(self, replica_id: str) -> bool:
        """Whether we removed it a moment ago: whoever lists it still is behind."""
        return replica_id in self._removed

    def has_ready(self, version_id: str) -> bool:
        return any(one.phase is Phase.READY for one in self.of(version_id))

    def coming(self, version_id: str) -> bool:
        """Whether one of its replicas serves, or is on its way to that."""
        return any(one.phase in _COMING for one in self.of(version_id))

    def leaving(self, replica: Replica) -> bool:
        """Whether it is being removed, after its last request."""
        return replica.phase is Phase.DRAINING and replica.id not in self._slots

    def in_flight(self, replica: Replica) -> int:
        slot = self._slots.get(replica.id)
        return slot.in_flight if slot else 0

    def seen(self) -> list[Seen]:
        """All of it as the planner wants it, launches under way included."""
        launches = [
            Seen(replica="", version_id=version_id, phase=Phase.STARTING)
            for version_id in self._launching
        ]
        return [one.seen(self.in_flight(one)) for one in self._replicas.values()] + launches

    def launching(self) -> set[str]:
        """Versions of which the engine is being asked for a replica just now."""
        return set(self._launching)

    def launches(self) -> list[str]:
        """The version of each launch under way."""
        return list(self._launching)

    def urgency(self, version_id: str) -> Urgency:
        """How soon its next start is needed: the first one that requests wait for before
        those that load asks for, and these before those that nobody waits for.
        """
        target = self._board.targets.get(version_id)
        if target is None or not (target.waiters or target.in_flight):
            return Urgency.PREWARM
        first = version_id not in self._launching and not self.coming(version_id)
        return Urgency.WAITING if first else Urgency.SCALE_UP

    def launch_begun(self, version_id: str) -> None:
        self._launching.append(version_id)

    def launch_ended(self, version_id: str) -> None:
        """Admit the new replica, if there is one, in the same synchronous stretch."""
        self._launching.remove(version_id)

    def publish(self, service: Service, version: Version) -> None:
        """Make the version known to the board, with its limits of the moment."""
        target = self._board.target(version.id, service=service.name, version=version.name)
        spec = version.spec
        target.concurrency = spec.concurrency
        target.idle_timeout = spec.timeouts.idle
        target.wait_limit = self._wait_limit(version)

    def took(self, version: Version, seconds: float) -> None:
        """A start of it took so long: requests wait for the next one accordingly."""
        self._starts[version.id] = remembered(self._starts.get(version.id, ()), seconds)
        target = self._board.targets.get(version.id)
        if target is not None:
            target.wait_limit = self._wait_limit(version)

    def withdraw(self, version_id: str) -> None:
        """The version is no more: nothing is routed to it."""
        self._started_at.pop(version_id, None)
        self._starts.pop(version_id, None)
        self._board.remove_target(version_id)

    def fail_waiters(self, version_id: str) -> None:
        """The version cannot start: answer who waits for it."""
        self._board.fail(version_id)

    def forgive(self, version_id: str) -> None:
        """It may be able to start again: requests wait for it."""
        self._board.forgive(version_id)

    def refuse_waiters(self, version_id: str) -> None:
        """The host has no memory for it: answer who waits, unless a replica will serve them."""
        if version_id not in self._launching and not self.coming(version_id):
            self._board.refuse(version_id)

    def rest(self, version_id: str, *, resting: bool) -> None:
        """Whether it is to be frozen: then what is no traffic keeps away from it."""
        self._board.rest(version_id, resting=resting)

    def admit(self, fact: ReplicaFact, phase: Phase) -> Replica:
        """Record a replica that the engine has."""
        replica = Replica(
            id=fact.id,
            service=fact.service,
            version=fact.version,
            version_id=fact.version_id,
            phase=phase,
            since=self._clock.monotonic(),
            host=fact.host,
            started=fact.started,
            cpu=fact.cpu,
        )
        self._replicas[fact.id] = replica
        self._versions.setdefault(fact.version_id, {})[fact.id] = replica
        return replica

    def ready(self, replica: Replica, port: int, *, cold: bool) -> None:
        """It passed its probe: route to it. `cold`: after a start or a wake."""
        self._enter(replica, Phase.READY)
        if cold:
            self._started_at[replica.version_id] = replica.since
        slot = self._slots[replica.id] = Slot(replica.id, replica.host or "", port)
        self._board.add_slot(replica.version_id, slot)

    def restored(self, replica: Replica) -> None:
        """The proxy had given it up, and it passed its probe again."""
        self._board.restore(replica.version_id, replica.id)

    def starting(self, replica: Replica) -> None:
        """It must pass its probe (again) before anything is routed to it."""
        self._unroute(replica, Phase.STARTING)

    def freezing(self, replica: Replica) -> None:
        """Nothing is routed to it from now on; whoever comes waits for its wake."""
        self._unroute(replica, Phase.FREEZING)

    def frozen(self, replica: Replica) -> None:
        self._unroute(replica, Phase.FROZEN)

    def waking(self, replica: Replica) -> None:
        self._unroute(replica, Phase.WAKING)

    def lost(self, replica: Replica) -> float:
        """It serves no more and is to be removed; returns for how long it was ready."""
        lived = self._clock.monotonic() - replica.since if replica.phase is Phase.READY else 0.0
        self._unroute(replica, Phase.EXITED)
        return lived

    def removed(self, replica: Replica) -> None:
        """We removed it from the engine."""
        now = self._clock.monotonic()
        recent = {one: at for one, at in self._removed.items() if now - at < REMEMBERED}
        self._removed = {**recent, replica.id: now}
        self.forget(replica)

    def forget(self, replica: Replica) -> None:
        """The engine has it no more."""
        self._unroute(replica, Phase.EXITED)
        self._replicas.pop(replica.id, None)
        siblings = self._versions.get(replica.version_id, {})
        siblings.pop(replica.id, None)
        if not siblings:
            self._versions.pop(replica.version_id, None)

    def draining(self, replica: Replica) -> None:
        """Nothing new is routed to it from now on; its requests may end."""
        self._enter(replica, Phase.DRAINING)
        self._board.drain(replica.version_id, replica.id)

    async def drain(self, replica: Replica, limit: float) -> bool:
        """Route nothing new to it and wait until its requests ended (True), or `limit`
        seconds passed (False: they will be cut).
        """
        self.draining(replica)
        slot = self._slots.get(replica.id)
        if slot is None:
            return True
        done = self._drained[replica.id] = asyncio.Event()
        if slot.in_flight == 0:
            done.set()
        try:
            async with asyncio.timeout(limit):
                await done.wait()
        except TimeoutError:
            return False
        finally:
            self._drained.pop(replica.id, None)
        return True

    def _wait_limit(self, version: Version) -> float:
        usual = usual_start(self._starts.get(version.id, ())) or version.start_seconds
        return wait_limit(start_timeout=version.spec.timeouts.start, usual=usual)

    def _on_drained(self, replica_id: str) -> None:
        done = self._drained.get(replica_id)
        if done is not None:
            done.set()

    def _unroute(self, replica: Replica, phase: Phase) -> None:
        self._board.remove_slot(replica.version_id, replica.id)
        self._slots.pop(replica.id, None)
        self._enter(replica, phase)

    def _enter(self, replica: Replica, phase: Phase) -> None:
        replica.enter(phase, self._clock.monotonic())
