"""The hosts that have or should have certificates, in step with the catalog."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from paas.control.catalog import Catalog
from paas.core.model import Event, Service
from paas.errors import PaasError
from paas.ports import Clock

log = logging.getLogger(__name__)

WILDCARD, HOSTS = "wildcard", "hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base domain, and what is ordered for it: `off`, `hosts` or `wildcard`."""

    domain: str
    certificates: str


class CertifiedHosts:
    """`all` maps them to their services, a wildcard for all services to None. `on_change`
    is called when they became others, after `load`.
    """

    def __init__(self, *, catalog: Catalog, clock: Clock, base: Base) -> None:
        self._catalog = catalog
        self._clock = clock
        self._base = base
        self._loaded = False
        self.all: dict[str, str | None] = {}
        self.on_change: Callable[[], None] = lambda: None
        catalog.observe(self._changed)

    def load(self) -> None:
        """When the catalog is loaded."""
        self._loaded = True
        self.all = self._found()

    async def tell(self, kind: str, host: str, *, message: str, data: Mapping[str, object]) -> None:
        """Record it as an event of the host's service."""
        event = Event(
            kind=kind,
            time=self._clock.time(),
            message=message,
            service=self.all.get(host),
            data={"host": host, **data},
        )
        log.info(kind, extra={"host": host, "detail": message})
        with suppress(PaasError):
            await self._catalog.record(event)

    def _found(self) -> dict[str, str | None]:
        services, base = self._catalog.services(), self._base
        found: dict[str, str | None] = {
            domain.name: service.name for service in services for domain in service.domains
        }
        if base.certificates == HOSTS:
            found |= {f"{one.name}.{base.domain}": one.name for one in services}
        elif base.certificates == WILDCARD:
            found[f"*.{base.domain}"] = None
        return found

    def _changed(self, before: Service | None, after: Service | None) -> None:
        known = before.domains if before is not None else None
        now = after.domains if after is not None else None
        if self._loaded and known != now:
            self.all = self._found()
            self.on_change()
