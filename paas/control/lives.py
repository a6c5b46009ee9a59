"""The life of single replicas: start, adopt, freeze, wake, suspect, drain, remove.

Each procedure leaves the roster true whatever happens in it, and asks for another
round of the keeper when it ends; what it could not finish the next round repeats.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any

from paas.aio.limiter import Urgency
from paas.control.catalog import Catalog
from paas.control.coldstart import ColdStart
from paas.control.headroom import Headroom
from paas.control.health import BROKEN_AFTER, Health
from paas.control.launcher import Launcher
from paas.control.replicas import Replica
from paas.control.roster import Roster
from paas.core.model import Event, Failure, Service, Version
from paas.core.planning import Phase
from paas.errors import Failed, PaasError, Unavailable
from paas.ports import Clock, Engine, ReplicaFact

GRACE = 10.0
ENGINE_RETRY = 1.0
MEMORY_RETRY = 1.0
FREEZE_RETRY = 300.0


async def _nothing(_replica: object) -> None:
    """Stands where nobody wants to see a replica off."""


class Attempt:
    """One deployment's view of a start: `launched` when the program runs, `ready` with
    the start's seconds when it passed its probe; both raise `Failed` when it fails.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.launched: asyncio.Future[None] = loop.create_future()
        self.ready: asyncio.Future[float] = loop.create_future()

    def launch(self) -> None:
        if not self.launched.done():
            self.launched.set_result(None)

    def succeed(self, seconds: float) -> None:
        self.launch()
        if not self.ready.done():
            self.ready.set_result(seconds)

    def fail(self, failure: Failure) -> None:
        error = Failed(failure.message, code=failure.code, advice=failure.advice, log=failure.log)
        for future in (self.launched, self.ready):
            if not future.done():
                future.set_exception(error)

    def abandon(self) -> None:
        """Mark both as seen, so that an unread failure is not reported as lost."""
        for future in (self.launched, self.ready):
            if not future.cancel() and not future.cancelled():
                future.exception()


