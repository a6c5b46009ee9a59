"""The life of single replicas: start, adopt, freeze, wake, suspect, drain, remove.

Each procedure leaves the roster true whatever happens in it, and asks for another
round of the keeper when it ends; what it could not finish the next round repeats.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from paas.control.catalog import Catalog
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


async def _nothing(_replica: str) -> None:
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
    `on_ended` is awaited before an ended one is removed, so that its output is kept.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        launcher: Launcher,
        roster: Roster,
        catalog: Catalog,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._launcher = launcher
        self._roster = roster
        self._catalog = catalog
        self._clock = clock
        self._attempts: dict[str, list[Attempt]] = {}
        self.health = Health()
        self.on_running: Callable[[Replica], None] = lambda _replica: None
        self.on_ended: Callable[[str], Awaitable[None]] = _nothing

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

    async def start(self, service: Service, version: Version) -> None:
        """A new replica, from nothing to ready; its launch was announced to the roster."""
        begun = self._clock.monotonic()
        try:
            replica = await self._launched(service, version)
        except Unavailable:
            self.health.postpone(version.id, self._clock.monotonic() + ENGINE_RETRY)
        except PaasError as error:
            failure = Failure(
                code=error.code, message=error.message, advice=error.advice, log=error.log
            )
            await self._tell_failure(version, failure, self._count(version))
        else:
            await self.bring_up(replica, version, begun=begun)

    async def bring_up(
        self, replica: Replica, version: Version, *, begun: float | None = None
    ) -> None:
        """A running replica that must pass its probe before it is routed to.

        `begun` is when its cold start began; None for one that ran before.
        """
        self.on_running(replica)
        for attempt in self._attempts.get(version.id, []):
            attempt.launch()
        host = replica.host

        def alive() -> bool:
            return replica.phase is Phase.STARTING and replica.host == host

        probing = self._clock.monotonic()
        passed = await self._launcher.until_ready(host or "", version, alive)
        if passed:
            now = self._clock.monotonic()
            self._roster.ready(replica, version.port or 0)
            for attempt in self._attempts.pop(version.id, []):
                attempt.succeed(now - (probing if begun is None else begun))
            if begun is not None:
                await self._report_start(replica, created=probing - begun, probed=now - probing)
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
            if replica.phase is Phase.FREEZING:
                self._roster.starting(replica)
                await self.bring_up(replica, version)
            raise
        if replica.phase is Phase.FREEZING:
            self._roster.frozen(replica)

    async def wake(self, replica: Replica, version: Version) -> None:
        """A frozen replica, whose waking was announced to the roster, goes on."""
        try:
            await self._engine.wake(replica.id)
        except PaasError as error:
            if replica.phase is Phase.WAKING:
                away = isinstance(error, Unavailable)
                (self._roster.frozen if away else self._roster.lost)(replica)
            raise
        if replica.phase is Phase.WAKING:
            self._roster.starting(replica)
            await self.bring_up(replica, version)

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
                failure = await self._launcher.why_exited(fact, version)
                await self._tell_failure(version, failure, row)
        finally:
            replica.enter(Phase.EXITED, self._clock.monotonic())

    async def _launched(self, service: Service, version: Version) -> Replica:
        """The launch ends and the replica is admitted with no await between them."""
        try:
            fact = await self._launcher.start(service, version)
        finally:
            self._roster.launch_ended(version.id)
        return self._roster.admit(fact, Phase.STARTING)

    def _count(self, version: Version, *, lived: float = 0.0) -> int:
        """One more failure in a row, and a pause before the next start: noted in the same
        stretch in which the replica is given up, or the keeper would start another first.
        """
        row = self.health.failed(version.id, self._clock.monotonic(), lived=lived)
        if row >= BROKEN_AFTER:
            self._roster.fail_waiters(version.id)
        return row

    async def _tell_failure(self, version: Version, failure: Failure, row: int) -> None:
        for attempt in self._attempts.pop(version.id, []):
            attempt.fail(failure)
        if row in (1, BROKEN_AFTER):
            await self._report_failure(version, failure, row)

    async def _report_start(self, replica: Replica, *, created: float, probed: float) -> None:
        await self._catalog.record(
            Event(
                kind="replica.started",
                time=self._clock.time(),
                service=replica.service,
                version=replica.version,
                message=f"{replica.version} has a new replica after {created + probed:.2f} s.",
                data={
                    "replica": replica.id,
                    "create_seconds": round(created, 4),
                    "connect_seconds": round(probed, 4),
                },
            )
        )

    async def _report_failure(self, version: Version, failure: Failure, row: int) -> None:
        kind = "version.crashing" if row >= BROKEN_AFTER else "replica.failed"
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
                },
            )
        )
