"""Replicas that crash, vanish, stop answering or are paused; engines that go away."""

import asyncio
import time

from paas.core.model import Condition
from paas.core.spec import Timeouts
from paas.errors import Unavailable
from paas.ports import ContainerState
from tests.fakes.replica import FakeReplica, Script
from tests.integration.control.holds import NEW, at_least, hold_check
from tests.integration.control.world import World
from tests.waiting import until

V1 = "shop-001"


def condition(world: World) -> Condition | None:
    return world.control.keeper.condition(world.version(V1))


async def test_a_crashed_replica_is_replaced_after_a_pause(world: World) -> None:
    await world.deploy()
    assert condition(world) is Condition.SERVING
    world.engine.crash(world.running(V1)[0], exit_code=3, log=("boom",))
    await until(lambda: condition(world) is Condition.CRASHING)
    waiting = asyncio.ensure_future(world.get())
    await world.skip(1)
    assert (await waiting).body == V1
    assert condition(world) is Condition.SERVING
    await world.settled(V1, 1)
    await world.told("replica.failed", 1)
    await world.told("replica.started", 2)


async def test_a_crash_loop_is_refused_at_once_until_it_is_mended(world: World) -> None:
    await world.deploy()
    world.engine.script(V1, Script(exit_code=1, log=("no database",)))
    world.engine.crash(world.running(V1)[0])
    health, version_id = world.control.lives.health, world.version(V1).id
    for row in range(1, 6):
        await until(lambda row=row: health.failures(version_id) == row)
        await world.skip(2.0 ** (row - 1))
    await until(lambda: health.failures(version_id) == 6)
    began = time.monotonic()
    assert (await world.get()).code == "start_failed"
    assert time.monotonic() - began < 1
    assert condition(world) is Condition.CRASHING
    world.engine.script(V1, Script())
    await world.skip(200)
    await world.settled(V1, 1)
    assert (await world.get()).body == V1
    await world.told("replica.failed", 1)
    await world.told("version.crashing", 1)


async def test_those_who_wait_are_answered_when_it_cannot_start(world: World) -> None:
    await world.deploy()
    world.engine.script(V1, Script(exit_code=1))
    world.engine.crash(world.running(V1)[0])
    health, version_id = world.control.lives.health, world.version(V1).id
    await until(lambda: health.failures(version_id) == 1)
    waiting = asyncio.ensure_future(world.get())
    await until(lambda: world.board.targets[version_id].waiters)
    for row in (1, 2):
        await until(lambda row=row: health.failures(version_id) == row)
        await world.skip(2.0 ** (row - 1))
    assert (await waiting).code == "start_failed"


async def test_a_row_of_failures_ends_after_a_steady_minute(world: World) -> None:
    await world.deploy()
    world.engine.crash(world.running(V1)[0])
    await until(lambda: condition(world) is Condition.CRASHING)
    await world.skip(1)
    await world.settled(V1, 1)
    await world.skip(61)
    version_id = world.version(V1).id
    await until(lambda: not world.control.lives.health.failures(version_id))


async def test_a_replica_removed_by_hand_is_replaced_at_once(world: World) -> None:
    await world.deploy()
    gone = world.running(V1)[0]
    world.engine.vanish(gone)
    assert (await world.get()).body == V1
    await world.settled(V1, 1)
    assert world.running(V1) != [gone]
    assert world.board.targets[world.version(V1).id].slots[0].id != gone


async def test_its_output_is_kept_and_nobody_listens_on(world: World) -> None:
    world.engine.script(V1, Script(log=("hello",)))
    await world.deploy()
    version_id = world.version(V1).id
    gone = world.running(V1)[0]
    await until(lambda: gone in _followers(world))
    world.engine.vanish(gone)
    await until(lambda: gone not in _followers(world))
    lines = await world.journal.read(f"versions/{version_id}")
    assert (lines[0].text, lines[0].replica) == ("hello", gone)


