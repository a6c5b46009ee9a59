"""Accepting work: new services and versions, with their identities and sealed secrets."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from paas.control.addresses import Addresses
from paas.control.build_secrets import seal_build_secrets
from paas.control.catalog import Catalog
from paas.control.images import REGISTRY
from paas.control.launcher import reveal, secret_context
from paas.control.logins import repository_login, seal_login
from paas.control.repository_edit import RepositoryEdit, sealed_repository
from paas.core import changes
from paas.core.model import (
    Change,
    Deployment,
    DeploymentStatus,
    Event,
    Service,
    ServiceSettings,
    Traffic,
    Trigger,
    Version,
)
from paas.core.names import check_service_name
from paas.core.repositories import Repository
from paas.core.spec import ArchiveSource, GitSource, ImageSource, VersionSource, VersionSpec
from paas.errors import Conflict, PaasError
from paas.ports import Clock, Credentials, GitLogin, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRequest:
    """A checked request. `spec.secrets` is empty: `secrets` are in clear text and sealed
    on acceptance. Those of `base`, a version of the service, are taken over but for the
    `dropped`; so are build secrets, but for those given as None. `upload` is a file that
    now belongs to the deployment.
    """

    service: str
    create: bool
    traffic: Traffic
    actor: str
    spec: VersionSpec
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    build_secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    base: Version | None = None
    dropped: Collection[str] = ()
    credentials: Credentials | GitLogin | None = field(default=None, repr=False)
    trigger: Trigger = Trigger.API
    revision: str = ""
    upload: Path | None = None


class Intake:
    """Creates services and the versions that deployments will fill."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        addresses: Addresses,
        vault: Vault,
        clock: Clock,
        version_limit: int,
    ) -> None:
        self._catalog = catalog
        self._addresses = addresses
        self._vault = vault
        self._clock = clock
        self._version_limit = version_limit

    def check(self, service: str, *, create: bool) -> None:
        """Refuse what `accept` would refuse whatever the upload holds."""
        found = self._catalog.find(service)
        if found is not None:
            changes.add_version(found, _ANY, _NOBODY, limit=self._version_limit)
            return
        check_service_name(service, field="service")
        if not create:
            self._catalog.get(service)

    def base(self, service: str, version: str | None = None) -> Version | None:
        """The version that a deployment goes on from: the named one, else the newest ready
        one if there is any. Raises `NotFound`, `Conflict` (`version_not_ready`).
        """
        found = self._catalog.get(service) if version else self._catalog.find(service)
        return None if found is None else changes.base_version(found, version)

    async def accept(self, request: DeploymentRequest) -> Deployment:
        """The queued deployment of a new version, both durable.

        Raises `NotFound` (`no_such_service`), `Invalid` (name), `Conflict`
        (`too_many_versions`), `Unavailable` (`no_internal_port`, `disk_full`).
        """
        self.check(request.service, create=request.create)
        if self._catalog.find(request.service) is None:
            await self._create_unless_there(request)
        port = self._addresses.allocate()
        try:
            change = await self._catalog.change(
                request.service, lambda service: self._new_version(service, request, port)
            )
        except PaasError:  # cancelled, the change may still be made and keep the port
            self._addresses.release(port)
            raise
        return change.deployments[0]

    def repository(
        self, service_id: str, edit: RepositoryEdit, now: Repository | None
    ) -> Repository:
        """The edited repository with its login sealed; `now` is the one there is."""
        return sealed_repository(self._vault, service_id, edit, now=now)

    async def create(
        self,
        name: str,
        *,
        actor: str,
        settings: ServiceSettings,
        repository: RepositoryEdit | None = None,
    ) -> Service:
        """A new, empty service. Raises `Invalid` (name), `Conflict` (`service_exists`)."""
        check_service_name(name)
        service_id = secrets.token_hex(8)
        if repository is not None:
            own = self.repository(service_id, repository, None)
            settings = replace(settings, repository=own)
        port = self._addresses.allocate()
        now = self._clock.time()
        service = Service(
            id=service_id,
            name=name,
            created=now,
            internal_port=port,
            settings=settings,
        )
        message = f"{name} was created."
        event = Event(kind="service.created", time=now, actor=actor, service=name, message=message)
        try:
            return await self._catalog.create(service, event)
        except PaasError:  # cancelled, the change may still be made and keep the port
            self._addresses.release(port)
            raise

    async def _create_unless_there(self, request: DeploymentRequest) -> None:
        try:
            await self.create(request.service, actor=request.actor, settings=ServiceSettings())
        except Conflict:
            return  # somebody else was faster: deploy to theirs

    def _new_version(self, service: Service, request: DeploymentRequest, port: int) -> Change:
        now = self._clock.time()
        birth = changes.Birth(id=secrets.token_hex(8), created=now, internal_port=port)
        spec = self._sealed(request, birth.id)
        after, version, pruned = changes.add_version(
            service, spec, birth, limit=self._version_limit
        )
        deployment = Deployment(
            id=f"dep_{secrets.token_hex(8)}",
            service_id=service.id,
            service=service.name,
            version_id=version.id,
            version=version.name,
            status=DeploymentStatus.QUEUED,
            traffic=request.traffic,
            source=_describe(spec),
            actor=request.actor,
            created=now,
            upload=request.upload.name if request.upload else None,
            trigger=request.trigger,
            revision=request.revision,
        )
        queued = Event(
            kind="deployment.queued",
            time=now,
            actor=request.actor,
            service=service.name,
            version=version.name,
            deployment=deployment.id,
            message=f"{version.name} is queued.",
        )
        events = [queued]
        if pruned is not None:
            message = f"{pruned.name} was deleted to make room for {version.name}."
            events.append(replace(queued, kind="version.pruned", message=message))
        return Change(before=service, after=after, deployments=(deployment,), events=tuple(events))

    def _sealed(self, request: DeploymentRequest, version_id: str) -> VersionSpec:
        spec = request.spec
        secrets_now = {**self._taken_over(request), **request.secrets}
        sealed = {
            name: self._vault.seal(secret_context(version_id, name), value)
            for name, value in secrets_now.items()
        }
        login = request.credentials or self._known_login(request)
        if isinstance(login, GitLogin) and isinstance(spec.source, GitSource):
            credentials = seal_login(self._vault, version_id, login)
            spec = replace(spec, source=replace(spec.source, credentials=credentials))
        if isinstance(login, Credentials) and isinstance(spec.source, ImageSource):
            context = secret_context(version_id, REGISTRY)
            credentials = self._vault.seal(context, f"{login.user}:{login.password}")
            spec = replace(spec, source=replace(spec.source, credentials=credentials))
        build = seal_build_secrets(
            self._vault, version_id, request.build_secrets, base=request.base
        )
        return replace(spec, secrets=sealed, build_secrets=build)

    def _known_login(self, request: DeploymentRequest) -> GitLogin | None:
        """That of the version that this one goes on from, for the same URL only."""
        source, base = request.spec.source, request.base
        if base is None or not isinstance(source, GitSource):
            return None
        before = base.spec.source
        same = isinstance(before, GitSource) and before.url == source.url
        return repository_login(self._vault, base) if same else None

    def _taken_over(self, request: DeploymentRequest) -> dict[str, str]:
        """Secrets of the version that this one goes on from, in clear text."""
        if request.base is None:
            return {}
        hidden = {*request.dropped, *request.spec.env}
        known = reveal(self._vault, request.base)
        return {name: value for name, value in known.items() if name not in hidden}


_ANY = VersionSpec(source=ImageSource(image="any"))
_NOBODY = changes.Birth(id="", created=0.0, internal_port=0)


def _describe(spec: VersionSpec) -> str:
    source = spec.source
    match source:
        case ImageSource():
            return f"image {source.image}"
        case VersionSource():
            return f"image of {source.version}"
        case GitSource():
            return f"{source.url} {source.ref}".rstrip()
        case ArchiveSource():
            return source.filename
