"""What was accepted survives a restart in any step, and leaves nothing behind twice."""

from collections.abc import Awaitable, Callable

import pytest

from paas.core.access import EVERYTHING
from paas.core.model import DeploymentStatus, StepStatus
from tests.integration.control.holds import (
    HOLDS,
    NEW,
    Held,
    hold_build,
    hold_check,
    hold_start,
    reached,
)
from tests.integration.control.world import DOCKERFILE, World
from tests.waiting import until

Hold = Callable[[World], Awaitable[Held]]


@pytest.mark.parametrize("hold", HOLDS)
async def test_a_restart_in_any_step_is_made_up_for(world: World, hold: Hold) -> None:
    await world.deploy()
    held = await hold(world)
    await world.restart()
    held.release()
    done = await world.ended(held.deployment)
    assert done.error is None
    assert done.status is DeploymentStatus.SUCCEEDED
    assert {step.status for step in done.steps} <= {StepStatus.SUCCEEDED, StepStatus.SKIPPED}
    assert (await world.get()).body == NEW
    await world.settled(NEW, 1)
    await until(lambda: not world.rubbish())


async def test_a_program_that_was_started_before_is_taken_over(world: World) -> None:
    await world.deploy()
    held = await hold_check(world)
    await world.restart()
    held.release()
    await world.ended(held.deployment)
    assert world.starts(NEW) == 1


async def test_a_start_that_was_cut_off_leaves_no_second_program(world: World) -> None:
    await world.deploy()
    held = await hold_start(world)
    await world.restart()
    await world.ended(held.deployment)
    await world.settled(NEW, 1)


async def test_two_restarts_in_the_same_step(world: World) -> None:
    held = await hold_build(world)
    await world.restart()
    await reached(world, held.deployment, held.deployment.steps[1].name)
    await world.restart()
    held.release()
    assert (await world.ended(held.deployment)).status is DeploymentStatus.SUCCEEDED


async def test_the_queue_keeps_its_order(world: World) -> None:
    held = await hold_build(world)
    second = await world.submit(files=DOCKERFILE)
    third = await world.submit(files=DOCKERFILE)
    await world.restart()
    held.release()
    ended = [await world.ended(one) for one in (held.deployment, second, third)]
    assert [one.ended for one in ended] == sorted(one.ended or 0.0 for one in ended)
    assert (await world.get()).body == third.version


async def test_while_fetching_again_no_later_step_looks_done(world: World) -> None:
    held = await hold_build(world)
    world.unpacker.gate.close()
    await world.restart()
    await until(lambda: world.unpacker.gate.waiting)
    now = await world.control.deployments.read(held.deployment.id, view=EVERYTHING)
    statuses = [step.status for step in now.steps]
    assert statuses == [StepStatus.RUNNING, *[StepStatus.PENDING] * 4]


async def test_an_upload_that_was_lost_fails_the_deployment(world: World) -> None:
    held = await hold_build(world)
    await world.end()
    for upload in (world.settings.data_dir / "uploads").iterdir():
        upload.unlink()
    await world.start()
    done = await world.ended(held.deployment)
    assert done.error is not None
    assert done.error.code == "upload_lost"


async def test_a_secret_that_cannot_be_read_any_more_fails_the_deployment(world: World) -> None:
    world.builder.gate.close()
    held = await world.submit(files=DOCKERFILE, secrets={"TOKEN": "geheim"})
    await until(lambda: world.builder.gate.waiting)
    await world.end()
    (world.settings.data_dir / "secret.key").unlink()
    await world.start()
    world.builder.gate.open()
    done = await world.ended(held)
    assert done.error is not None
    assert done.error.code == "secret_unreadable"


async def test_leftovers_of_a_crash_are_removed(world: World) -> None:
    await world.end()
    data = world.settings.data_dir
    (data / "uploads" / "orphan").write_text("x")
    (data / "builds" / "dep_gone").mkdir(parents=True)
    await world.start()
    assert world.rubbish() == []


async def test_an_engine_that_is_away_at_start_holds_nothing_up(world: World) -> None:
    await world.deploy()
    held = await hold_build(world)
    await world.end()
    world.engine.down = True
    await world.start()
    held.release()
    await reached(world, held.deployment, held.deployment.steps[1].name)
    world.engine.down = False
    done = await world.ended(held.deployment)
    assert done.error is None
    assert (await world.get()).body == NEW
