"""What the control plane shows: values the API and the console render."""

from collections.abc import Mapping
from dataclasses import dataclass

from paas.control.room import Seen
from paas.core.certifying import CertificateStatus
from paas.core.model import Condition, Deployment, ReplicaState, Service, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaView:
    """One replica now. `cpu` is seconds used since its start, `memory` bytes now."""

    id: str
    version: str
    state: ReplicaState
    address: str | None = None
    in_flight: int = 0
    started: float | None = None
    cpu: float | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """A version with its weight and runtime; `condition` only while it is ready and known."""

    service: Service
    version: Version
    condition: Condition | None
    weight: int
    replicas: tuple[ReplicaView, ...]
    internal_address: str | None
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """A service. `state`: `serving` (some weight), `offline`, `empty`; `certificates` are
    those of its domains.
    """

    service: Service
    state: str
    urls: tuple[str, ...]
    internal_address: str | None
    last_deployment: Deployment | None
    certificates: Mapping[str, CertificateStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """The daemon about itself; `problem` says why the engine does not answer, `exposed` why
    replicas may reach other ports of this host.
    """

    version: str
    engine: bool
    engine_version: str | None
    engine_time: float | None
    problem: str
    uptime: float
    proxy: tuple[str, ...]
    gateway: str | None
    docker_host: str
    data_dir: str
    disks: tuple[Seen, ...] = ()
    exposed: str = ""
