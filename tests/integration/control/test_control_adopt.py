"""After a restart the keeper takes over what runs and removes what should not."""

import asyncio

from paas.core.spec import PinnedImage
from paas.errors import Unavailable
from paas.ports import ReplicaSpec
from tests.fakes.replica import PORT, Script
from tests.integration.control.holds import Slow, at_least
from tests.integration.control.world import World
from tests.waiting import until

AWAY = Unavailable("The engine does not answer.", code="engine_unreachable")


async def test_running_replicas_are_taken_over(world: World) -> None:
    await world.deploy()
    before = (await world.get()).replica
    for _ in range(3):
        await world.restart()
        assert (await world.get()).replica == before
    await world.settled("shop-001", 1)
    assert world.starts("shop-001") == 1


async def test_replicas_of_unknown_versions_are_removed(world: World) -> None:
    await world.deploy()
    await world.end()
    pin = world.engine.add_image("stray:1")
    stray = await world.engine.start(_spec(pin))
    world.engine.foreign.add("another-installation")
    await world.start()
    await until(lambda: stray.id not in world.engine.containers)
    await world.settled("shop-001", 1)
    assert world.engine.removed == [stray.id]


async def test_a_replica_that_ended_meanwhile_is_replaced(world: World) -> None:
    await world.deploy()
    await world.end()
    world.engine.crash(world.running("shop-001")[0])
    await world.start()
    assert (await world.get()).body == "shop-001"
    await world.settled("shop-001", 1)


async def test_a_paused_replica_is_woken(world: World) -> None:
    await world.deploy()
    await world.end()
    paused = world.running("shop-001")[0]
    await world.engine.freeze(paused)
    await world.start()
    assert (await world.get()).replica == paused


async def test_what_is_not_seen_is_not_started_twice(world: World) -> None:
    await world.deploy()
    await world.edit("shop-001", replicas=at_least(2))
    await world.settled("shop-001", 2)
    await world.end()
    world.engine.list_error = AWAY
    await world.start()
    await until(lambda: world.engine.lists > 3)
    assert world.starts("shop-001") == 2
    world.engine.list_error = None
    await world.settled("shop-001", 2)
    assert world.starts("shop-001") == 2


async def test_an_old_list_brings_no_removed_replica_back(world: World) -> None:
    slow = Slow()
    world.engine.script("shop-001", Script(handler=slow))
    await world.deploy()
    await world.deploy()
    pending = asyncio.ensure_future(world.get("shop-001"))
    await until(lambda: slow.paths)
    await world.control.services.delete_version("shop", "shop-001", actor="ann")
    await until(lambda: [one for one in world.control.roster.seen() if one.phase == "draining"])
    world.engine.list_gate.close()
    looks = world.engine.lists
    world.control.keeper._dirty = True
    world.control.keeper.poke()
    await until(lambda: world.engine.lists > looks and world.engine.list_gate.waiting)
    slow.let.set()
    assert (await pending).body == "done"
    await until(lambda: world.engine.removed)
    await until(lambda: len(world.control.roster.ids()) == 1)
    world.engine.list_gate.open()
    await until(lambda: not world.engine.list_gate.waiting)
    assert len(world.control.roster.ids()) == 1


async def test_deleted_while_the_daemon_was_starting_a_replica(world: World) -> None:
    await world.deploy()
    world.engine.script("shop-001", Script(start_delay=0.1))
    await world.edit("shop-001", replicas=at_least(3))
    await until(lambda: world.starts("shop-001") == 3)
    await world.control.services.delete("shop", confirm="shop", actor="ann")
    await until(lambda: not world.control.roster.launching())
    await until(lambda: not world.engine.containers)


async def test_a_restart_in_the_middle_of_scaling(world: World) -> None:
    await world.deploy()
    world.engine.script("shop-001", Script(start_delay=0.1))
    await world.edit("shop-001", replicas=at_least(4))
    await until(lambda: world.starts("shop-001") >= 2)
    await world.restart()
    await world.settled("shop-001", 4)


def _spec(image: PinnedImage) -> ReplicaSpec:
    return ReplicaSpec(
        service="stray",
        version="stray-001",
        version_id="nobody",
        image=image,
        port=PORT,
        cpu=0.5,
        memory=1 << 26,
        env={},
    )
