"""Deployments from repositories, as the control plane sees them."""

import pytest

from paas.control.intake import DeploymentRequest
from paas.core.model import Deployment, DeploymentStatus, Traffic, Version
from paas.core.spec import GitSource, VersionSpec
from paas.ports import GitLogin
from tests.fakes.repositories import FakeRepository
from tests.integration.control.world import DOCKERFILE, World
from tests.waiting import until

URL = "https://git.example/team/shop.git"
LOGIN = GitLogin(user="ann", password="sesame-token")
REVISION = "a" * 40


@pytest.fixture
def repository(world: World) -> FakeRepository:
    found = FakeRepository(commits={REVISION: DOCKERFILE}, refs={"HEAD": REVISION}, login=LOGIN)
    world.repositories.known[URL] = found
    return found


async def submit(
    world: World,
    *,
    url: str = URL,
    ref: str = "",
    login: GitLogin | None = LOGIN,
    base: Version | None = None,
) -> Deployment:
    wanted = DeploymentRequest(
        service="shop",
        create=True,
        traffic=Traffic.ALL,
        actor="ann",
        spec=VersionSpec(source=GitSource(url=url, ref=ref)),
        base=base,
        credentials=login,
    )
    return await world.control.deployments.submit(wanted)


async def test_a_repository_becomes_a_version(world: World, repository: FakeRepository) -> None:
    ended = await world.ended(await submit(world))
    assert ended.status is DeploymentStatus.SUCCEEDED, ended.error
    assert ended.revision == REVISION
    assert ended.source == URL
    assert [one.login for one in world.repositories.fetched] == [LOGIN]
    assert f"Commit {REVISION}" in await world.log(ended)
    assert not world.rubbish()


async def test_the_login_is_stored_sealed_and_masked(
    world: World, repository: FakeRepository
) -> None:
    repository.refs["sesame-token"] = REVISION
    ended = await world.ended(await submit(world, ref="sesame-tokem"))
    assert ended.error is not None
    assert ended.error.code == "ref_not_found"
    source = world.version("shop-001").spec.source
    assert isinstance(source, GitSource)
    assert source.credentials is not None
    assert b"sesame" not in source.credentials
    again = await world.ended(await submit(world, ref="x-sesame-token"))
    assert again.error is not None
    assert "sesame-token" not in again.error.message
    assert "sesame-token" not in str(await world.log(again))


async def test_the_login_goes_on_to_the_next_version_of_the_same_url(
    world: World, repository: FakeRepository
) -> None:
    await world.ended(await submit(world))
    base = world.control.deployments.base("shop")
    assert base is not None
    again = await world.ended(await submit(world, login=None, base=base))
    assert again.status is DeploymentStatus.SUCCEEDED, again.error
    other = "https://git.example/team/other.git"
    world.repositories.known[other] = repository
    refused = await world.ended(await submit(world, url=other, login=None, base=base))
    assert refused.error is not None
    assert refused.error.code == "repository_login_needed"


async def test_without_the_login_it_is_refused(world: World, repository: FakeRepository) -> None:
    ended = await world.ended(await submit(world, login=None))
    assert ended.error is not None
    assert ended.error.code == "repository_login_needed"
    assert not world.rubbish()


async def test_a_restart_while_fetching_fetches_again(
    world: World, repository: FakeRepository
) -> None:
    world.repositories.delay = 60
    queued = await submit(world)
    await until(lambda: len(world.repositories.fetched) == 1)
    await world.end()
    world.repositories.delay = 0
    await world.start()
    ended = await world.ended(queued)
    assert ended.status is DeploymentStatus.SUCCEEDED
    assert ended.revision == REVISION
    assert len(world.repositories.fetched) == 2
