"""A `Store` in memory, with the real one's order, uniqueness and refusals."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from paas.adapters.documents import to_json
from paas.core.access import AccessChange, AccessRecords, with_change
from paas.core.holdings import Holding
from paas.core.idle import Mark
from paas.core.lifecycle import ENDED
from paas.core.model import Change, Deployment, Event, Service
from paas.core.registries import Registry
from paas.errors import Conflict, PaasError


class FakeStore:
    """`commits` are the changes in the order in which they became durable.

    `broken` is raised by every commit while it is set; `pass_` holds commits back
    while it is cleared, and `held` counts those that wait.
    """

    def __init__(self) -> None:
        self.commits: list[Change] = []
        self.broken: PaasError | None = None
        self.pass_ = asyncio.Event()
        self.pass_.set()
        self.held = 0
        self._services: dict[str, Service] = {}
        self._deployments: dict[str, Deployment] = {}
        self._events: list[Event] = []
        self._activity: dict[str, Mark] = {}
        self._access = AccessRecords()
        self._registries: dict[str, Registry] = {}
        self._holdings: dict[tuple[str, str, str], Holding] = {}
        self._numbered = 0
        self._meta: dict[str, str] = {}
        self._writer = asyncio.Lock()

    async def services(self) -> list[Service]:
        ordered = sorted(self._services.values(), key=lambda one: one.name)
        return [
            replace(one, versions=tuple(sorted(one.versions, key=lambda item: item.number)))
            for one in ordered
        ]

    async def commit(self, change: Change) -> tuple[Event, ...]:
        self.held += 1
        try:
            async with self._writer:
                await self.pass_.wait()
                return self._apply(change)
        finally:
            self.held -= 1

    async def deployment(self, deployment_id: str) -> Deployment | None:
        return self._deployments.get(deployment_id)

    async def deployments(
        self, *, service_id: str | None = None, unfinished: bool = False, limit: int = 100
    ) -> list[Deployment]:
        found = [
            one
            for one in self._deployments.values()
            if (service_id is None or one.service_id == service_id)
            and (not unfinished or one.status not in ENDED)
        ]
        return sorted(found, key=lambda one: (one.created, one.id), reverse=not unfinished)[:limit]

    async def latest_deployments(self) -> list[Deployment]:
        oldest_first = reversed(await self.deployments(limit=len(self._deployments)))
        return list({one.service_id: one for one in oldest_first}.values())

    async def events(
        self,
        *,
        service: str | None = None,
        kinds: Collection[str] = (),
        after: int = 0,
        before: int = 0,
        limit: int = 100,
    ) -> list[Event]:
        found = [
            one
            for one in self._events
            if one.id > after
            and (not before or one.id < before)
            and (service is None or one.service == service)
            and (not kinds or one.kind in kinds)
        ]
        return found[::-1][:limit]

    async def activity(self) -> dict[str, Mark]:
        return dict(self._activity)

    async def access(self) -> AccessRecords:
        return self._access

    async def registries(self) -> list[Registry]:
        return sorted(self._registries.values(), key=lambda one: one.host)

    async def holdings(self) -> list[Holding]:
        return sorted(self._holdings.values(), key=lambda one: (one.noted, one.id, one.name))

    async def records(self) -> dict[str, tuple[str, int]]:
        return {
            one.id: (self._services[one.service_id].name, len(to_json(one)))
            for one in self._deployments.values()
        }

    async def surplus(self, *, keep: int) -> list[Deployment]:
        known = {version.id for one in self._services.values() for version in one.versions}
        found: list[Deployment] = []
        for service in self._services:
            listed = await self.deployments(service_id=service, limit=len(self._deployments))
            found += [
                one for one in listed[keep:] if one.status in ENDED and one.version_id not in known
            ]
        return sorted(found, key=lambda one: (one.created, one.id))

    async def meta(self, key: str, default: str) -> str:
        return self._meta.setdefault(key, default)

    def _apply(self, change: Change) -> tuple[Event, ...]:
        """Everything is checked before anything is written: all of it or nothing."""
        if self.broken is not None:
            raise self.broken
        services = self._with_service(change)
        for deployment in change.deployments:
            if deployment.service_id not in services:
                raise _gone(deployment.service)
        access = self._with_access(change.access)
        self._services, self._access = services, access
        self._deployments = {
            one.id: one
            for one in (*self._deployments.values(), *change.deployments)
            if one.service_id in services
        }
        known = {version.id for one in services.values() for version in one.versions}
        activity = {**self._activity, **change.activity}
        self._activity = {one: at for one, at in activity.items() if one in known}
        self._note(change)
        numbered = tuple(
            replace(one, id=self._numbered + place) for place, one in enumerate(change.events, 1)
        )
        self._numbered += len(numbered)
        self._events += numbered
        self.commits.append(change)
        return numbered

    def _note(self, change: Change) -> None:
        for host, registry in change.registries.items():
            self._registries.pop(host, None)
            if registry is not None:
                self._registries[host] = registry
        for one in change.held:
            self._holdings.setdefault((one.kind, one.id, one.name), one)
        for one in change.let_go:
            self._holdings.pop((one.kind, one.id, one.name), None)
        for ident in change.forgotten:
            if ident in self._deployments and self._deployments[ident].status in ENDED:
                del self._deployments[ident]

    def _with_service(self, change: Change) -> dict[str, Service]:
        before, after = change.before, change.after
        services = dict(self._services)
        if after is None:
            if before is not None:
                services.pop(before.id, None)
            return services
        others = [one for one in services.values() if one.id != after.id]
        if any(one.name == after.name for one in others):
            raise Conflict(f"A service named {after.name!r} exists.", code="service_exists")
        if before is not None and after.id not in services:
            raise _gone(after.name)
        taken = {domain.name for one in others for domain in one.domains}
        for domain in after.domains:
            if domain.name in taken:
                raise Conflict(f"The domain {domain.name} is taken.", code="domain_taken")
        services[after.id] = after
        return services

    def _with_access(self, change: AccessChange) -> AccessRecords:
        after = with_change(self._access, change)
        names = [one.name for one in after.tokens]
        if len(set(names)) < len(names):
            raise Conflict("There is a token of that name already.", code="token_exists")
        return after


def _gone(service: str) -> Conflict:
    return Conflict(f"The service {service!r} was deleted meanwhile.", code="service_gone")
