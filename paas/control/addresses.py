"""Internal addresses: a port on the bridge's gateway for each service and version.

Ports are allocated here and stored with the service; no address is. A service's
port follows its split, a version's reaches that version and wakes it.
"""

import asyncio
import logging
from collections.abc import Callable

from paas.control.catalog import Catalog
from paas.core.model import Service, VersionStatus
from paas.core.routing import Route, service_route, version_route
from paas.errors import Unavailable
from paas.ports import Doors

log = logging.getLogger(__name__)

RETRY = 30.0


class Addresses:
    """Opens and closes doors as services and versions come and go."""

    def __init__(self, *, catalog: Catalog, doors: Doors, ports: range) -> None:
        self._catalog = catalog
        self._doors = doors
        self._ports = ports
        self._used: set[int] = set()
        self._open: dict[int, tuple[str, str]] = {}
        self._next = 0
        self._work = asyncio.Event()
        self._told_short = False
        self.gateway: str | None = None
        catalog.observe(self._changed)

    def found(self, gateway: str) -> None:
        """The engine's gateway is known (again): doors open there."""
        self.gateway = gateway
        self._work.set()

    def allocate(self) -> int:
        """A port nobody has, reserved until its service or version is deleted.

        Raises `Unavailable` (`no_internal_port`) when the range is used up.
        """
        for _ in self._ports:
            port = self._ports[self._next % len(self._ports)]
            self._next += 1
            if port not in self._used:
                self._used.add(port)
                return port
        raise Unavailable(
            "All internal ports are in use.",
            code="no_internal_port",
            advice="Widen internal.ports in the configuration, or delete unused versions.",
        )

    def release(self, port: int) -> None:
        """Give back a port whose owner was never saved."""
        self._used.discard(port)

    def address(self, port: int) -> str | None:
        """`IP:port` as replicas and the host call it; None while there is no gateway."""
        return f"{self.gateway}:{port}" if self.gateway else None

    async def run(self) -> None:
        """Open what should be open and close what should not, for ever."""
        while True:
            self._work.clear()
            complete = await self._level()
            try:
                async with asyncio.timeout(None if complete else RETRY):
                    await self._work.wait()
            except TimeoutError:
                continue

    async def _level(self) -> bool:
        if self.gateway is None:
            return False
        wanted = self._wanted()
        gateway = self.gateway
        for port, (host, owner) in list(self._open.items()):
            if host != gateway or port not in wanted or wanted[port][0] != owner:
                await self._doors.close(port)
                del self._open[port]
        for port in [one for one in wanted if one not in self._open]:
            await asyncio.sleep(0)  # opening thousands takes seconds, which are not ours alone
            owner, route = wanted[port]
            try:
                opened = await self._doors.open(gateway, port, route)
            except Unavailable as error:
                self._short(error, len(wanted) - len(self._open))
                return False
            if opened:
                self._open[port] = (gateway, owner)
            else:
                log.warning("internal port is taken by another program", extra={"port": port})
        self._told_short = False
        return self._open.keys() >= wanted.keys()

    def _short(self, error: Unavailable, left: int) -> None:
        """Told once, until all are open again."""
        if not self._told_short:
            self._told_short = True
            extra = {"left": left, "reason": error.message, "advice": error.advice}
            log.warning("some versions have no internal address", extra=extra)

    def _wanted(self) -> dict[int, tuple[str, Callable[[], Route | None]]]:
        """Port → (id of the service or version, its route of the moment); what matters most
        first, for when not all can be opened.
        """
        wanted: dict[int, tuple[str, Callable[[], Route | None]]] = {}
        services = self._catalog.services()
        for service in services:
            wanted[service.internal_port] = (service.id, _Follow(self._catalog, service.name))
        for service in services:
            for version in service.versions:
                if version.status is VersionStatus.READY:
                    route = _Fixed(version_route(service, version.name))
                    wanted[version.internal_port] = (version.id, route)
        return wanted

    def _changed(self, before: Service | None, after: Service | None) -> None:
        self._used -= _ports_of(before)
        self._used |= _ports_of(after)
        self._work.set()


class _Fixed:
    """Always the same route."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def __call__(self) -> Route:
        return self._route


class _Follow:
    """The service's route of the moment, worked out once per change."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self._catalog = catalog
        self._name = name
        self._service: Service | None = None
        self._route: Route | None = None

    def __call__(self) -> Route | None:
        service = self._catalog.find(self._name)
        if service is not self._service:
            self._service = service
            self._route = service_route(service) if service else None
        return self._route


def _ports_of(service: Service | None) -> set[int]:
    if service is None:
        return set()
    return {service.internal_port} | {version.internal_port for version in service.versions}
