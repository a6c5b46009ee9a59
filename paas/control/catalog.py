"""The catalog: all services in memory, changed one decision at a time.

Invariants: what is in memory was committed before; a decision sees the state that
it changes (one lock from reading to publishing); observers hear of every change
after it is durable, in order.
"""

import asyncio
from collections.abc import Callable

from paas.aio.tasks import Tasks
from paas.core.model import Change, Deployment, Event, Service, Version
from paas.errors import Conflict, NotFound
from paas.ports import Store

Observer = Callable[[Service | None, Service | None], None]
"""Called with a service before and after a change; None where there is none."""


class Catalog:
    """Services by name, and the newest deployment of each."""

    def __init__(self, store: Store, tasks: Tasks) -> None:
        self._store = store
        self._tasks = tasks
        self._services: dict[str, Service] = {}
        self._latest: dict[str, Deployment] = {}
        self._homes: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._observers: list[Observer] = []

    async def load(self) -> None:
        """Read everything; observers added before hear of every service."""
        latest = await self._store.latest_deployments()
        self._latest = {deployment.service_id: deployment for deployment in latest}
        for service in await self._store.services():
            self._publish(Change(after=service))

    def observe(self, observer: Observer) -> None:
        self._observers.append(observer)

    def services(self) -> list[Service]:
        """All services by name."""
        return [self._services[name] for name in sorted(self._services)]

    def find(self, name: str) -> Service | None:
        return self._services.get(name)

    def get(self, name: str) -> Service:
        """Raises `NotFound` (`no_such_service`)."""
        service = self._services.get(name)
        if service is None:
            raise no_such_service(name)
        return service

    def version(self, version_id: str) -> tuple[Service, Version] | None:
        """The version of that id with its service."""
        service = self._services.get(self._homes.get(version_id, ""))
        if service is None:
            return None
        return service, next(known for known in service.versions if known.id == version_id)

    def latest_deployment(self, service: Service) -> Deployment | None:
        return self._latest.get(service.id)

    async def create(self, service: Service, *events: Event) -> Service:
        """Raises `Conflict` (`service_exists`)."""

        def decide() -> Change:
            if service.name in self._services:
                raise Conflict(
                    f"There is a service {service.name!r} already.",
                    code="service_exists",
                    advice="Choose another name, or deploy to the one there is.",
                )
            return Change(after=service, events=events)

        await self._serialised(decide)
        return service

    async def change(self, name: str, decide: Callable[[Service], Change]) -> Change:
        """Let `decide` say what becomes of the service, make it durable, publish it.

        `decide` runs while nothing else can change; it may raise to refuse.
        """
        return await self._serialised(lambda: decide(self.get(name)))

    async def record(self, *events: Event, deployment: Deployment | None = None) -> None:
        """Make events and a deployment's state durable without changing a service."""
        deployments = (deployment,) if deployment else ()
        await self._serialised(lambda: Change(deployments=deployments, events=events))

    async def published(self) -> None:
        """Wait until what is durable by now is published too."""
        async with self._lock:
            return

    async def _serialised(self, decide: Callable[[], Change]) -> Change:
        """A caller that is cancelled meanwhile cannot tear commit and publication apart."""
        work = self._tasks.spawn("catalog change", self._apply(decide), awaited=True)
        return await asyncio.shield(work)

    async def _apply(self, decide: Callable[[], Change]) -> Change:
        async with self._lock:
            change = decide()
            await self._store.commit(change)
            self._publish(change)
            return change

    def _publish(self, change: Change) -> None:
        for deployment in change.deployments:
            known = self._latest.get(deployment.service_id)
            if known is None or known.id == deployment.id or known.created <= deployment.created:
                self._latest[deployment.service_id] = deployment
        before, after = change.before, change.after
        if before is not None:
            self._services.pop(before.name, None)
            for version in before.versions:
                self._homes.pop(version.id, None)
        if after is not None:
            self._services[after.name] = after
            self._homes.update((version.id, after.name) for version in after.versions)
        elif before is not None:
            self._latest.pop(before.id, None)
        if before is not after:
            self._notify(before, after)

    def _notify(self, before: Service | None, after: Service | None) -> None:
        for observer in self._observers:
            observer(before, after)


def no_such_service(name: str) -> NotFound:
    """The one refusal of a name, whether nobody has it or the caller may not see who does."""
    return NotFound(
        f"There is no service {name!r}.",
        code="no_such_service",
        advice="List the services, or create it with the first deployment.",
    )