class Lives:
    """Procedures on replicas. `on_running` hears of each replica whose program runs,
    `on_ended` is awaited before an ended one is removed, so that its output is kept;
    `on_exit` is awaited when a program ended by itself; `on_cold` hears of each start and
    wake that ended well.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        launcher: Launcher,
        roster: Roster,
        catalog: Catalog,
        headroom: Headroom,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._launcher = launcher
        self._roster = roster
        self._catalog = catalog
        self._clock = clock
        self._attempts: dict[str, list[Attempt]] = {}
        self._short: set[str] = set()
        self.headroom = headroom
        self.health = Health()
        self.on_running: Callable[[Replica], None] = lambda _replica: None
        self.on_ended: Callable[[str], Awaitable[None]] = _nothing
        self.on_exit: Callable[[ReplicaFact], Awaitable[None]] = _nothing
        self.on_cold: Callable[[Replica, ColdStart], None] = lambda _replica, _cold: None

    def attempt(self, version_id: str) -> "Attempt":
        """How the version's next start goes, from this moment on."""
        attempt = Attempt()
        if self._roster.has_ready(version_id):
            attempt.succeed(0.0)
        else:
            self._attempts.setdefault(version_id, []).append(attempt)
        return attempt

    def drop(self, version_id: str, attempt: "Attempt") -> None:
        """Nobody waits for it any more."""
        attempts = self._attempts.get(version_id, [])
        if attempt in attempts:
            attempts.remove(attempt)
        if not attempts:
            self._attempts.pop(version_id, None)
        attempt.abandon()

    async def start(self, service: Service, version: Version, urgency: Urgency) -> None:
        """A new replica, from nothing to ready; its launch was announced to the roster."""
        cold = ColdStart(asked=self._clock.monotonic())
        self._short.discard(version.id)
        try:
            replica = await self._launched(service, version, urgency, cold)
        except Unavailable:
            self.health.postpone(version.id, self._clock.monotonic() + ENGINE_RETRY)
        except PaasError as error:
            failure = Failure(
                code=error.code, message=error.message, advice=error.advice, log=error.log
            )
            await self._tell_failure(version, failure, self._count(version))
        else:
            await self.bring_up(replica, version, cold=cold)

    def lacks_memory(self, version_id: str) -> bool:
        """Whether its next start waits because the host had no memory for the last one."""
        return version_id in self._short and version_id in self.health.failing()

    def hurry(self, version_id: str) -> None:
        """Requests wait for that version now."""
        self._launcher.hurry(version_id)

    def forgive(self, awake: Collection[str]) -> None:
        """Of versions that sleep nothing is held against them: the next request that wants
        one starts it.
        """
        self._short.intersection_update(awake)
        for version_id in self.health.forgive(awake):
            self._roster.forgive(version_id)

    async def recovered(self, version_id: str) -> None:
        """It ran long enough to end its row of failures."""
        found = self._catalog.version(version_id)
        if self.health.steady(version_id) >= BROKEN_AFTER and found is not None:
            service, version = found
            await self._catalog.record(
                Event(
                    kind="version.recovered",
                    time=self._clock.time(),
                    service=service.name,
                    version=version.name,
                    message=f"{version.name} runs again.",
                )
            )

    async def refuse(self, version: Version, reason: str) -> None:
        """The host has no memory for another replica of it: try again in a while. It is
        told once, until there is memory or nobody wants it any more.
        """
        first = version.id not in self._short
        self._short.add(version.id)
        self.health.postpone(version.id, self._clock.monotonic() + MEMORY_RETRY)
        failure = Failure(
            code="no_memory",
            message=f"There is no memory for {version.name}: {reason}.",
            advice="Free memory, lower memory limits or minimums, or use a larger host.",
        )
        self._roster.refuse_waiters(version.id)
        for attempt in self._attempts.pop(version.id, []):
            attempt.fail(failure)
        if first:
            await self._report_failure(version, failure, 0, kind="version.no_memory")

    async def bring_up(
        self, replica: Replica, version: Version, *, cold: ColdStart | None = None
    ) -> None:
        """A running replica that must pass its probe before it is routed to.

        `cold` is None for one that served before.
        """
        self.on_running(replica)
        for attempt in self._attempts.get(version.id, []):
            attempt.launch()
        host = replica.host

        def alive() -> bool:
            return replica.phase is Phase.STARTING and replica.host == host

        cold = cold or ColdStart(asked=self._clock.monotonic(), served=True)
        if await self._launcher.until_ready(host or "", version, alive):
            cold.ready = self._clock.monotonic()
            self._roster.ready(replica, version.port or 0, cold=not cold.served)
            for attempt in self._attempts.pop(version.id, []):
                attempt.succeed(cold.seconds)
            if not (cold.served or cold.woken):
                self._roster.took(version, cold.seconds)
            try:
                if not cold.served:
                    self.on_cold(replica, cold)
                    await self._report_start(replica, cold)
            finally:
                await self.settle(replica, version)
        elif alive():
            await self._give_up(replica, version, alive)

    def exited(
        self, replica: Replica, fact: ReplicaFact, version: Version | None
    ) -> Coroutine[Any, Any, None]:
        """The replica's program ended by itself: from this call on it serves no more and
        its version must pause, and it is removed once what is returned has told its end.
        """
        lived = self._roster.lost(replica)
        replica.enter(Phase.DRAINING, self._clock.monotonic())
        row = self._count(version, lived=lived) if version else 0
        return self._tell_end(replica, fact, version=version, row=row)

    async def freeze(self, replica: Replica, version: Version) -> None:
        """A replica whose freezing was announced to the roster sleeps, its memory kept. If
        it cannot, it has to prove that it still serves.
        """
        try:
            await self._engine.freeze(replica.id)
        except PaasError:
            replica.freeze_at = self._clock.monotonic() + FREEZE_RETRY
            if replica.phase is Phase.FREEZING:
                self._roster.starting(replica)
                await self.bring_up(replica, version)
            raise
        if replica.phase is Phase.FREEZING:
            self._roster.frozen(replica)

    async def wake(self, replica: Replica, version: Version) -> None:
        """A frozen replica, whose waking was announced to the roster, goes on."""
        cold = ColdStart(asked=self._clock.monotonic(), woken=True)
        try:
            await self._engine.wake(replica.id)
        except PaasError as error:
            if replica.phase is Phase.WAKING:
                away = isinstance(error, Unavailable)
                (self._roster.frozen if away else self._roster.lost)(replica)
            raise
        if replica.phase is Phase.WAKING:
            cold.running = self._clock.monotonic()
            self._roster.starting(replica)
            await self.bring_up(replica, version, cold=cold)

    async def settle(self, replica: Replica, version: Version) -> None:
        """It is ready: from now on its own CPU limit holds, not that of starts."""
        await self._launcher.settle(replica, version)

    async def recheck(self, replica: Replica, version: Version) -> None:
        """The proxy could not reach it: probe it back, or give it up after a while."""

        def alive() -> bool:
            return replica.phase is Phase.READY

        if await self._launcher.until_ready(replica.host or "", version, alive):
            self._roster.restored(replica)
        elif alive():
            await self._give_up(replica, version, alive)

    async def drain(self, replica: Replica, limit: float) -> None:
        """End a replica kindly: no new requests, those under way finish, then stop."""
        await self._roster.drain(replica, limit)
        self._roster.lost(replica)
        await self.remove(replica)

    async def remove(self, replica: Replica) -> None:
        """Remove its container; what fails is repeated by the next round."""
        replica.enter(Phase.DRAINING, self._clock.monotonic())
        try:
            await self._engine.remove(replica.id, grace=GRACE)
        except Exception:
            replica.enter(Phase.EXITED, self._clock.monotonic())
            raise
        await self.on_ended(replica.id)
        self._roster.removed(replica)

    async def _give_up(self, replica: Replica, version: Version, alive: Callable[[], bool]) -> None:
        """It does not answer: learn why while it runs, then have it removed, unless
        somebody else has seen to it meanwhile.
        """
        row = 0
        try:
            found = await self._launcher.why_unready(replica.id, version)
        finally:
            mine = alive()
            if mine:
                row = self._count(version, lived=self._roster.lost(replica))
        if mine:
            await self._tell_failure(version, found, row)

    async def _tell_end(
        self, replica: Replica, fact: ReplicaFact, *, version: Version | None, row: int
    ) -> None:
        try:
            if version is not None:
                await self.on_exit(fact)
                failure = await self._launcher.why_exited(fact, version)
                await self._tell_failure(version, failure, row, ended=fact)
        finally:
            replica.enter(Phase.EXITED, self._clock.monotonic())

    async def _launched(
        self, service: Service, version: Version, urgency: Urgency, cold: ColdStart
    ) -> Replica:
        """The launch ends and the replica is admitted with no await between them."""
        try:
            fact = await self._launcher.start(service, version, urgency=urgency, cold=cold)
        finally:
            self._roster.launch_ended(version.id)
        replica = self._roster.admit(fact, Phase.STARTING)
        replica.fresh = True
        return replica

    def _count(self, version: Version, *, lived: float = 0.0) -> int:
        """One more failure in a row, and a pause before the next start: noted in the same
        stretch in which the replica is given up, or the keeper would start another first.
        """
        row = self.health.failed(version.id, self._clock.monotonic(), lived=lived)
        if row >= BROKEN_AFTER:
            self._roster.fail_waiters(version.id)
        return row

    async def _tell_failure(
        self, version: Version, failure: Failure, row: int, *, ended: ReplicaFact | None = None
    ) -> None:
        for attempt in self._attempts.pop(version.id, []):
            attempt.fail(failure)
        kind = "replica.exited" if ended is not None else ""
        if row in (1, BROKEN_AFTER):
            kind = "version.crashing" if row >= BROKEN_AFTER else "replica.failed"
        if kind:
            await self._report_failure(version, failure, row, kind=kind, ended=ended)

    async def _report_start(self, replica: Replica, cold: ColdStart) -> None:
        verb = "woke up" if cold.woken else "has a new replica"
        phases = {f"{phase}_seconds": seconds for phase, seconds in cold.phases().items()}
        await self._catalog.record(
            Event(
                kind="replica.woken" if cold.woken else "replica.started",
                time=self._clock.time(),
                service=replica.service,
                version=replica.version,
                message=f"{replica.version} {verb} after {cold.seconds:.2f} s.",
                data={"replica": replica.id, "seconds": round(cold.seconds, 4), **phases},
            )
        )

    async def _report_failure(
        self,
        version: Version,
        failure: Failure,
        row: int,
        *,
        kind: str,
        ended: ReplicaFact | None = None,
    ) -> None:
        service = version.name.rpartition("-")[0]
        await self._catalog.record(
            Event(
                kind=kind,
                time=self._clock.time(),
                service=service,
                version=version.name,
                message=failure.message,
                data={
                    "code": failure.code,
                    "advice": failure.advice,
                    "log": list(failure.log),
                    "failures": row,
                    **(_end(ended) if ended is not None else {}),
                },
            )
        )


def _end(fact: ReplicaFact) -> dict[str, object]:
    return {"replica": fact.id, "exit_code": fact.exit_code, "oom_killed": fact.oom_killed}
