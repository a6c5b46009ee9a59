"""The queue: one deployment at a time per service, so many builds per host."""

from itertools import pairwise

import pytest

from paas.core.access import EVERYTHING
from paas.core.model import DeploymentStatus
from paas.errors import Conflict, NotFound
from tests.integration.control.world import DOCKERFILE, World, Worlds
from tests.waiting import until


async def test_one_service_deploys_one_after_the_other(worlds: Worlds) -> None:
    world = await worlds(builds={"concurrent": 4})
    world.builder.gate.close()
    held = [await world.submit(files=DOCKERFILE) for _ in range(3)]
    await until(lambda: world.builder.gate.waiting)
    world.builder.gate.open()
    done = [await world.ended(one) for one in held]
    assert world.builder.most == 1
    assert [one.status for one in done] == [DeploymentStatus.SUCCEEDED] * 3
    assert [one.version for one in done] == ["shop-001", "shop-002", "shop-003"]
    spans = [(one.started or 0.0, one.ended or 0.0) for one in done]
    assert all(ended <= started for (_, ended), (started, _) in pairwise(spans))
    assert (await world.get()).body == "shop-003"


@pytest.mark.parametrize("most", [1, 2])
async def test_so_many_builds_at_once(worlds: Worlds, most: int) -> None:
    world = await worlds(builds={"concurrent": most})
    world.builder.gate.close()
    held = [await world.submit(f"shop-{letter}", files=DOCKERFILE) for letter in "abc"]
    await until(lambda: world.builder.gate.waiting == most)
    world.builder.gate.open()
    for one in held:
        assert (await world.ended(one)).status is DeploymentStatus.SUCCEEDED
    assert world.builder.most == most


async def test_who_waits_for_a_build_says_so(world: World) -> None:
    world.builder.gate.close()
    await world.submit("other", files=DOCKERFILE)
    await until(lambda: world.builder.gate.waiting)
    held = await world.submit(files=DOCKERFILE)
    world.builder.gate.open()
    await world.ended(held)
    assert (await world.log(held))[0] == "Waiting for another build to end"


async def test_a_failed_deployment_makes_way(world: World) -> None:
    world.builder.gate.close()
    first = await world.submit(files={"notes.txt": "x"})
    second = await world.submit(files=DOCKERFILE)
    world.builder.gate.open()
    assert (await world.ended(first)).status is DeploymentStatus.FAILED
    assert (await world.ended(second)).status is DeploymentStatus.SUCCEEDED


async def test_the_eleventh_version_is_refused_and_names_what_can_go(world: World) -> None:
    for _ in range(10):
        await world.deploy()
    with pytest.raises(Conflict) as raised:
        await world.submit(files=DOCKERFILE)
    assert raised.value.code == "too_many_versions"
    assert "shop-001, shop-002" in raised.value.advice
    assert world.rubbish() == []


async def test_with_auto_prune_the_oldest_makes_room_and_is_removed(world: World) -> None:
    settings = {"auto_prune": True}
    await world.control.services.create("shop", actor="ann", view=EVERYTHING, settings=settings)
    for _ in range(11):
        await world.deploy()
    assert world.control.catalog.get("shop").version("shop-001") is None
    await until(lambda: not world.running("shop-001"))
    assert "version.pruned" in await world.kinds()


async def test_a_version_that_is_deploying_cannot_be_deleted(world: World) -> None:
    world.builder.gate.close()
    held = await world.submit(files=DOCKERFILE)
    with pytest.raises(Conflict) as raised:
        await world.control.services.delete_version("shop", held.version, actor="ann")
    assert raised.value.code == "deployment_running"


async def test_an_unknown_deployment(world: World) -> None:
    with pytest.raises(NotFound):
        await world.control.deployments.cancel("dep_none", actor="ann", view=EVERYTHING)
