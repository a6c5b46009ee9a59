"""A deployment cancelled in any step leaves traffic, disk and engine as they were."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from paas.core.access import EVERYTHING
from paas.core.model import DeploymentStatus, StepStatus, VersionStatus
from paas.errors import Conflict
from tests.integration.control.holds import HOLDS, NEW, Held, hold_build
from tests.integration.control.world import DOCKERFILE, World
from tests.waiting import until

Hold = Callable[[World], Awaitable[Held]]


@pytest.mark.parametrize("hold", HOLDS)
async def test_cancel(world: World, hold: Hold) -> None:
    await world.deploy()
    held = await hold(world)
    done = await world.control.deployments.cancel(held.deployment.id, actor="eve", view=EVERYTHING)
    assert done.status is DeploymentStatus.CANCELLED
    assert done.error is not None
    assert done.error.message == "The deployment was cancelled by eve."
    assert {step.status for step in done.steps} <= {
        StepStatus.SUCCEEDED,
        StepStatus.CANCELLED,
        StepStatus.SKIPPED,
    }
    assert (await world.get()).body == "shop-001"
    assert world.version(NEW).status is VersionStatus.FAILED
    held.release()
    await until(lambda: not world.running(NEW) and not world.control.roster.launching())
    await until(lambda: not world.rubbish())
    assert (await world.kinds())[-1] != "deployment.succeeded"


@pytest.mark.parametrize("hold", HOLDS)
async def test_the_number_is_used_up_and_the_next_deployment_goes_through(
    world: World, hold: Hold
) -> None:
    await world.deploy()
    held = await hold(world)
    following = await world.submit()
    await world.control.deployments.cancel(held.deployment.id, actor="eve", view=EVERYTHING)
    held.release()
    assert (await world.ended(following)).status is DeploymentStatus.SUCCEEDED
    assert following.version == "shop-003"
    assert (await world.get()).body == "shop-003"


async def test_the_log_of_a_cancelled_deployment_ends(world: World) -> None:
    held = await hold_build(world)
    key = f"deployments/{held.deployment.id}"

    async def follow() -> list[str]:
        return [line.text async for line in world.journal.follow(key)]

    follower = asyncio.ensure_future(follow())
    await world.control.deployments.cancel(held.deployment.id, actor="eve", view=EVERYTHING)
    async with asyncio.timeout(5):
        assert (await follower)[-1] == "The deployment was cancelled by eve."


async def test_two_cancel_at_once_and_both_are_answered(world: World) -> None:
    held = await hold_build(world)
    cancel = world.control.deployments.cancel
    both = await asyncio.gather(
        cancel(held.deployment.id, actor="ann", view=EVERYTHING),
        cancel(held.deployment.id, actor="eve", view=EVERYTHING),
    )
    assert {one.status for one in both} == {DeploymentStatus.CANCELLED}
    assert (await world.kinds()).count("deployment.cancelled") == 1
    assert world.rubbish() == []


async def test_what_has_ended_cannot_be_cancelled(world: World) -> None:
    done = await world.deploy()
    with pytest.raises(Conflict) as raised:
        await world.control.deployments.cancel(done.id, actor="eve", view=EVERYTHING)
    assert raised.value.code == "deployment_ended"


async def test_deleting_the_service_cancels_and_leaves_nothing(world: World) -> None:
    await world.deploy()
    held = await hold_build(world)
    await world.submit(files=DOCKERFILE)
    await world.control.services.delete("shop", confirm="shop", actor="ann")
    held.release()
    await until(lambda: not world.engine.containers and not world.rubbish())
    assert world.control.catalog.find("shop") is None
    assert (await world.get()).code == "no_such_host"


async def test_a_caller_that_goes_away_leaves_the_deployment_running(world: World) -> None:
    caller = asyncio.ensure_future(world.submit(files=DOCKERFILE))
    await until(world.control.catalog._lock.locked)
    caller.cancel()
    await asyncio.wait([caller])
    await until(lambda: (found := world.control.catalog.find("shop")) and found.versions)
    deployment = (await world.control.deployments.list("shop"))[0]
    assert (await world.ended(deployment)).status is DeploymentStatus.SUCCEEDED
