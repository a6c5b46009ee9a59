"""The secrets of webhooks: one for each service that has one, shown when it is made."""

import logging
import secrets
from functools import cached_property

from paas.control.catalog import Catalog
from paas.core import changes
from paas.core.model import Change, Event, Hook, Service
from paas.core.webhooks import SECRET_BYTES, new_secret
from paas.errors import NotFound, PaasError
from paas.ports import Clock, Vault

log = logging.getLogger(__name__)


class HookKeys:
    """Makes, replaces, removes and opens them."""

    def __init__(self, *, catalog: Catalog, vault: Vault, clock: Clock) -> None:
        self._catalog = catalog
        self._vault = vault
        self._clock = clock

    @cached_property
    def _decoy(self) -> bytes:
        """Made when a delivery comes: most daemons never get one, nor need the cipher."""
        return self._vault.seal(_context(""), _fresh())

    def read(self, name: str) -> Hook | None:
        """The service's hook without its secret in clear text. Raises `NotFound`."""
        return self._catalog.get(name).hook

    async def renew(self, name: str, *, actor: str) -> tuple[Hook, str]:
        """A new hook, or a new secret for the one there is; the secret is shown here only."""
        secret = _fresh()
        now = self._clock.time()

        def hook_for(service: Service) -> Hook:
            return Hook(secret=self._vault.seal(_context(service.id), secret), created=now)

        event = self._event("hook.renewed", name, actor, "Its webhook has a new secret.")
        change = await self._catalog.change(name, lambda one: _setting(one, hook_for(one), event))
        assert change.after is not None
        assert change.after.hook is not None
        return change.after.hook, secret

    async def remove(self, name: str, *, actor: str) -> None:
        """The hook answers nobody any more. Raises `NotFound` (`no_such_hook`)."""
        event = self._event("hook.removed", name, actor, "Its webhook was switched off.")

        def decide_(service: Service) -> Change:
            if service.hook is None:
                raise NotFound(f"{name} has no webhook.", code="no_such_hook")
            return _setting(service, None, event)

        await self._catalog.change(name, decide_)

    def secret(self, service: Service | None) -> tuple[str, bool]:
        """The secret to check with, and whether it is anybody's: one that is nobody's costs
        as much time.
        """
        if service is not None and service.hook is not None:
            try:
                return self._vault.unseal(_context(service.id), service.hook.secret), True
            except PaasError as error:
                log.warning("a webhook's secret cannot be read", extra={"code": error.code})
        return self._vault.unseal(_context(""), self._decoy), False

    def _event(self, kind: str, service: str, actor: str, message: str) -> Event:
        now = self._clock.time()
        return Event(kind=kind, time=now, actor=actor, service=service, message=message)


def _setting(service: Service, hook: Hook | None, event: Event) -> Change:
    after = changes.set_hook(service, hook)
    return Change(before=service, after=after, events=(event,))


def _context(service_id: str) -> str:
    return f"services/{service_id}/hook"


def _fresh() -> str:
    return new_secret(secrets.token_bytes(SECRET_BYTES))
