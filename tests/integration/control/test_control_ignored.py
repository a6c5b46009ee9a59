"""A monitor that asks all the time: a version sleeps on time nevertheless."""

import asyncio

from paas.core.model import IgnoreRule
from paas.core.planning import Phase
from paas.core.spec import ReplicaRange
from tests.fakes.replica import Script
from tests.integration.control.holds import Slow, at_least
from tests.integration.control.world import World, Worlds
from tests.waiting import until

V1 = "shop-001"
EVERY = 5
SLEEPY = {"freeze_after": 30, "stop_after": 60}


async def monitored(world: World, **spec: object) -> None:
    """A version that a monitor may ask at /healthz."""
    await world.deploy(**spec)
    rules = {"ignore": (IgnoreRule(path_prefix="/healthz"),)}
    await world.control.services.configure("shop", rules, actor="ann")


async def look(world: World) -> str:
    """What the monitor is told: the version's name, or why the proxy spoke for it."""
    answer = await world.get(path="/healthz")
    assert (answer.status, answer.code) == (200, "")
    return answer.headers.get("x-paas-ignored") or answer.body


async def watched(world: World, seconds: int) -> list[str]:
    """What the monitor is told in so much time."""
    told = []
    for _ in range(seconds // EVERY):
        await world.skip(EVERY)
        told.append(await look(world))
    return told


async def idle_time_kept(world: World) -> None:
    """Since when the version is idle is on disk: it is written behind the requests' back."""
    version_id = world.version(V1).id
    async with asyncio.timeout(10):
        while (mark := (await world.store.activity()).get(version_id)) is None or mark.busy:
            await asyncio.sleep(0.005)


async def test_it_freezes_and_stops_as_if_nobody_asked(worlds: Worlds) -> None:
    world = await worlds(idle=SLEEPY)
    await monitored(world)
    assert await watched(world, 25) == [V1] * 5
    assert len(world.ready(V1)) == 1
    await world.skip(6)
    await until(lambda: world.replicas(V1, Phase.FROZEN))
    assert await watched(world, 25) == ["sleeping"] * 5
    assert world.replicas(V1, Phase.FROZEN)
    await world.skip(6)
    await until(lambda: not world.running(V1))
    assert await watched(world, 10) == ["sleeping"] * 2
    assert world.starts(V1) == 1
    assert (await world.get()).body == V1
    assert await look(world) == V1
    assert world.starts(V1) == 2


async def test_others_wake_it_and_count(worlds: Worlds) -> None:
    world = await worlds(idle=SLEEPY)
    await monitored(world)
    await world.skip(31)
    await until(lambda: world.replicas(V1, Phase.FROZEN))
    assert await look(world) == "sleeping"
    assert (await world.get()).body == V1
    assert await watched(world, 25) == [V1] * 5
    await world.get(path="/healthzfoo")
    assert await watched(world, 25) == [V1] * 5
    assert world.starts(V1) == 1


async def test_a_restart_of_the_daemon_changes_nothing(worlds: Worlds) -> None:
    world = await worlds(idle=SLEEPY)
    await monitored(world)
    await world.skip(31)
    await until(lambda: world.replicas(V1, Phase.FROZEN))
    assert await watched(world, 25) == ["sleeping"] * 5
    await idle_time_kept(world)
    await world.restart()
    await until(lambda: world.replicas(V1, Phase.FROZEN))
    assert await look(world) == "sleeping"
    await world.skip(6)
    await until(lambda: not world.running(V1))
    assert await look(world) == "sleeping"
    assert world.starts(V1) == 1


async def test_nothing_is_frozen_under_it_and_no_second_one_delays_that(worlds: Worlds) -> None:
    world, slow = await worlds(idle=SLEEPY | {"stop_after": 0}), Slow()
    world.engine.script(V1, Script(handler=slow))
    await monitored(world)
    pending = asyncio.ensure_future(look(world))
    await until(lambda: slow.paths)
    await world.skip(31)
    target = world.board.targets[world.version(V1).id]
    await until(lambda: target.resting)
    assert await watched(world, 25) == ["sleeping"] * 5
    assert len(world.ready(V1)) == 1
    slow.let.set()
    assert await pending == "done"
    await until(lambda: world.replicas(V1, Phase.FROZEN))
    assert slow.paths == ["/healthz"]


async def test_a_replica_that_goes_finishes_it(worlds: Worlds) -> None:
    world, slow = await worlds(idle=SLEEPY), Slow()
    world.engine.script(V1, Script(handler=slow))
    await monitored(world)
    pending = asyncio.ensure_future(look(world))
    await until(lambda: slow.paths)
    await world.skip(61)
    await until(lambda: world.replicas(V1, Phase.DRAINING))
    assert await look(world) == "sleeping"
    slow.let.set()
    assert await pending == "done"
    await until(lambda: not world.running(V1))


async def test_a_minimum_keeps_it_as_it_is(worlds: Worlds) -> None:
    world = await worlds(idle=SLEEPY)
    await monitored(world, replicas=at_least(1))
    assert await watched(world, 100) == [V1] * 20
    await world.edit(V1, replicas=ReplicaRange(min=0, max=1))
    await until(lambda: not world.running(V1))
