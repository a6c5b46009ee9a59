"""Values of the model as rows of the store and back."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from paas.adapters.documents import from_json, to_json
from paas.core.idle import Mark, Moment
from paas.core.model import Deployment, DeploymentStatus, Event, Service, Version

Row = tuple[Any, ...]

UNFINISHED = frozenset({DeploymentStatus.QUEUED, DeploymentStatus.RUNNING})


def service_row(service: Service) -> Row:
    """id, name, document without the versions."""
    bare = dataclasses.replace(service, versions=())
    return service.id, service.name, to_json(bare)


def version_row(service: Service, version: Version) -> Row:
    """id, service_id, number, document."""
    return version.id, service.id, version.number, to_json(version)


def deployment_row(deployment: Deployment) -> Row:
    """id, service_id, unfinished, created, document."""
    return (
        deployment.id,
        deployment.service_id,
        deployment.status in UNFINISHED,
        deployment.created,
        to_json(deployment),
    )


def event_row(event: Event) -> Row:
    """service, document; the id is the row's own."""
    return event.service, to_json(event)


def mark_row(version_id: str, mark: Mark) -> Row:
    """version_id, boot, monotonic, wall, busy."""
    return version_id, mark.at.boot, mark.at.monotonic, mark.at.wall, mark.busy


def mark_of(row: Row) -> tuple[str, Mark]:
    """A version's id and its mark, of such a row."""
    version_id, boot, monotonic, wall, busy = row
    return version_id, Mark(at=Moment(boot=boot, monotonic=monotonic, wall=wall), busy=bool(busy))


def services_of(rows: Iterable[Row]) -> list[Service]:
    """Services by name, of rows (service_id, number or None, document); versions by number."""
    services: dict[str, Service] = {}
    versions: dict[str, list[Version]] = {}
    for service_id, number, document in rows:
        if number is None:
            services[service_id] = from_json(Service, document)
        else:
            versions.setdefault(service_id, []).append(from_json(Version, document))
    return [
        dataclasses.replace(
            service,
            versions=tuple(sorted(versions.get(service.id, ()), key=lambda item: item.number)),
        )
        for service in sorted(services.values(), key=lambda item: item.name)
    ]


def deployment_of(row: Row) -> Deployment:
    """The deployment of a row (document,)."""
    return from_json(Deployment, row[0])


def event_of(row: Row) -> Event:
    """The event of a row (id, document)."""
    return dataclasses.replace(from_json(Event, row[1]), id=row[0])
