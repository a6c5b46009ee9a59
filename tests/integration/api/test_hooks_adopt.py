"""The repository of a first deployment by git becomes the service's own."""

from dataclasses import replace

from paas.adapters.secrets import AesVault
from paas.control.logins import repository_login, seal_login
from paas.core.access import EVERYTHING
from paas.core.model import Change, Deployment, DeploymentStatus, Service
from paas.core.spec import GitSource
from paas.ports import GitLogin
from tests.integration.api.rig import World
from tests.payloads import REPOSITORY, body, signed


async def from_git(paas: World, *, ref: str = "main", status: str = "succeeded") -> Deployment:
    """A deployment of `shop` as if it had come from a repository with a login."""
    ended = await paas.deploy()
    vault = AesVault(paas.settings.data_dir / "secret.key")

    def decide(service: Service) -> Change:
        version = service.versions[-1]
        login = seal_login(vault, version.id, GitLogin(user="bot", password="pa:ss"))
        source = GitSource(url=REPOSITORY, ref=ref, subdir="web", credentials=login)
        edited = replace(version, spec=replace(version.spec, source=source))
        after = replace(service, versions=(*service.versions[:-1], edited))
        return Change(before=service, after=after)

    await paas.control.catalog.change("shop", decide)
    known = await paas.control.deployments.read(ended["id"], view=EVERYTHING)
    return replace(known, status=DeploymentStatus(status))


async def test_it_is_taken_over_with_its_login_and_deploys_pushes(paas: World) -> None:
    deployment = await from_git(paas)
    await paas.control.deployments.on_end(deployment)
    own = (await paas.call("GET", "/v1/services/shop")).json["repository"]
    assert (own["url"], own["branch"], own["subdir"]) == (REPOSITORY, "main", "web")
    assert own["login"] is True
    secret = (await paas.call("POST", "/v1/services/shop/hook")).json["secret"]
    content = body("github")
    answer = await paas.call(
        "POST", "/hooks/shop", data=content, headers=signed("github", content, secret=secret)
    )
    assert (answer.status, answer.json["outcome"]) == (202, "deployed"), answer.text
    made = paas.control.catalog.get("shop").versions[-1]
    vault = AesVault(paas.settings.data_dir / "secret.key")
    assert repository_login(vault, made) == GitLogin(user="bot", password="pa:ss")


async def test_one_that_the_service_has_stays(paas: World) -> None:
    deployment = await from_git(paas)
    url = "https://git.example/acme/other"
    await paas.call("PATCH", "/v1/services/shop", json={"repository": {"url": url}})
    await paas.control.deployments.on_end(deployment)
    assert (await paas.call("GET", "/v1/services/shop")).json["repository"]["url"] == url


async def test_a_deployment_that_failed_says_nothing(paas: World) -> None:
    await paas.control.deployments.on_end(await from_git(paas, status="failed"))
    assert (await paas.call("GET", "/v1/services/shop")).json["repository"] is None
