"""A host that is short of memory: who makes room, who is refused, and for how long."""

import asyncio
from collections import Counter

import pytest

from paas.core.model import Condition
from paas.core.planning import Phase
from paas.core.spec import ScalingRules
from paas.ports import HostMemory, Usage
from tests.fakes.replica import Script
from tests.integration.control.holds import Work, at_least
from tests.integration.control.world import World, Worlds
from tests.waiting import until

V1 = "shop-001"
MIB = 1024**2


def free(world: World, mebibytes: int, *, total: int = 4096) -> None:
    world.host.now = HostMemory(total=total * MIB, available=mebibytes * MIB, pressure=0.0)


async def crowded(world: World, version: str = V1) -> None:
    """There are 56 MiB too few for that version, which is at zero."""
    service = version.rpartition("-")[0]
    world.engine.script(version, Script(usage=Usage(cpu=1.0, memory=256 * MIB)))
    await world.deploy(service)
    await world.to_zero_of(version)
    replicas = world.engine.containers
    world.host.used = lambda: sum(one.script.usage.memory for one in replicas.values())
    free(world, 64 + 256 - 56 + world.host.used() // MIB)


def uses(world: World, service: str, mebibytes: int) -> None:
    """What its replicas that run use."""
    usage = Usage(cpu=1.0, memory=mebibytes * MIB)
    for one in world.engine.containers.values():
        if one.spec.service == service:
            one.script.usage = usage


async def measured(world: World, version: str) -> None:
    """A replica of it was seen to use 100 MiB."""
    version_id = world.version(version).id
    await until(lambda: world.control.meter.most_memory(version_id) == 100 * MIB)


async def sleepers(world: World, *services: str) -> None:
    """These services, each with a replica that uses 100 MiB and was frozen in that order."""
    for service in services:
        await world.deploy(service, memory=128 * MIB)
        uses(world, service, 100)
        version = f"{service}-001"
        await measured(world, version)
        await world.to_sleep(version)


async def test_without_memory_requests_are_refused_and_it_recovers(world: World) -> None:
    await world.deploy()
    await world.to_zero(V1)
    free(world, 30)
    answers = [await world.get() for _ in range(2)]
    assert {(one.status, one.code) for one in answers} == {(503, "no_memory")}
    assert {one.headers["retry-after"] for one in answers} == {"5"}
    await world.told("version.no_memory", 1)
    assert world.control.keeper.condition(world.version(V1)) is Condition.ZERO
    free(world, 3000)
    assert (await world.get()).body == V1
    await world.told("version.no_memory", 1)
    assert "memory free" in (await world.event("version.no_memory")).message


async def test_a_deployment_without_memory_fails_and_says_so(world: World) -> None:
    free(world, 30)
    done = await world.deploy()
    assert done.error is not None
    assert done.error.code == "no_memory"
    assert "Free memory" in done.error.advice


async def test_who_was_refused_is_told_again_after_a_sleep(world: World) -> None:
    await world.deploy()
    await world.to_zero(V1)
    free(world, 30)
    await world.get()
    await world.told("version.no_memory", 1)
    await world.skip(3601)
    version_id = world.version(V1).id
    await until(lambda: world.control.scaler.last(version_id) is None)
    await world.get()
    await world.told("version.no_memory", 2)


async def test_those_that_start_serve_those_that_wait_for_more(worlds: Worlds) -> None:
    """Memory for two of four: nobody is refused, and the two do it all."""
    world = await worlds(scaling={"overcommit": 0.25})
    await world.deploy(concurrency=1, memory=512 * MIB, scaling=ScalingRules(concurrency=1))
    await world.to_zero(V1)
    world.engine.script(V1, Script(handler=Work(0.1), start_delay=0.3))
    starts = world.starts(V1)
    answers = await asyncio.gather(*(world.get() for _ in range(40)))
    assert Counter(one.status for one in answers) == {200: 40}
    assert world.starts(V1) == starts + 2
    await world.told("version.no_memory", 1)


async def test_sleepers_make_room_those_idle_longest_first(world: World) -> None:
    await sleepers(world, "old", "new")
    await crowded(world)
    assert (await world.get()).body == V1
    await until(lambda: not world.running("old-001"))
    assert [one.phase for one in world.replicas("new-001")] == [Phase.FROZEN]
    assert (await world.event("version.stopped", "old")).data["to"] == 0
    assert (await world.get("old")).body == "old-001"


async def test_while_room_is_being_made_nobody_else_has_to_go(world: World) -> None:
    await sleepers(world, "old", "new")
    await crowded(world)
    starts = world.starts(V1)
    world.engine.remove_gate.close()
    pending = [asyncio.ensure_future(world.get()) for _ in range(30)]
    await until(lambda: world.engine.remove_gate.waiting)
    for _ in range(20):
        world.control.keeper.poke()
        await asyncio.sleep(0.005)
    assert world.engine.remove_gate.waiting == 1
    assert world.starts(V1) == starts
    world.engine.remove_gate.open()
    assert {(await one).body for one in pending} == {V1}
    assert world.replicas("new-001", Phase.FROZEN)


async def test_sleepers_that_a_new_daemon_found_make_room_too(world: World) -> None:
    await sleepers(world, "old")
    await crowded(world)
    await world.restart()
    await measured(world, "old-001")
    assert (await world.get()).body == V1
    assert not world.running("old-001")


async def test_a_sleeper_that_wakes_in_the_same_round_is_not_evicted(world: World) -> None:
    await sleepers(world, "old", "new")
    await crowded(world, "aaa-001")
    names = ("aaa", "old")
    both = await asyncio.gather(*(world.get(name) for name in names))
    assert [one.body for one in both] == ["aaa-001", "old-001"]
    assert world.starts("old-001") == 1


async def test_what_goes_to_sleep_on_a_full_host_is_stopped(world: World) -> None:
    await world.deploy(memory=128 * MIB)
    uses(world, "shop", 100)
    await measured(world, V1)
    free(world, 60)
    await world.skip(301)
    await until(lambda: not world.running(V1))
    assert world.engine.freezes == 0
    free(world, 3000)
    assert (await world.get()).body == V1


@pytest.mark.parametrize("least", [0, 2])
async def test_a_host_that_cannot_be_read_refuses_nobody(world: World, least: int) -> None:
    world.host.now = None
    assert (await world.deploy(replicas=at_least(least))).error is None
    await world.settled(V1, max(1, least))
