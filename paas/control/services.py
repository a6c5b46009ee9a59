"""Services and versions as callers see and change them."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from paas.control.catalog import Catalog
from paas.control.deployments import Deployments
from paas.control.intake import Intake
from paas.control.repository_edit import RepositoryEdit
from paas.control.view import ReplicaView, ServiceView, VersionView
from paas.control.views import Views
from paas.core import changes
from paas.core.access import View
from paas.core.model import BasicAuth, Change, Domain, Event, Service, ServiceSettings
from paas.core.names import check_domain
from paas.core.passwords import SALT_BYTES, hash_password
from paas.errors import Conflict, Denied, FieldError, Invalid
from paas.ports import Clock, Store


class Services:
    """The control plane's front: each change is durable when the call returns."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        intake: Intake,
        deployments: Deployments,
        views: Views,
        clock: Clock,
        base_domain: str,
    ) -> None:
        self._catalog = catalog
        self._intake = intake
        self._deployments = deployments
        self._views = views
        self._clock = clock
        self._base_domain = base_domain

    async def list(self, *, view: View) -> "list[ServiceView]":
        """All services of the view by name."""
        seen = (one for one in self._catalog.services() if view.sees(one.name))
        return [self._views.service(service) for service in seen]

    async def read(self, name: str) -> ServiceView:
        """Raises `NotFound`, as every call on a service does."""
        return self._views.service(self._catalog.get(name))

    async def versions(self, name: str) -> Sequence[VersionView]:
        """The service's versions by number."""
        service = self._catalog.get(name)
        return [self._views.version(service, version) for version in service.versions]

    async def create(
        self, name: str, *, actor: str, view: View, settings: Mapping[str, object] | None = None
    ) -> ServiceView:
        """Raises `Invalid` (`invalid_name`, `reserved_name`, `main_domain`), `Conflict`
        (`service_exists`), `Denied` (`forbidden`) for a name outside the view.
        """
        if not view.sees(name):
            raise Denied(
                f"This caller may create only the service {view.service!r}.",
                code="forbidden",
                advice="Use a token that is not bound to one service.",
            )
        edits = await _hashed(settings or {})
        given = edits.pop("repository", None)
        repository = given if isinstance(given, RepositoryEdit) else None
        wanted = _settings(ServiceSettings(), edits)
        changes.check_main_domain(wanted.main_domain, [f"{name}.{self._base_domain}"])
        service = await self._intake.create(
            name, actor=actor, settings=wanted, repository=repository
        )
        return self._views.service(service)

    async def configure(
        self, name: str, settings: Mapping[str, object], *, actor: str
    ) -> ServiceView:
        """Change what `ServiceSettings` has, by its names; a password comes in clear text,
        a repository as a `RepositoryEdit`.
        Raises `Invalid` (`main_domain`).
        """
        edits = await _hashed(settings)

        def decide(service: Service) -> Service:
            wanted = _settings(service.settings, self._sealed(service, edits))
            return changes.configure(service, wanted, base_domain=self._base_domain)

        return await self._change(
            name,
            decide,
            self._event("service.configured", name, actor, "Its settings were changed."),
        )

    async def delete(self, name: str, *, confirm: str | None, actor: str) -> None:
        """Delete the service with all that is its own; `confirm` must repeat its name."""
        service = self._catalog.get(name)
        if confirm != name:
            message = f"must be the service's name, {name}"
            raise Invalid(
                f"Deleting {name} needs a confirmation.",
                code="confirm",
                advice=f"Repeat the call with ?confirm={name}.",
                fields=(FieldError(field="confirm", message=message),),
            )
        await self._deployments.cancel_all(service, actor=actor)
        logs = await self._deployments.logs_of(service)
        event = self._event("service.deleted", name, actor, f"{name} was deleted.")

        def decide(now: Service) -> Change:
            if any(self._deployments.deploying(version.id) for version in now.versions):
                raise Conflict(
                    f"A deployment of {name} was accepted meanwhile.",
                    code="deployment_running",
                    advice="Cancel it or wait for it to end, then delete again.",
                )
            return Change(before=now, events=(event,))

        await self._catalog.change(name, decide)
        await self._deployments.remove_logs(logs)

    async def set_split(self, name: str, split: Mapping[str, int], *, actor: str) -> ServiceView:
        """Replace the split as a whole. Raises `Invalid` (`bad_split`), `Conflict`."""
        text = ", ".join(f"{version} {weight} %" for version, weight in split.items() if weight)
        return await self._change(
            name,
            lambda service: changes.set_split(service, split),
            self._event("traffic.changed", name, actor, f"Traffic: {text or 'offline'}."),
        )

    async def rollback(self, name: str, *, version: str | None, actor: str) -> ServiceView:
        """Back to the previous split, or all traffic to `version`. Raises `Conflict`."""
        where = version or "the previous split"
        return await self._change(
            name,
            lambda service: changes.rollback(service, version),
            self._event("traffic.rolled_back", name, actor, f"Rolled back to {where}."),
        )

    async def version(self, name: str, version: str) -> VersionView:
        """Raises `NotFound` (`no_such_version`), as every call on a version does."""
        service = self._catalog.get(name)
        return self._views.version(service, changes.find(service, version))

    async def edit_version(
        self, name: str, version: str, edits: Mapping[str, object], *, actor: str
    ) -> VersionView:
        """Change `replicas`, `scaling`, `concurrency`, `note`."""
        event = self._event("version.edited", name, actor, f"{version} was edited.")
        await self._change(
            name,
            lambda service: changes.edit_version(service, version, edits),
            replace(event, version=version),
        )
        return await self.version(name, version)

    async def delete_version(self, name: str, version: str, *, actor: str) -> None:
        """Raises `Conflict` (`version_in_use`, `deployment_running`)."""
        event = self._event("version.deleted", name, actor, f"{version} was deleted.")

        def decide(service: Service) -> Service:
            deploying = self._deployments.deploying(changes.find(service, version).id)
            return changes.delete_version(service, version, deploying=deploying)

        await self._change(name, decide, replace(event, version=version))

    async def replicas(self, name: str, version: str) -> tuple[ReplicaView, ...]:
        """The version's replicas with their use of CPU and memory."""
        service = self._catalog.get(name)
        return await self._views.replicas(changes.find(service, version))

    async def add_domain(self, name: str, domain: str, *, actor: str) -> Domain:
        """Raises `Invalid` (`invalid_domain`, `reserved_domain`), `Conflict` (`domain_taken`)."""
        self._catalog.get(name)
        normal = check_domain(domain, base_domain=self._base_domain)
        new = Domain(name=normal, created=self._clock.time())

        def decide(service: Service) -> Service:
            for other in self._catalog.services():
                if other.name != name and any(known.name == normal for known in other.domains):
                    raise _taken(normal)
            return changes.add_domain(service, new)

        event = self._event("domain.added", name, actor, f"{normal} was added.")
        view = await self._change(name, decide, event)
        return next(known for known in view.service.domains if known.name == normal)

    async def remove_domain(self, name: str, domain: str, *, actor: str) -> None:
        """Raises `NotFound` (`no_such_domain`)."""
        await self._change(
            name,
            lambda service: changes.remove_domain(service, domain.lower()),
            self._event("domain.removed", name, actor, f"{domain} was removed."),
        )

    def _sealed(self, service: Service, edits: Mapping[str, object]) -> Mapping[str, object]:
        edit = edits.get("repository")
        if not isinstance(edit, RepositoryEdit):
            return edits
        now = service.settings.repository
        return {**edits, "repository": self._intake.repository(service.id, edit, now)}

    async def _change(
        self, name: str, decide: Callable[[Service], Service], event: Event
    ) -> ServiceView:
        def change(service: Service) -> Change:
            after = decide(service)
            events = (event,) if after != service else ()
            return Change(before=service, after=after, events=events)

        done = await self._catalog.change(name, change)
        assert done.after is not None
        return self._views.service(done.after)

    def _event(self, kind: str, service: str, actor: str, message: str) -> Event:
        return Event(
            kind=kind, time=self._clock.time(), actor=actor, service=service, message=message
        )


