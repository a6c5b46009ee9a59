"""Deployments from beginning to end over the whole control plane."""

import asyncio

from paas.core.access import EVERYTHING
from paas.core.model import DeploymentStatus, StepStatus, Traffic, VersionStatus
from tests.fakes.replica import PORT
from tests.integration.control.world import DOCKERFILE, World


async def test_an_image_becomes_a_version_that_serves(world: World) -> None:
    done = await world.deploy()
    assert done.status is DeploymentStatus.SUCCEEDED
    assert {step.name: step.status for step in done.steps} == {
        "fetch": StepStatus.SUCCEEDED,
        "build": StepStatus.SKIPPED,
        "start": StepStatus.SUCCEEDED,
        "check": StepStatus.SUCCEEDED,
        "release": StepStatus.SUCCEEDED,
    }
    assert (await world.get()).body == "shop-001"
    assert (await world.get("shop-001")).body == "shop-001"


async def test_an_archive_is_built_and_nothing_is_left_of_it(world: World) -> None:
    done = await world.deploy(files=DOCKERFILE)
    assert done.error is None
    assert all(step.status is StepStatus.SUCCEEDED for step in done.steps)
    assert world.version("shop-001").port == PORT
    assert (await world.get()).body == "shop-001"
    assert world.rubbish() == []


async def test_what_happened_is_told_in_order(world: World) -> None:
    done = await world.deploy(files=DOCKERFILE)
    assert await world.kinds() == [
        "service.created",
        "deployment.queued",
        "replica.started",
        "deployment.succeeded",
    ]
    log = await world.log(done)
    assert "Successfully built" in log
    assert log[-1] == "shop-001 is ready and takes all of the traffic."


async def test_without_traffic_the_old_version_goes_on(world: World) -> None:
    await world.deploy()
    await world.deploy(traffic=Traffic.NONE)
    assert (await world.get()).body == "shop-001"
    assert (await world.get("shop-002")).body == "shop-002"
    assert world.version("shop-002").status is VersionStatus.READY


async def test_a_deployment_is_told_to_have_ended_when_its_traffic_is_in_force(
    world: World,
) -> None:
    world.store.late = late = asyncio.Event()
    started = await world.submit()

    async def stored() -> DeploymentStatus | None:
        found = await world.store.deployment(started.id)
        return found.status if found else None

    async with asyncio.timeout(10):
        while await stored() is not DeploymentStatus.SUCCEEDED:
            await asyncio.sleep(0.01)
    assert (await world.get()).status == 503
    reading = asyncio.ensure_future(world.control.deployments.read(started.id, view=EVERYTHING))
    await asyncio.wait([reading], timeout=0.1)
    assert not reading.done()
    late.set()
    assert (await reading).status is DeploymentStatus.SUCCEEDED
    assert (await world.get()).body == "shop-001"
