"""Stored registry logins: sealed in the store, opened only for one pull or one build."""

import asyncio
import logging
from collections.abc import Mapping

from paas.aio.tasks import Tasks
from paas.core.model import Change, Event
from paas.core.registries import Registry, registry_of
from paas.errors import NotFound, PaasError
from paas.ports import Clock, Credentials, Engine, Store, Vault

log = logging.getLogger(__name__)


def login_context(host: str) -> str:
    """What a registry's login is sealed for."""
    return f"registries/{host}/login"


class Registries:
    """Logins by registry host; in memory only as they are stored, sealed."""

    def __init__(
        self, *, store: Store, engine: Engine, vault: Vault, clock: Clock, tasks: Tasks
    ) -> None:
        self._store = store
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._tasks = tasks
        self._known: dict[str, Registry] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        self._known = {one.host: one for one in await self._store.registries()}

    def list(self) -> list[Registry]:
        """By host."""
        return [self._known[host] for host in sorted(self._known)]

    async def put(
        self, host: str, credentials: Credentials, *, check: bool, actor: str
    ) -> Registry:
        """Store the registry's login in place of an older one; with `check` only if the
        registry takes it. Raises `Denied` (`login_refused`), `Failed`
        (`registry_unreachable`), `Unavailable`.
        """
        if check:
            await self._engine.check_login(host, credentials)
        login = f"{credentials.user}:{credentials.password}"
        registry = Registry(
            host=host,
            user=credentials.user,
            created=self._clock.time(),
            login=self._vault.seal(login_context(host), login),
        )
        message = f"A login for {host} as {credentials.user} was stored."
        await self._save(host, registry, self._event("registry.added", host, actor, message))
        return registry

    async def remove(self, host: str, *, actor: str) -> None:
        """Raises `NotFound` (`no_such_registry`)."""
        if host not in self._known:
            raise NotFound(
                f"There is no login for {host!r}.",
                code="no_such_registry",
                advice="List those that there are: paas registry list.",
            )
        message = f"The login for {host} was removed."
        await self._save(host, None, self._event("registry.removed", host, actor, message))

    def login_for(self, image: str) -> Credentials | None:
        """Of the registry that the image comes from; None when there is none. Raises `Failed`
        (`secret_unreadable`).
        """
        registry = self._known.get(registry_of(image))
        return self._opened(registry) if registry is not None else None

    def all(self) -> Mapping[str, Credentials]:
        """Every login that can be opened, in clear text, for one build."""
        found: dict[str, Credentials] = {}
        for registry in self.list():
            try:
                found[registry.host] = self._opened(registry)
            except PaasError as error:
                fields = {"host": registry.host, "code": error.code}
                log.warning("registry login cannot be read", extra=fields)
        return found

    def _opened(self, registry: Registry) -> Credentials:
        login = self._vault.unseal(login_context(registry.host), registry.login)
        user, _, password = login.partition(":")
        return Credentials(user=user, password=password)

    async def _save(self, host: str, registry: Registry | None, event: Event) -> None:
        """A caller that is cancelled meanwhile cannot tear store and memory apart."""
        work = self._stored(host, registry, event)
        await asyncio.shield(self._tasks.spawn("store registry login", work, awaited=True))

    async def _stored(self, host: str, registry: Registry | None, event: Event) -> None:
        async with self._lock:
            await self._store.commit(Change(registries={host: registry}, events=(event,)))
            if registry is None:
                self._known.pop(host, None)
            else:
                self._known[host] = registry

    def _event(self, kind: str, host: str, actor: str, message: str) -> Event:
        return Event(
            kind=kind, time=self._clock.time(), actor=actor, message=message, data={"host": host}
        )
