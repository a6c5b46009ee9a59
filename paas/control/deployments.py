"""Deployments: the durable queue of jobs that make versions.

One at a time per service, in the order in which they were accepted; what was
accepted survives a crash and is resumed. Newer code that was pushed supersedes older
code that was pushed and still waits. `pipeline` says what a deployment does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from paas.aio.tasks import Tasks
from paas.control.build_secrets import reveal_build_secrets
from paas.control.catalog import Catalog
from paas.control.intake import DeploymentRequest, Intake
from paas.control.jobs import Cancellation, Job, cancelled_by, superseded_by
from paas.control.launcher import reveal
from paas.control.logins import repository_login
from paas.control.logs import deployment_log
from paas.control.pipeline import Pipeline
from paas.control.room import Room
from paas.core.access import EVERYTHING, View
from paas.core.lifecycle import ENDED
from paas.core.model import Deployment, DeploymentStatus, Service, Trigger, Version
from paas.core.spec import VersionSource
from paas.errors import Conflict, NotFound, PaasError
from paas.ports import Clock, Journal, Store, Vault

log = logging.getLogger(__name__)

CANCEL_LIMIT = 30.0
UNFINISHED_LIMIT = 10_000


class Deployments:
    """Accepts, queues, runs, cancels and remembers deployments. `on_end` hears of each that
    ran to its end.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: Store,
        intake: Intake,
        pipeline: Pipeline,
        jobs: "Jobs",
        room: Room,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._intake = intake
        self._pipeline = pipeline
        self._jobs = jobs
        self._room = room
        self._tasks = Tasks()
        self._turns: dict[str, asyncio.Lock] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._open: dict[str, Job] = {}
        self._begun: set[str] = set()
        self._cancelled: dict[str, Cancellation] = {}
        self._held: set[str] = set()
        self.on_end: Callable[[Deployment], Awaitable[None]] = _nothing

    async def resume(self) -> None:
        """Queue again what a former daemon had accepted and not finished."""
        for deployment in await self._unfinished():
            log.info("deployment resumed", extra={"deployment": deployment.id})
            self._enqueue(deployment)

    async def uploads(self) -> set[str]:
        """Names of the uploads that unfinished deployments still need."""
        return {one.upload for one in await self._unfinished() if one.upload}

    async def close(self) -> None:
        """Stop working; unfinished deployments stay unfinished and are resumed."""
        await self._tasks.close()

    async def check(self, service: str, *, create: bool) -> None:
        """Refuse early what `submit` would refuse whatever the upload holds."""
        self._intake.check(service, create=create)

    def base(self, service: str, version: str | None = None) -> Version | None:
        """As `Intake.base`."""
        return self._intake.base(service, version)

    async def check_room(self) -> None:
        """Raises `Unavailable` (`disk_low`) while there is no room to take an upload."""
        await self._room.admit()

    async def submit(self, request: DeploymentRequest) -> Deployment:
        """Accept a deployment: its version exists and it is queued, durably. Raises as
        `Intake.accept`; a refused request leaves nothing, not even its upload. A caller
        that is cancelled meanwhile cannot tear acceptance and queueing apart.
        """
        work = self._tasks.spawn("accept deployment", self._accept(request), awaited=True)
        return await asyncio.shield(work)

    async def list(self, service: str, *, limit: int = 100) -> list[Deployment]:
        """Newest first."""
        found = self._catalog.get(service)
        return await self._store.deployments(service_id=found.id, limit=limit)

    async def read(self, deployment_id: str, *, view: View) -> Deployment:
        """Raises `NotFound` (`no_such_deployment`), also for one outside the view."""
        deployment = await self._store.deployment(deployment_id)
        if deployment is None or not view.sees(deployment.service):
            raise NotFound(f"There is no deployment {deployment_id!r}.", code="no_such_deployment")
        if deployment.status in ENDED and deployment_id in self._running:
            await self._catalog.published()  # its version is told as it ended, too
        return deployment

    async def settled(self, deployment_id: str) -> bool:
        """Whether it has ended."""
        return (await self.read(deployment_id, view=EVERYTHING)).status in ENDED

    async def cancel(self, deployment_id: str, *, actor: str, view: View) -> Deployment:
        """End it now; returns it as it ended. Raises `Conflict` (`deployment_ended`)."""
        deployment = await self.read(deployment_id, view=view)
        task = self._running.get(deployment_id)
        if deployment.status in ENDED or task is None:
            raise Conflict(
                f"The deployment of {deployment.version} has {deployment.status} already.",
                code="deployment_ended",
            )
        self._stop(deployment_id, cancelled_by(actor))
        await asyncio.wait([task], timeout=CANCEL_LIMIT)
        return await self.read(deployment_id, view=view)

    async def cancel_all(self, service: Service, *, actor: str) -> None:
        """Before a service is deleted: none of its deployments goes on."""
        for deployment in await self._unfinished(service):
            try:
                await self.cancel(deployment.id, actor=actor, view=EVERYTHING)
            except PaasError as error:
                log.info("deployment ended first", extra={"code": error.code})

    async def logs_of(self, service: Service) -> Sequence[str]:
        """Journal keys of all its deployments."""
        known = await self._store.deployments(service_id=service.id, limit=UNFINISHED_LIMIT)
        return [deployment_log(deployment.id) for deployment in known]

    async def remove_logs(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._jobs.journal.remove(key)

    def deploying(self, version_id: str) -> bool:
        """Whether a deployment of that version is queued or running."""
        return version_id in self._held

    async def _unfinished(self, service: Service | None = None) -> Sequence[Deployment]:
        return await self._store.deployments(
            service_id=service.id if service else None, unfinished=True, limit=UNFINISHED_LIMIT
        )

    async def _accept(self, request: DeploymentRequest) -> Deployment:
        try:
            if not isinstance(request.spec.source, VersionSource):
                await self._room.admit()
            deployment = await self._intake.accept(request)
        except BaseException:
            if request.upload is not None:
                unlink = asyncio.to_thread(request.upload.unlink, missing_ok=True)
                await asyncio.shield(unlink)
            raise
        self._enqueue(deployment)
        if deployment.trigger is not Trigger.API:
            self._supersede(deployment)
        return deployment

    def _supersede(self, newer: Deployment) -> None:
        """Pushed code of the same service that still waits need not be built any more."""
        for job in list(self._open.values()):
            older = job.deployment
            if (
                older.service_id == newer.service_id
                and older.id != newer.id
                and older.trigger is not Trigger.API
                and older.status is DeploymentStatus.QUEUED
            ):
                self._stop(older.id, superseded_by(newer))

    def _stop(self, deployment_id: str, cancellation: Cancellation) -> None:
        """Cancel its work; work that has not begun sees it when it does."""
        if deployment_id in self._cancelled:
            return
        self._cancelled[deployment_id] = cancellation
        if deployment_id in self._begun:
            self._running[deployment_id].cancel()

    def _enqueue(self, deployment: Deployment) -> None:
        self._held.add(deployment.version_id)
        job = self._open[deployment.id] = self._jobs.open(deployment)
        task = self._tasks.spawn(f"deploy {deployment.version}", self._work(job))
        self._running[deployment.id] = task

    async def _work(self, job: Job) -> None:
        """Wait for the service's turn, then run. A cancellation that nobody asked for is
        the daemon's end and leaves the deployment to be resumed.
        """
        deployment = job.deployment
        self._begun.add(deployment.id)
        try:
            await self._run(job)
            await self.on_end(job.deployment)
        except asyncio.CancelledError:
            cancellation = self._cancelled.get(deployment.id)
            if cancellation is None:
                raise
            await self._pipeline.cancel(job, cancellation)
        finally:
            self._forget(deployment)

    async def _run(self, job: Job) -> None:
        if job.deployment.id in self._cancelled:
            raise asyncio.CancelledError  # before it had begun
        turn = self._turns.setdefault(job.deployment.service_id, asyncio.Lock())
        async with turn:
            await self._pipeline.run(job)

    def _forget(self, deployment: Deployment) -> None:
        self._cancelled.pop(deployment.id, None)
        self._running.pop(deployment.id, None)
        self._open.pop(deployment.id, None)
        self._begun.discard(deployment.id)
        self._held.discard(deployment.version_id)


async def _nothing(_deployment: Deployment) -> None:
    """Stands where nobody listens."""


class Jobs:
    """Opens the records of deployments."""

    def __init__(self, *, catalog: Catalog, journal: Journal, vault: Vault, clock: Clock) -> None:
        self._catalog = catalog
        self.journal = journal
        self._vault = vault
        self._clock = clock

    def open(self, deployment: Deployment) -> Job:
        """The job of a deployment, with its version's secrets masked in the log."""
        return Job(
            deployment,
            catalog=self._catalog,
            journal=self.journal,
            clock=self._clock,
            secrets=self._secrets(deployment),
        )

    def _secrets(self, deployment: Deployment) -> Iterable[str]:
        """None when they cannot be read any more: then the start fails and says so."""
        found = self._catalog.version(deployment.version_id)
        if found is None:
            return ()
        version = found[1]
        try:
            login = repository_login(self._vault, version)
            hidden = (reveal(self._vault, version), reveal_build_secrets(self._vault, version))
            own = login.secrets if login else ()
            return (*own, *(value for values in hidden for value in values.values()))
        except PaasError as error:
            log.warning("secrets cannot be read", extra={"code": error.code})
            return ()
