"""Values of the model with the fields a test does not care about filled in."""

from typing import Any

from paas.core.model import (
    Deployment,
    DeploymentStatus,
    Event,
    Service,
    Traffic,
    Version,
    VersionStatus,
)
from paas.core.names import version_name
from paas.core.spec import ImageSource, ReplicaRange, VersionSpec

NOW = 1_700_000_000.0


def spec(**fields: Any) -> VersionSpec:
    """The least a deployment asks for."""
    return VersionSpec(**{"source": ImageSource(image="shop:1"), **fields})


def version(number: int = 1, *, service: str = "shop", **fields: Any) -> Version:
    """A ready version with the id `<service>-id-<number>`."""
    known = {
        "id": f"{service}-id-{number}",
        "name": version_name(service, number),
        "number": number,
        "spec": spec(),
        "status": VersionStatus.READY,
        "created": NOW + number,
        "internal_port": 20_000 + number,
    }
    return Version(**{**known, **fields})


def service(*versions: Version, name: str = "shop", **fields: Any) -> Service:
    """A service with the id `<name>-id` and these versions."""
    known = {
        "id": f"{name}-id",
        "name": name,
        "created": NOW,
        "internal_port": 20_000,
        "versions": versions,
        "last_number": max((one.number for one in versions), default=0),
    }
    return Service(**{**known, **fields})


def replicas(minimum: int, maximum: int = 10) -> VersionSpec:
    """A spec with that range of replicas."""
    return spec(replicas=ReplicaRange(min=minimum, max=maximum))


def deployment(number: int = 1, *, of: str = "shop", **fields: Any) -> Deployment:
    """A queued deployment that makes version `number`."""
    known = {
        "id": f"dep_{of}_{number}",
        "service_id": f"{of}-id",
        "service": of,
        "version_id": f"{of}-id-{number}",
        "version": version_name(of, number),
        "status": DeploymentStatus.QUEUED,
        "traffic": Traffic.ALL,
        "source": "image shop:1",
        "actor": "ann",
        "created": NOW + number,
    }
    return Deployment(**{**known, **fields})


def event(kind: str = "service.changed", **fields: Any) -> Event:
    """Something that happened."""
    return Event(**{"kind": kind, "time": NOW, "message": kind, **fields})
