"""How many replicas run: minimum, idleness, weights, and kind ends."""

import asyncio

import pytest

from paas.core.model import VersionStatus
from paas.core.planning import Phase
from paas.core.spec import Timeouts
from tests.fakes.replica import Script
from tests.integration.control.holds import Slow, at_least
from tests.integration.control.wire import Answer, request
from tests.integration.control.world import World, Worlds
from tests.waiting import until

V1, V2 = "shop-001", "shop-002"


async def test_the_minimum_is_raised_and_lowered(world: World) -> None:
    await world.deploy()
    for count in (3, 2, 4, 1):
        await world.edit(V1, replicas=at_least(count))
        await world.settled(V1, count)
        assert len(world.board.targets[world.version(V1).id].slots) == count
        assert (await world.get()).status == 200


async def test_an_edit_that_is_taken_back_at_once(world: World) -> None:
    await world.deploy()
    world.engine.script(V1, Script(start_delay=0.05))
    await world.edit(V1, replicas=at_least(4))
    await world.edit(V1, replicas=at_least(1))
    await world.edit(V1, replicas=at_least(2))
    await until(lambda: not world.control.roster.launching())
    await world.settled(V1, 2)


async def test_without_requests_it_stops_after_a_while(worlds: Worlds) -> None:
    world = await worlds(idle={"freeze_after": 30, "stop_after": 60})
    await world.deploy()
    await world.skip(50)
    await world.get()
    await world.skip(50)
    await world.settled(V1, 1)
    await world.skip(11)
    await until(lambda: not world.running(V1))
    assert (await world.get()).body == V1


async def test_never_means_never(worlds: Worlds) -> None:
    world = await worlds(idle={"freeze_after": 0, "stop_after": 0})
    await world.deploy()
    await world.deploy()
    await world.skip(10_000_000)
    await world.settled(V1, 1)
    await world.settled(V2, 1)


async def test_a_minimum_with_traffic_is_kept_for_ever(world: World) -> None:
    await world.deploy(replicas=at_least(2))
    await world.settled(V1, 2)
    await world.skip(10_000)
    await world.settled(V1, 2)
    assert world.starts(V1) == 2


async def test_a_version_without_weight_stops_sooner(world: World) -> None:
    await world.deploy(replicas=at_least(2))
    await world.deploy()
    await world.skip(299)
    await world.settled(V1, 2)
    await world.skip(2)
    await until(lambda: not world.running(V1))
    await until(lambda: world.replicas(V2, Phase.FROZEN))


async def test_a_rollback_brings_an_old_version_back(world: World) -> None:
    await world.deploy(replicas=at_least(2))
    await world.deploy()
    await world.skip(301)
    await until(lambda: not world.running(V1))
    await world.control.services.rollback("shop", version=None, actor="ann")
    assert (await world.get()).body == V1
    await world.settled(V1, 2)


async def test_with_a_request_under_way_it_is_not_idle(world: World) -> None:
    slow = await _slow(world)
    pending = await _ask(world, slow)
    await world.skip(4000)
    await asyncio.sleep(0)
    await world.settled(V1, 1)
    slow.let.set()
    assert (await pending).body == "done"


async def test_a_drained_replica_finishes_what_it_began(world: World) -> None:
    slow = await _slow(world)
    pending = await _ask(world, slow)
    await world.deploy()
    await world.control.services.delete_version("shop", V1, actor="ann")
    await until(lambda: Phase.DRAINING in _phases(world))
    assert (await world.get()).body == V2
    slow.let.set()
    assert (await pending).body == "done"
    await until(lambda: len(world.engine.containers) == 1)


async def test_scaling_down_takes_the_idle_one(world: World) -> None:
    slow = await _slow(world, replicas=at_least(2))
    await world.settled(V1, 2)
    pending = await _ask(world, slow)
    await world.edit(V1, replicas=at_least(1))
    await world.settled(V1, 1)
    slow.let.set()
    assert (await pending).body == "done"


async def test_deleting_the_service_lets_requests_finish(world: World) -> None:
    slow = await _slow(world)
    pending = await _ask(world, slow)
    await world.control.services.delete("shop", confirm="shop", actor="ann")
    assert (await world.get()).code == "no_such_host"
    await until(lambda: Phase.DRAINING in _phases(world))
    slow.let.set()
    assert (await pending).body == "done"
    await until(lambda: not world.engine.containers and not world.board.targets)


@pytest.mark.parametrize("deleted", ["version", "service"])
async def test_but_only_for_as_long_as_the_version_says(world: World, deleted: str) -> None:
    slow = await _slow(world, timeouts=Timeouts(drain=0.1))
    pending = await _ask(world, slow)
    if deleted == "version":
        await world.deploy()
        await world.control.services.delete_version("shop", V1, actor="ann")
    else:
        await world.control.services.delete("shop", confirm="shop", actor="ann")
    assert (await pending).code == "no_such_host"  # cut, sent again, and nobody is there
    await until(lambda: V1 not in [one.spec.version for one in world.engine.containers.values()])


async def test_the_name_can_be_used_again_at_once(world: World) -> None:
    await world.deploy()
    old = world.version(V1).id
    await world.control.services.delete("shop", confirm="shop", actor="ann")
    done = await world.deploy()
    assert (done.version, done.error) == (V1, None)
    assert world.version(V1).id != old
    assert (await world.get()).body == V1
    await until(lambda: [one.spec.version_id for one in world.engine.containers.values()] != [old])
    await world.settled(V1, 1)


async def test_internal_addresses_come_and_go(world: World) -> None:
    await world.deploy()
    await world.deploy()
    services = world.control.services
    shown = (await services.read("shop"), (await services.versions("shop"))[0])
    both = [view.internal_address for view in shown]
    host, _, shop = (both[0] or "").rpartition(":")
    first = (both[1] or "").rpartition(":")[2]
    opened = world.control.addresses._open
    await until(lambda: {int(shop), int(first)} <= opened.keys())
    assert (await request("x", int(shop), at=host)).body == V2
    assert (await request("x", int(first), at=host)).body == V1
    await world.control.services.delete_version("shop", V1, actor="ann")
    await until(lambda: int(first) not in opened)
    await world.split(shop_002=0)
    assert (await request("x", int(shop), at=host)).code == "no_traffic"


async def test_another_gateway_moves_the_internal_addresses(world: World) -> None:
    await world.deploy()
    port = world.control.catalog.get("shop").internal_port
    await until(lambda: port in world.control.addresses._open)
    world.control.addresses.found("127.0.0.1")
    opened = world.control.addresses._open
    await until(lambda: opened.get(port, ("", ""))[0] == "127.0.0.1")
    assert (await request("x", port)).body == V1


async def test_a_failed_version_takes_nothing_of_the_board(world: World) -> None:
    world.engine.script(V1, Script(exit_code=1))
    await world.deploy()
    assert world.version(V1).status is VersionStatus.FAILED
    assert not world.board.targets
    await until(lambda: not world.engine.containers)


async def _slow(world: World, **spec: object) -> Slow:
    """A first version that answers when it is let."""
    slow = Slow()
    world.engine.script(V1, Script(handler=slow))
    await world.deploy(**spec)
    return slow


async def _ask(world: World, slow: Slow) -> "asyncio.Future[Answer]":
    """A request that has arrived at the replica."""
    pending = asyncio.ensure_future(world.get())
    await until(lambda: slow.paths)
    return pending


def _phases(world: World) -> set[Phase]:
    return {one.phase for one in world.control.roster.seen()}