async def test_while_the_engine_is_away_traffic_goes_on(world: World) -> None:
    await world.deploy()
    await world.edit(V1, replicas=at_least(2))
    await world.settled(V1, 2)
    before = set(world.running(V1))
    world.engine.down = True
    await world.skip(11)
    await until(lambda: world.control.keeper._blind)
    assert {(await world.get()).status for _ in range(10)} == {200}
    assert {one.id for one in world.ready(V1)} == before
    world.engine.containers[min(before)].end(1)  # nobody hears of it
    assert {(await world.get()).replica for _ in range(4)} == {max(before)}
    world.engine.down = False
    await until(lambda: min(before) not in world.engine.containers)
    await world.skip(1)
    await world.settled(V1, 2)
    assert world.starts(V1) == 3


async def test_an_engine_that_is_away_is_not_hammered(world: World) -> None:
    await world.deploy()
    world.engine.list_error = Unavailable("Away.", code="engine_unreachable")
    await world.skip(11)
    await until(lambda: world.control.keeper._blind)
    looks = world.engine.lists
    for _ in range(200):
        world.control.keeper.poke()
        await asyncio.sleep(0)
    assert world.engine.lists - looks <= 1
    world.engine.list_error = None
    await until(lambda: not world.control.keeper._blind)


async def test_a_removal_that_fails_is_repeated_but_not_hammered(world: World) -> None:
    await world.deploy()
    await world.deploy()
    world.engine.remove_error = Unavailable("Not now.", code="engine_busy")
    await world.control.services.delete_version("shop", V1, actor="ann")
    await until(lambda: world.engine.removals)
    began = time.monotonic()
    await until(lambda: world.engine.removals > 1)
    assert time.monotonic() - began > 0.2
    world.engine.remove_error = None
    await until(lambda: not world.running(V1))


async def test_a_replica_paused_by_hand_is_woken(world: World) -> None:
    await world.deploy()
    paused = world.running(V1)[0]
    await world.engine.freeze(paused)
    await until(lambda: world.engine.containers[paused].state is ContainerState.RUNNING)
    assert (await world.get()).replica == paused
    assert world.starts(V1) == 1


async def test_one_paused_by_hand_before_it_was_ready_is_woken_too(world: World) -> None:
    await world.deploy()
    held = await hold_check(world)
    await world.engine.freeze(world.running(NEW)[0])
    held.release()
    assert (await world.ended(held.deployment)).error is None
    assert world.starts(NEW) == 1


async def test_a_paused_replica_is_not_given_up_while_the_engine_is_away(world: World) -> None:
    await world.deploy()
    paused = world.running(V1)[0]
    await world.engine.freeze(paused)
    world.engine.down = True
    await world.skip(11)
    await until(lambda: world.control.keeper._blind)
    world.engine.down = False
    assert (await world.get()).replica == paused


async def test_a_replica_that_refuses_is_probed_back(world: World) -> None:
    await world.deploy()
    replica = _deafen(world)
    waiting = asyncio.ensure_future(world.get())
    target = world.board.targets[world.version(V1).id]
    await until(lambda: target.slots and not target.slots[0].accepting)
    await replica.run()
    assert (await waiting).replica == replica.id
    assert target.slots[0].accepting
    assert world.starts(V1) == 1


async def test_a_replica_that_goes_on_refusing_is_replaced(world: World) -> None:
    await world.deploy(timeouts=Timeouts(start=0.3))
    replica = _deafen(world)
    assert (await world.get()).code == "start_timeout"
    await until(lambda: replica.id not in world.engine.containers)
    await world.skip(1)
    assert (await world.get()).body == V1


async def test_another_replica_takes_over_for_one_that_refuses(world: World) -> None:
    await world.deploy()
    await world.edit(V1, replicas=at_least(2))
    await world.settled(V1, 2)
    replica = _deafen(world)
    answers = [await world.get() for _ in range(6)]
    assert {one.status for one in answers} == {200}
    assert replica.id not in {one.replica for one in answers}


def _deafen(world: World) -> FakeReplica:
    """The program runs on, but its port is closed."""
    replica = world.engine.containers[world.running(V1)[0]]
    assert replica._server is not None
    replica._server.close()
    for writer in replica._writers:
        writer.transport.abort()
    return replica


def _followers(world: World) -> dict[str, "asyncio.Task[None]"]:
    watch = world.control.lives.on_running
    followers: dict[str, asyncio.Task[None]] = watch.__self__._followers
    return followers
