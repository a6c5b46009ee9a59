"""Services' own repositories: what webhooks deploy, taken over from a first deployment."""

from dataclasses import replace

from paas.control.catalog import Catalog
from paas.control.deployments import Deployments
from paas.control.intake import DeploymentRequest
from paas.control.logins import own_login, repository_login, seal_own_login
from paas.control.usual import usual_spec
from paas.core import changes
from paas.core.model import Change, Deployment, DeploymentStatus, Service, Traffic, Trigger
from paas.core.repositories import Repository, repository_of
from paas.core.spec import GitSource
from paas.errors import Conflict
from paas.ports import Vault
from paas.settings import Defaults


class OwnRepositories:
    """Deploys from them, and takes them over."""

    def __init__(
        self, *, catalog: Catalog, deployments: Deployments, vault: Vault, defaults: Defaults
    ) -> None:
        self._catalog = catalog
        self._deployments = deployments
        self._vault = vault
        self._defaults = defaults

    async def deploy(
        self, name: str, service_id: str, commit: str, *, note: str, actor: str
    ) -> Deployment:
        """A deployment of that commit, for a webhook; all else is as in the newest ready
        version. Raises `Conflict` (`service_changed`) and as `Deployments.submit`.
        """
        service = self._catalog.get(name)
        repository = service.settings.repository
        if service.id != service_id or repository is None:
            raise Conflict(f"{name} was changed meanwhile.", code="service_changed")
        base = self._deployments.base(name)
        usual = usual_spec(base, self._defaults, _source(repository, commit))
        return await self._deployments.submit(
            DeploymentRequest(
                service=name,
                create=False,
                traffic=Traffic.ALL,
                actor=actor,
                spec=replace(usual, note=note),
                base=base,
                credentials=own_login(self._vault, service),
                trigger=Trigger.WEBHOOK,
                revision=commit,
            )
        )

    async def adopt(self, deployment: Deployment) -> None:
        """A deployment from a repository succeeded: its repository becomes the service's,
        if that one has none.
        """
        found = self._catalog.version(deployment.version_id)
        if found is None or deployment.status is not DeploymentStatus.SUCCEEDED:
            return
        service, version = found
        source = version.spec.source
        if isinstance(source, GitSource) and service.settings.repository is None:
            repository = repository_of(source)
            login = repository_login(self._vault, version)
            if login is not None:
                sealed = seal_own_login(self._vault, service.id, login)
                repository = replace(repository, credentials=sealed)
            await self._catalog.change(
                service.name, lambda now: _adopting(now, service.id, repository)
            )


def _source(repository: Repository, commit: str) -> GitSource:
    return GitSource(
        url=repository.url,
        ref=commit,
        subdir=repository.subdir,
        submodules=repository.submodules,
        lfs=repository.lfs,
    )


def _adopting(now: Service, service_id: str, repository: Repository) -> Change:
    """Nothing for another service that has the name by now."""
    same = now.id == service_id
    return Change(before=now, after=changes.adopt_repository(now, repository) if same else now)
