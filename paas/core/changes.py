"""What may change on a service, and what it is afterwards.

Every function takes the service as it is and returns it as it shall be, or
raises what forbids it. Nothing is done here: callers save the result first and
act on it then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from paas.core.lifecycle import check_version_step
from paas.core.model import (
    Domain,
    Failure,
    Hook,
    Service,
    ServiceSettings,
    Traffic,
    Version,
    VersionStatus,
)
from paas.core.names import version_name
from paas.core.repositories import Repository
from paas.core.spec import PinnedImage, ReplicaRange, ScalingRules, VersionSpec
from paas.errors import Conflict, FieldError, Invalid, NotFound

WHOLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """What the outside decides about a new version: identity, time and port."""

    id: str
    created: float
    internal_port: int


def add_version(
    service: Service, spec: VersionSpec, birth: Birth, *, limit: int
) -> tuple[Service, Version, Version | None]:
    """The service with a new `building` version, that version, and the one pruned for it.

    Raises `Conflict` (`too_many_versions`) naming the versions that could be deleted.
    """
    pruned: Version | None = None
    if len(service.versions) >= limit:
        pruned = _prunable(service, limit)
    number = service.last_number + 1
    version = Version(
        id=birth.id,
        name=version_name(service.name, number),
        number=number,
        spec=spec,
        status=VersionStatus.BUILDING,
        created=birth.created,
        internal_port=birth.internal_port,
    )
    kept = tuple(known for known in service.versions if known is not pruned)
    after = replace(service, last_number=number, versions=(*kept, version))
    return _without_weight(after, pruned), version, pruned


def base_version(service: Service, name: str | None) -> Version | None:
    """The version whose settings a new one takes over: that one, or the newest ready one
    if there is any. Raises `NotFound`, `Conflict` (`version_not_ready`).
    """
    if name is not None:
        _require_ready(service, name)
        return find(service, name)
    ready = [one for one in service.versions if one.status is VersionStatus.READY]
    return max(ready, key=lambda one: one.number, default=None)


def planned(service: Service, name: str, *, dockerfile: str) -> Service:
    """The version is built with a Dockerfile that was made for it."""
    return _with(service, find(service, name), generated_dockerfile=dockerfile)


def started(service: Service, name: str, *, image: PinnedImage, port: int) -> Service:
    """The version has its image and is about to be started."""
    version = find(service, name)
    if version.status is not VersionStatus.STARTING:
        check_version_step(version.status, VersionStatus.STARTING)
    return _with(service, version, status=VersionStatus.STARTING, image=image, port=port)


def released(service: Service, name: str, *, traffic: Traffic, start_seconds: float) -> Service:
    """The version passed its probe; with `all` it takes the whole traffic."""
    version = find(service, name)
    check_version_step(version.status, VersionStatus.READY)
    after = _with(service, version, status=VersionStatus.READY, start_seconds=start_seconds)
    if traffic is Traffic.NONE:
        return after
    return _with_split(after, {name: WHOLE})


def failed(service: Service, name: str, failure: Failure) -> Service:
    """The version's deployment failed or was cancelled; the traffic is untouched."""
    version = find(service, name)
    check_version_step(version.status, VersionStatus.FAILED)
    return _with(service, version, status=VersionStatus.FAILED, failure=failure)


def set_split(service: Service, split: Mapping[str, int]) -> Service:
    """A new split. Raises `Invalid` (`bad_split`) with every wrong field, or `Conflict`
    (`version_not_ready`).
    """
    wrong = [
        FieldError(field=f"split.{name}", message=_unknown(service))
        for name in split
        if service.version(name) is None
    ]
    wrong += [
        FieldError(field=f"split.{name}", message="must be a whole number from 0 to 100")
        for name, weight in split.items()
        if not 0 <= weight <= WHOLE
    ]
    total = sum(split.values())
    if not wrong and total not in (0, WHOLE):
        message = f"weights must sum to 100, or all be 0 to go offline; these sum to {total}"
        wrong.append(FieldError(field="split", message=message))
    if wrong:
        raise Invalid("The split cannot be applied.", code="bad_split", fields=tuple(wrong))
    weighted = {name: weight for name, weight in split.items() if weight}
    for name in weighted:
        _require_ready(service, name)
    return _with_split(service, weighted)


def rollback(service: Service, name: str | None) -> Service:
    """All traffic to version `name`, or without one back to the previous split.

    Raises `Conflict` (`no_previous_split`, `version_not_ready`), `NotFound`.
    """
    if name is not None:
        find(service, name)
        _require_ready(service, name)
        return _with_split(service, {name: WHOLE})
    previous = service.previous_split
    if not previous:
        raise Conflict(
            f"{service.name} has no earlier split to go back to.",
            code="no_previous_split",
            advice=f"Name a version: {_names(service, VersionStatus.READY)}.",
        )
    gone = [known for known in previous if service.version(known) is None]
    if gone:
        raise Conflict(
            f"The previous split used {', '.join(gone)}, which no longer exists.",
            code="no_previous_split",
            advice=f"Name a version: {_names(service, VersionStatus.READY)}.",
        )
    return _with_split(service, dict(previous))