class History:
    """What happened, by service or over all."""

    def __init__(self, *, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    async def of_service(
        self,
        service: str,
        *,
        kinds: Collection[str] = (),
        after: int = 0,
        before: int = 0,
        limit: int = 100,
    ) -> Sequence[Event]:
        """Newest first, of some kinds or of all. Raises `NotFound` for a service that does
        not exist.
        """
        self._catalog.get(service)
        return await self._store.events(
            service=service, kinds=kinds, after=after, before=before, limit=limit
        )

    async def events(
        self,
        *,
        view: View,
        kinds: Collection[str] = (),
        after: int = 0,
        before: int = 0,
        limit: int = 100,
    ) -> Sequence[Event]:
        """All of the view, newest first; also those of services that are gone."""
        return await self._store.events(
            service=view.service, kinds=kinds, after=after, before=before, limit=limit
        )


async def _hashed(edits: Mapping[str, object]) -> dict[str, object]:
    """With the password of `basic_auth` as its hash, worked out in a thread."""
    login = edits.get("basic_auth")
    if not isinstance(login, BasicAuth):
        return dict(edits)
    salt = secrets.token_bytes(SALT_BYTES)
    hashed = await asyncio.to_thread(hash_password, login.password, salt=salt)
    return {**edits, "basic_auth": replace(login, password=hashed)}


def _settings(now: ServiceSettings, edits: Mapping[str, object]) -> ServiceSettings:
    return replace(now, **edits)  # type: ignore[arg-type] # checked where they were parsed


def _taken(domain: str) -> Conflict:
    return Conflict(
        f"The domain {domain} belongs to another service.",
        code="domain_taken",
        advice="Remove it there first.",
        fields=(FieldError(field="domain", message="must not be bound to another service"),),
    )
