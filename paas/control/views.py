"""Puts together what is shown of services, versions, replicas and the daemon."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from paas import __version__
from paas.control.addresses import Addresses
from paas.control.catalog import Catalog
from paas.control.keeper import Keeper
from paas.control.replicas import STATES, Replica
from paas.control.room import Room
from paas.control.roster import Roster
from paas.control.view import HealthView, ReplicaView, ServiceView, VersionView
from paas.core.certifying import NO_CERTIFICATE, CertificateStatus
from paas.core.model import Service, Version, VersionStatus
from paas.errors import PaasError
from paas.live.certificates import Certificates
from paas.ports import Clock, Engine, Usage

ENGINE_PATIENCE = 3.0
"""Seconds that looking at replicas or the daemon's health waits for the engine."""


class Urls:
    """Public URLs: https where a certificate covers the host, with the ports that the proxy
    listens on.
    """

    def __init__(self, base_domain: str, certificates: Certificates) -> None:
        self.base_domain = base_domain
        self.certificates = certificates
        self._http = ""
        self._https: str | None = None
        self.plain_ports: frozenset[int] = frozenset()
        self.secure_ports: frozenset[int] = frozenset()
        self.listening: tuple[str, ...] = ()

    def listens(self, plain: Sequence[str], secure: Sequence[str]) -> None:
        """The proxy accepts connections there; the first of each kind stands in URLs."""
        self.listening = (*plain, *secure)
        self.plain_ports = frozenset(int(one.rpartition(":")[2]) for one in plain)
        self.secure_ports = frozenset(int(one.rpartition(":")[2]) for one in secure)
        self._http = _port(plain[0], usual="80")
        self._https = _port(secure[0], usual="443") if secure else None

    def of(self, *names: str) -> tuple[str, ...]:
        """URLs of names in the base domain."""
        return tuple(self.host(f"{name}.{self.base_domain}") for name in names)

    def host(self, host: str) -> str:
        """The URL of a full host name."""
        if self._https is not None and self.certificates.find(host) is not None:
            return f"https://{host}{self._https}/"
        return f"http://{host}{self._http}/"


class Views:
    """Reads memory only, but for the replicas' use of CPU and memory. `certificate` tells
    about that of a host.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        keeper: Keeper,
        roster: Roster,
        addresses: Addresses,
        engine: Engine,
        urls: Urls,
    ) -> None:
        self._catalog = catalog
        self._keeper = keeper
        self._roster = roster
        self._addresses = addresses
        self._engine = engine
        self._urls = urls
        self.certificate: Callable[[str], CertificateStatus] = lambda _host: NO_CERTIFICATE

    def service(self, service: Service) -> ServiceView:
        hosts = tuple(self._urls.host(domain.name) for domain in service.domains)
        return ServiceView(
            service=service,
            state=_state(service),
            urls=self._urls.of(service.name) + hosts,
            internal_address=self._addresses.address(service.internal_port),
            last_deployment=self._catalog.latest_deployment(service),
            certificates={one.name: self.certificate(one.name) for one in service.domains},
        )

    def version(self, service: Service, version: Version) -> VersionView:
        ready = version.status is VersionStatus.READY
        replicas = [self._replica(one, version) for one in self._keeper.replicas(version.id)]
        return VersionView(
            service=service,
            version=version,
            condition=self._keeper.condition(version),
            weight=service.split.get(version.name, 0),
            replicas=tuple(replicas),
            internal_address=self._addresses.address(version.internal_port) if ready else None,
            urls=self._urls.of(version.name) if ready else (),
        )

    async def replicas(self, version: Version) -> tuple[ReplicaView, ...]:
        """The version's replicas, measured at once."""
        known = self._keeper.replicas(version.id)
        usages: Mapping[str, Usage] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(ENGINE_PATIENCE):
                usages = await self._engine.usages([one.id for one in known])
        return tuple(self._replica(one, version, usages.get(one.id)) for one in known)

    def _replica(
        self, replica: Replica, version: Version, usage: Usage | None = None
    ) -> ReplicaView:
        return ReplicaView(
            id=replica.id,
            version=replica.version,
            state=STATES[replica.phase],
            address=f"{replica.host}:{version.port}" if replica.host else None,
            in_flight=self._roster.in_flight(replica),
            started=replica.started,
            cpu=None if usage is None else usage.cpu,
            memory=None if usage is None else usage.memory,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where this daemon works."""

    docker_host: str
    data_dir: str


class Status:
    """The daemon about itself."""

    def __init__(
        self,
        *,
        engine: Engine,
        addresses: Addresses,
        urls: Urls,
        clock: Clock,
        room: Room,
        place: Place,
    ) -> None:
        self._engine = engine
        self._addresses = addresses
        self._urls = urls
        self._clock = clock
        self._room = room
        self._place = place
        self._began = clock.monotonic()

    async def health(self) -> HealthView:
        """Always answers; `engine` says whether the engine does."""
        problem, exposed, version, engine_time = "", "", None, None
        try:
            async with asyncio.timeout(ENGINE_PATIENCE):
                fact = await self._engine.info()
            version, engine_time, exposed = fact.version, fact.time, fact.exposed
        except TimeoutError:
            problem = f"The Docker Engine did not answer within {ENGINE_PATIENCE:g} s."
        except PaasError as error:
            problem = f"{error.message} {error.advice}".strip()
        return HealthView(
            version=__version__,
            engine=version is not None,
            engine_version=version,
            engine_time=engine_time,
            problem=problem,
            uptime=self._clock.monotonic() - self._began,
            proxy=self._urls.listening,
            gateway=self._addresses.gateway,
            docker_host=self._place.docker_host,
            data_dir=self._place.data_dir,
            disks=tuple(self._room.seen),
            exposed=exposed,
        )


def _port(address: str, *, usual: str) -> str:
    """An address's port as a URL shows it."""
    port = address.rpartition(":")[2]
    return "" if port == usual else f":{port}"


def _state(service: Service) -> str:
    if any(service.split.values()):
        return "serving"
    return "offline" if service.versions else "empty"