def edit_version(service: Service, name: str, changes: Mapping[str, object]) -> Service:
    """Change what is editable: `replicas`, `scaling`, `concurrency`, `note`."""
    version = find(service, name)
    spec = version.spec
    replicas = changes.get("replicas", spec.replicas)
    scaling = changes.get("scaling", spec.scaling)
    concurrency = changes.get("concurrency", spec.concurrency)
    note = changes.get("note", spec.note)
    assert isinstance(replicas, ReplicaRange)
    assert isinstance(scaling, ScalingRules)
    assert isinstance(concurrency, int)
    assert isinstance(note, str)
    edited = replace(spec, replicas=replicas, scaling=scaling, concurrency=concurrency, note=note)
    return _with(service, version, spec=edited)


def configure(service: Service, settings: ServiceSettings, *, base_domain: str) -> Service:
    """The service with other settings. Raises `Invalid` (`main_domain`)."""
    if settings.main_domain != service.settings.main_domain:
        hosts = [f"{service.name}.{base_domain}", *(domain.name for domain in service.domains)]
        check_main_domain(settings.main_domain, hosts)
    return replace(service, settings=settings)


def set_hook(service: Service, hook: Hook | None) -> Service:
    """The service with that webhook, or without one."""
    return replace(service, hook=hook)


def adopt_repository(service: Service, repository: Repository) -> Service:
    """The repository of a deployment becomes the service's, unless it has one."""
    if service.settings.repository is not None:
        return service
    return replace(service, settings=replace(service.settings, repository=repository))


def check_main_domain(name: str | None, hosts: Sequence[str]) -> None:
    """Raises `Invalid` (`main_domain`) for a name that is none of the service's own."""
    if name is not None and name not in hosts:
        message = f"must be one of the service's own: {', '.join(hosts)}"
        raise Invalid(
            f"{name} is no domain of this service.",
            code="main_domain",
            advice="Add the domain to the service first.",
            fields=(FieldError(field="main_domain", message=message),),
        )


def delete_version(service: Service, name: str, *, deploying: bool) -> Service:
    """The service without that version. Raises `NotFound`, `Conflict` (`version_in_use`,
    `deployment_running`).
    """
    find(service, name)
    weight = service.split.get(name, 0)
    if weight:
        raise Conflict(
            f"{name} has {weight} % of the traffic of {service.name}.",
            code="version_in_use",
            advice="Move its traffic to another version first.",
        )
    if deploying:
        raise Conflict(
            f"{name} is being deployed.",
            code="deployment_running",
            advice="Cancel its deployment or wait for it to end.",
        )
    return _without(service, name)


def add_domain(service: Service, domain: Domain) -> Service:
    """The service with one more domain; adding one it has changes nothing."""
    if any(known.name == domain.name for known in service.domains):
        return service
    return replace(service, domains=(*service.domains, domain))


def remove_domain(service: Service, name: str) -> Service:
    """The service without that domain. Raises `NotFound` (`no_such_domain`)."""
    kept = tuple(known for known in service.domains if known.name != name)
    if len(kept) == len(service.domains):
        raise NotFound(f"{service.name} has no domain {name!r}.", code="no_such_domain")
    settings = service.settings
    if settings.main_domain == name:
        settings = replace(settings, main_domain=None)
    return replace(service, domains=kept, settings=settings)


def find(service: Service, name: str) -> Version:
    """The version of that name. Raises `NotFound` (`no_such_version`)."""
    version = service.version(name)
    if version is None:
        raise NotFound(
            f"{service.name} has no version {name!r}.",
            code="no_such_version",
            advice=_unknown(service).capitalize() + ".",
        )
    return version


def _prunable(service: Service, limit: int) -> Version:
    free = [
        version
        for version in service.versions
        if not service.split.get(version.name)
        and version.status in (VersionStatus.READY, VersionStatus.FAILED)
    ]
    if service.settings.auto_prune and free:
        return free[0]
    deletable = ", ".join(version.name for version in free) or "none now"
    raise Conflict(
        f"{service.name} has {len(service.versions)} versions and the limit is {limit}.",
        code="too_many_versions",
        advice=f"Delete one without traffic (could be deleted: {deletable}), "
        "or switch auto_prune on.",
    )


def _with(service: Service, version: Version, **fields: object) -> Service:
    changed = replace(version, **fields)  # type: ignore[arg-type] # callers name Version's fields
    versions = tuple(changed if known is version else known for known in service.versions)
    return replace(service, versions=versions)


def _with_split(service: Service, split: Mapping[str, int]) -> Service:
    if dict(service.split) == dict(split):
        return service
    return replace(service, split=dict(split), previous_split=dict(service.split))


def _without(service: Service, name: str) -> Service:
    kept = tuple(known for known in service.versions if known.name != name)
    return replace(service, versions=kept)


def _without_weight(service: Service, pruned: Version | None) -> Service:
    """A previous split that used the pruned version can no longer be restored."""
    if pruned is None or not service.previous_split or pruned.name not in service.previous_split:
        return service
    return replace(service, previous_split=None)


def _require_ready(service: Service, name: str) -> None:
    version = find(service, name)
    if version.status is not VersionStatus.READY:
        raise Conflict(
            f"{name} is {version.status}, and only ready versions take traffic.",
            code="version_not_ready",
            advice=f"Ready versions: {_names(service, VersionStatus.READY)}.",
            fields=(FieldError(field=f"split.{name}", message="must name a ready version"),),
        )


def _unknown(service: Service) -> str:
    return f"must be one of its versions: {_names(service, None)}"


def _names(service: Service, status: VersionStatus | None) -> str:
    names = [known.name for known in service.versions if status in (None, known.status)]
    return ", ".join(names) or "there are none"
