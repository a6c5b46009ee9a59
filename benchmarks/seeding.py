"""A store as if so many services had been deployed, made before a daemon starts on it.

No image of theirs exists: nothing but rows in the store, all at zero.
"""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

from paas.adapters.secrets import AesVault
from paas.adapters.store import SqliteStore
from paas.core.model import (
    Change,
    Deployment,
    DeploymentStatus,
    Event,
    Service,
    Traffic,
    Version,
    VersionStatus,
)
from paas.core.names import version_name
from paas.core.spec import ImageSource, PinnedImage, VersionSpec

_CREATED = 1_795_000_000.0
_FIRST_PORT = 20_000


def seed(path: Path, *, services: int, versions: int) -> None:
    """Write `services` services with `versions` ready versions each; the newest has all
    traffic. Each version has its deployment and an event.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    AesVault(path.with_name("secret.key"))
    asyncio.run(_write(path, services, versions))


async def _write(path: Path, services: int, versions: int) -> None:
    ports = itertools.count(_FIRST_PORT)
    store = await SqliteStore.open(path)
    try:
        for number in range(services):
            service = _service(f"seed{number}", versions, ports)
            await store.commit(
                Change(
                    after=service,
                    deployments=tuple(_deployment(service, one) for one in service.versions),
                    events=tuple(_event(service, one) for one in service.versions),
                )
            )
    finally:
        await store.close()


def _service(name: str, versions: int, ports: Iterator[int]) -> Service:
    made = tuple(_version(name, number, next(ports)) for number in range(1, versions + 1))
    return Service(
        id=f"id-{name}",
        name=name,
        created=_CREATED,
        internal_port=next(ports),
        last_number=versions,
        versions=made,
        split={made[-1].name: 100},
    )


def _version(service: str, number: int, port: int) -> Version:
    image = f"registry.example/team/{service}:{number}"
    return Version(
        id=f"id-{service}-{number}",
        name=version_name(service, number),
        number=number,
        spec=VersionSpec(
            source=ImageSource(image=image), env={"LEVEL": "info", "GREETING": "hello"}
        ),
        status=VersionStatus.READY,
        created=_CREATED + number,
        internal_port=port,
        image=PinnedImage(reference=image, id=f"sha256:{number:064x}"),
        port=8080,
        start_seconds=0.4,
    )


def _deployment(service: Service, version: Version) -> Deployment:
    return Deployment(
        id=f"dep-{version.id}",
        service_id=service.id,
        service=service.name,
        version_id=version.id,
        version=version.name,
        status=DeploymentStatus.SUCCEEDED,
        traffic=Traffic.ALL,
        source=f"image {version.name}",
        actor="seed",
        created=version.created,
        started=version.created,
        ended=version.created + 2,
    )


def _event(service: Service, version: Version) -> Event:
    return Event(
        kind="deployment.succeeded",
        time=version.created,
        service=service.name,
        version=version.name,
        deployment=f"dep-{version.id}",
        message=f"{version.name} is ready and takes all of the traffic.",
    )
