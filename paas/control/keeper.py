"""The keeper: the only one that starts and stops replicas.

Level-triggered: it lists what runs, asks the scaler what should, and acts on the
difference (`core.planning.plan`). So recovery after any crash is the ordinary path.
Its records are brought level with the engine whenever something changed there, and
every ten seconds whatever happened.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.health import STEADY_AFTER
from paas.control.lives import Lives
from paas.control.replicas import Replica
from paas.control.roster import Roster
from paas.control.scaler import Scaler
from paas.core.admission import Verdict
from paas.core.idle import Stage
from paas.core.lifecycle import RUNNABLE
from paas.core.model import Condition, Service, Version, VersionStatus
from paas.core.planning import Action, Drain, Freeze, Phase, Remove, Start, Wake, Want, plan
from paas.core.scaling import Decision
from paas.errors import PaasError
from paas.live.board import Board
from paas.ports import Clock, ContainerState, Engine, ReplicaFact

log = logging.getLogger(__name__)

ROUND = 1.0
GAP = 0.01
"""Seconds at least from one round to the next: a thousand requests that queue one after
another do not make a thousand rounds.
"""
RESYNC = 10.0
RETRY = 0.5
"""Seconds between two looks at an engine that does not answer."""
SETTLE = (0.3, 1.0, 3.0)
"""Seconds after an event at which to look again: the engine tells of a replica's end
before it lists it as ended, on a busy host well before."""
ASLEEP = frozenset({Phase.FREEZING, Phase.FROZEN, Phase.WAKING})
CHANGING = frozenset({Phase.FREEZING, Phase.WAKING})


class Keeper:
    """Keeps replicas as wanted."""

    def __init__(
        self,
        *,
        engine: Engine,
        lives: Lives,
        roster: Roster,
        catalog: Catalog,
        scaler: Scaler,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._lives = lives
        self._roster = roster
        self._catalog = catalog
        self._scaler = scaler
        self._clock = clock
        self._tasks = Tasks()
        self._work = asyncio.Event()
        self._dirty = True
        self._blind = True
        self._retry_at = float("-inf")
        self._observed = float("-inf")
        self._heard = float("-inf")

    def attach(self, board: Board) -> None:
        """Hear of requests that wait, and of replicas that cannot be reached."""
        board.on_demand = self._demanded
        board.on_suspect = self._suspected
        self._scaler.poke = self.poke
        self._catalog.observe(self._changed)

    def poke(self) -> None:
        """Look again soon."""
        self._work.set()

    async def run(self) -> None:
        """Keep, for ever."""
        self._dirty, self._retry_at = True, float("-inf")
        while True:
            began = self._clock.monotonic()
            await self._round()
            pause = SETTLE[0] if self._observed < self._heard + SETTLE[0] else ROUND
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._work.wait()
            await self._clock.sleep(began + GAP - self._clock.monotonic())

    async def watch(self) -> None:
        """Hear the engine's changes, for ever."""
        async for _replica in self._engine.changes():
            self._dirty = True
            self._heard = self._clock.monotonic()
            self._retry_at = self._heard
            self.poke()

    async def close(self) -> None:
        """Stop keeping; replicas run on."""
        await self._tasks.close()

    def replicas(self, version_id: str) -> list[Replica]:
        return self._roster.of(version_id)

    def condition(self, version: Version) -> Condition | None:
        """How a ready version runs now; None for one that is not ready, and while nobody
        has looked at the engine yet.
        """
        if version.status is not VersionStatus.READY or self._observed == float("-inf"):
            return None
        phases = {one.phase for one in self._roster.of(version.id)}
        if Phase.READY in phases:
            return Condition.SERVING
        if self._lives.health.failures(version.id):
            return Condition.CRASHING
        return Condition.IDLE if phases & ASLEEP else Condition.ZERO

    async def _round(self) -> None:
        self._work.clear()
        if self._must_look():
            await self._observe()
        if self._blind:
            return  # what is not seen must not be started once more
        now = self._clock.monotonic()
        health = self._lives.health
        decisions = self._scaler.decisions(now)
        self._forgive(decisions)
        self._calm(now)
        wants = {
            version_id: Want(
                count=one.count,
                frozen=one.stage is Stage.FROZEN,
                not_before=health.not_before(version_id),
            )
            for version_id, one in decisions.items()
        }
        for version_id, want in wants.items():
            self._roster.rest(version_id, resting=want.frozen)
        for action in plan(wants, self._roster.seen(), now):
            self._act(action)

    def _must_look(self) -> bool:
        now = self._clock.monotonic()
        if self._blind:
            return now >= self._retry_at
        settling = any(self._observed < self._heard + later <= now for later in SETTLE)
        return self._dirty or settling or now - self._observed > RESYNC

    def _calm(self, now: float) -> None:
        """A replica that has run long enough ends its version's row of failures."""
        for version_id in self._lives.health.failing():
            if any(
                one.phase is Phase.READY and now - one.since >= STEADY_AFTER
                for one in self._roster.of(version_id)
            ):
                self._spawn("calm", self._lives.recovered(version_id))

    def _forgive(self, decisions: Mapping[str, Decision]) -> None:
        awake = {one for one, found in decisions.items() if found.stage is Stage.SERVING}
        self._lives.forgive(awake)

    async def _observe(self) -> None:
        """Bring the records level with the engine. When it does not answer they stay
        as they are: traffic goes on.
        """
        self._dirty = False
        known, launching = self._roster.ids(), self._roster.launching()
        asked = self._clock.monotonic()
        try:
            facts = await self._engine.replicas()
        except PaasError as error:
            self._lost_sight(error)
            return
        self._blind, self._observed = False, self._clock.monotonic()
        for replica_id in known - {fact.id for fact in facts}:
            self._vanished(replica_id)
        for fact in facts:
            replica = self._roster.get(fact.id)
            if replica is not None and (fact.id not in known or replica.since > asked):
                self._dirty = True  # it changed since we asked: what is listed may be older
            elif replica is not None:
                self._update(replica, fact)
            elif self._roster.was_removed(fact.id):
                continue
            elif fact.version_id in launching | self._roster.launching():
                self._dirty = True
            else:
                self._adopt(fact)

    def _lost_sight(self, error: PaasError) -> None:
        now = self._clock.monotonic()
        if not self._blind or self._observed == float("-inf"):
            log.warning("engine does not answer", extra={"code": error.code})
        self._dirty = self._blind = True
        self._retry_at = now + RETRY

    def _vanished(self, replica_id: str) -> None:
        """Somebody removed it by hand."""
        replica = self._roster.get(replica_id)
        if replica is not None and replica.phase is not Phase.DRAINING:
            log.warning("replica vanished", extra={"replica": replica_id})
            self._roster.forget(replica)

    def _adopt(self, fact: ReplicaFact) -> None:
        """One that ran before this daemon did: take it over, or have it removed."""
        found = self._version(fact.version_id)
        if found is None:
            self._roster.admit(fact, Phase.EXITED)
            return
        self._roster.publish(*found)
        if fact.state is ContainerState.RUNNING:
            replica = self._roster.admit(fact, Phase.STARTING)
            self._spawn("adopt", self._lives.bring_up(replica, found[1]))
        elif fact.state is ContainerState.PAUSED:
            self._roster.admit(fact, Phase.FROZEN)
        else:
            self._roster.admit(fact, Phase.EXITED)

    def _update(self, replica: Replica, fact: ReplicaFact) -> None:
        found = self._version(replica.version_id)
        version = found[1] if found else None
        if replica.phase in (Phase.EXITED, Phase.DRAINING):
            return
        if fact.state in (ContainerState.EXITED, ContainerState.CREATED):
            self._spawn("exited", self._lives.exited(replica, fact, version))
        elif replica.phase in CHANGING:
            return  # the engine is at it
        elif fact.state is ContainerState.PAUSED:
            if replica.phase in (Phase.STARTING, Phase.READY):
                self._roster.frozen(replica)
        elif version is not None and replica.phase is Phase.READY and replica.host == fact.host:
            self._keep_limit(replica, fact, version)
        elif version is not None and (replica.phase is Phase.FROZEN or fact.host != replica.host):
            replica.host = fact.host
            self._roster.starting(replica)
            self._spawn("bring up", self._lives.bring_up(replica, version))

    def _act(self, action: Action) -> None:
        if isinstance(action, Start):
            self._start(action.version_id)
            return
        replica = self._roster.get(action.replica)
        if replica is None or replica.phase is Phase.DRAINING:
            return  # another action of this round saw to it
        found = self._version(replica.version_id)
        if isinstance(action, Wake) and found:
            self._evict(self._lives.headroom.for_wake(replica))
            self._roster.waking(replica)
            self._spawn("wake", self._lives.wake(replica, found[1]))
        elif isinstance(action, Freeze) and found:
            self._freeze(replica, found[1])
        elif isinstance(action, Drain) or (
            isinstance(action, Remove) and replica.phase is Phase.READY
        ):
            limit = found[1].spec.timeouts.drain if found else replica.drain_limit
            self._roster.draining(replica)
            self._spawn("drain", self._lives.drain(replica, limit))
        else:
            replica.enter(Phase.DRAINING, self._clock.monotonic())
            self._spawn("remove", self._lives.remove(replica))

    def _start(self, version_id: str) -> None:
        found = self._version(version_id)
        if found is None:
            return
        self._roster.publish(*found)
        admission = self._lives.headroom.for_start(*found)
        self._evict(admission.evict)
        if admission.verdict is Verdict.REFUSE:
            self._spawn("refuse", self._lives.refuse(found[1], admission.reason))
        elif admission.verdict is Verdict.ALLOW:
            urgency = self._roster.urgency(version_id)
            self._roster.launch_begun(version_id)
            self._spawn("start", self._lives.start(*found, urgency))

    def _freeze(self, replica: Replica, version: Version) -> None:
        if self._clock.monotonic() < replica.freeze_at:
            return
        self._evict(self._lives.headroom.for_freeze(replica))
        if replica.phase is Phase.READY:
            self._roster.freezing(replica)
            self._spawn("freeze", self._lives.freeze(replica, version))

    def _evict(self, replica_ids: Sequence[str]) -> None:
        """Sleepers make room; what needs it is looked at again when they are gone."""
        for replica in map(self._roster.get, replica_ids):
            if replica is not None:
                log.info("frozen replica makes room", extra={"replica": replica.id})
                self._roster.lost(replica)
                replica.enter(Phase.DRAINING, self._clock.monotonic())
                self._spawn("evict", self._lives.remove(replica))

    def _keep_limit(self, replica: Replica, fact: ReplicaFact, version: Version) -> None:
        """Its CPU limit was not set back after its start."""
        if fact.cpu is not None and fact.cpu > version.spec.cpu:
            replica.cpu = fact.cpu
            self._spawn("limit", self._lives.settle(replica, version))

    def _demanded(self, version_id: str) -> None:
        if not self._roster.coming(version_id):
            self._lives.hurry(version_id)
        self._scaler.ask(version_id)

    def _suspected(self, version_id: str, replica_id: str) -> None:
        replica, found = self._roster.get(replica_id), self._version(version_id)
        if replica is not None and found is not None:
            self._spawn("recheck", self._lives.recheck(replica, found[1]))

    def _changed(self, before: Service | None, after: Service | None) -> None:
        """Publish what may run, withdraw what was deleted, then look at the difference."""
        kept = {version.id for version in after.versions} if after else set()
        for version in before.versions if before else ():
            if version.id not in kept:
                self._withdraw(version)
        for version in after.versions if after else ():
            if after is not None and version.status in RUNNABLE:
                self._roster.publish(after, version)
            else:
                self._withdraw(version)
        self.poke()

    def _withdraw(self, version: Version) -> None:
        for replica in self._roster.of(version.id):
            replica.drain_limit = version.spec.timeouts.drain
        self._roster.withdraw(version.id)

    def _version(self, version_id: str) -> tuple[Service, Version] | None:
        found = self._catalog.version(version_id)
        return found if found is not None and found[1].status in RUNNABLE else None

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.spawn(f"replica {name}", self._carry_out(name, work))
        task.add_done_callback(lambda _task: work.close())  # cancelled before it began

    async def _carry_out(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Look again as soon as it is done; what failed is repeated in the next round at
        the soonest, lest it be repeated as fast as it fails.
        """
        try:
            await work
        except PaasError as error:
            fields = {"work": name, "code": error.code, "problem": error.message}
            log.warning("work on a replica failed, trying again", extra=fields)
        else:
            self.poke()
