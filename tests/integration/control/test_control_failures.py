"""Deployments that fail: fast, with the reason, and without touching the traffic."""

import time
from collections.abc import Awaitable, Callable

import pytest

from paas.core.access import EVERYTHING
from paas.core.model import Deployment, DeploymentStatus, StepStatus, VersionStatus
from paas.core.spec import Probe, Timeouts
from paas.errors import Failed, Unavailable
from tests.fakes.replica import OTHER_PORT, Script
from tests.integration.control.holds import NEW, Moody
from tests.integration.control.world import DOCKERFILE, World
from tests.waiting import until

QUICK = Timeouts(start=0.3)


async def no_archive(world: World) -> Deployment:
    upload = await world.submit(files={})
    return await world.ended(upload)


async def no_such_image(world: World) -> Deployment:
    return await world.deploy(image="registry.example/none:1")


async def no_dockerfile(world: World) -> Deployment:
    return await world.deploy(files={"shop.txt": "x"})


async def build_failed(world: World) -> Deployment:
    world.fake_builder.error = Failed("The build failed.", code="build_failed", log=("step 3",))
    return await world.deploy(files=DOCKERFILE)


async def start_refused(world: World) -> Deployment:
    world.engine.script(NEW, Script(start_error=Failed("No such command.", code="start_failed")))
    return await world.deploy()


async def exits(world: World) -> Deployment:
    world.engine.script(NEW, Script(exit_code=3, log=("Traceback", "KeyError: 'PORT'")))
    return await world.deploy()


async def never_listens(world: World) -> Deployment:
    world.engine.script(NEW, Script(listen=False))
    return await world.deploy(timeouts=QUICK)


async def unhealthy(world: World) -> Deployment:
    world.engine.script(NEW, Script(handler=Moody()))
    return await world.deploy(timeouts=QUICK, probe=Probe(http="/healthz"))


Case = Callable[[World], Awaitable[Deployment]]
CASES: list[tuple[Case, str, str]] = [
    (no_archive, "fetch", "empty_archive"),
    (no_such_image, "fetch", "image_not_found"),
    (no_dockerfile, "build", "no_dockerfile"),
    (build_failed, "build", "build_failed"),
    (start_refused, "start", "start_failed"),
    (exits, "check", "replica_exited"),
    (never_listens, "check", "not_listening"),
    (unhealthy, "check", "probe_failed"),
]


@pytest.mark.parametrize(("case", "step", "code"), CASES)
async def test_a_failure_leaves_everything_as_it_was(
    world: World, case: Case, step: str, code: str
) -> None:
    await world.deploy()
    done = await case(world)
    assert done.status is DeploymentStatus.FAILED
    assert done.error is not None
    assert done.error.code == code
    assert [one.name for one in done.steps if one.status is StepStatus.FAILED] == [step]
    assert world.version(NEW).status is VersionStatus.FAILED
    assert (await world.get()).body == "shop-001"
    assert (await world.get(NEW)).code == "no_such_host"
    await until(lambda: not world.running(NEW))
    await until(lambda: not world.rubbish())
    assert (await world.deploy()).version == "shop-003"


async def test_a_program_that_ends_fails_fast_with_its_last_lines(world: World) -> None:
    began = time.monotonic()
    world.engine.script("shop-001", Script(exit_code=3, log=("Traceback", "KeyError: 'PORT'")))
    done = await world.deploy()
    assert time.monotonic() - began < 2
    assert done.error is not None
    assert done.error.log == ("Traceback", "KeyError: 'PORT'")
    assert "exit code 3" in done.error.message
    assert "KeyError: 'PORT'" in await world.log(done)


async def test_a_program_on_another_port_is_told_which(world: World) -> None:
    world.engine.script("shop-001", Script(listen_port=OTHER_PORT))
    done = await world.deploy(timeouts=QUICK)
    assert done.error is not None
    assert f"listens on port {OTHER_PORT}" in done.error.message
    assert done.error.advice.startswith(f"Deploy with port {OTHER_PORT}")


async def test_it_is_probed_until_its_deadline_and_no_longer(world: World) -> None:
    world.engine.script("shop-001", Script(listen=False))
    began = time.monotonic()
    await world.deploy(timeouts=QUICK)
    assert 0.3 <= time.monotonic() - began < 2
    assert world.starts("shop-001") == 1


async def test_an_engine_that_is_away_is_waited_for(world: World) -> None:
    world.builder.gate.close()
    held = await world.submit(files=DOCKERFILE)
    await until(lambda: world.builder.gate.waiting)
    world.engine.script("shop-001", Script(start_delay=0.1))
    world.builder.gate.open()
    await until(lambda: world.engine.starts)
    world.engine.down = True  # while it starts the program
    await until(lambda: not world.control.roster.launching())
    world.engine.down = False
    await world.skip(2)
    done = await world.ended(held)
    assert done.error is None
    assert (await world.get()).body == "shop-001"


async def test_waiting_for_an_engine_that_is_away_can_be_cancelled(world: World) -> None:
    world.builder.gate.close()
    held = await world.submit(files=DOCKERFILE, timeouts=QUICK)
    await until(lambda: world.builder.gate.waiting)
    world.engine.script("shop-001", Script(start_error=Unavailable("Gone.", code="engine_away")))
    world.builder.gate.open()
    await until(lambda: world.engine.starts)
    done = await world.control.deployments.cancel(held.id, actor="eve", view=EVERYTHING)
    assert done.status is DeploymentStatus.CANCELLED
    await until(lambda: not world.control.roster.launching())
    assert world.running("shop-001") == []


async def test_the_end_is_saved_as_soon_as_the_store_takes_it(world: World) -> None:
    world.builder.gate.close()
    held = await world.submit(files=DOCKERFILE)
    await until(lambda: world.builder.gate.waiting)
    world.store.broken = Unavailable("The disk is full.", code="disk_full")
    world.builder.gate.open()
    await until(lambda: world.store.refused >= 2)
    world.store.broken = None
    done = await world.ended(held)
    assert done.error is not None
    assert done.error.code == "disk_full"
    assert world.version("shop-001").status is VersionStatus.FAILED
    assert world.rubbish() == []


async def test_a_refused_request_leaves_no_upload(world: World) -> None:
    world.store.broken = Unavailable("The disk is full.", code="disk_full")
    with pytest.raises(Unavailable):
        await world.submit(files=DOCKERFILE)
    assert world.rubbish() == []
    world.store.broken = None
    assert (await world.deploy()).version == "shop-001"
