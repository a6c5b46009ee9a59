"""Frozen, woken, stopped: on time, once, and without losing who comes meanwhile."""

import asyncio

import pytest

from paas.core.idle import Stage
from paas.core.model import Condition
from paas.core.planning import Phase
from paas.core.spec import Timeouts
from paas.errors import Conflict, Failed, Unavailable
from paas.ports import ContainerState
from tests.fakes.replica import Script
from tests.integration.control.gates import Gate
from tests.integration.control.holds import Slow, at_least
from tests.integration.control.wire import Answer, request
from tests.integration.control.world import World
from tests.waiting import until

V1, V2 = "shop-001", "shop-002"
AWAY = Unavailable("The engine does not answer.", code="engine_unreachable")


def condition(world: World, version: str = V1) -> Condition | None:
    return world.control.keeper.condition(world.version(version))


def ask(world: World) -> "asyncio.Future[Answer]":
    return asyncio.ensure_future(world.get())


async def waits(world: World, count: int = 1) -> None:
    """So many requests are in the queue."""
    target = world.board.targets[world.version(V1).id]
    await until(lambda: len(target.waiters) == count)


class TestLadder:
    async def test_frozen_woken_and_stopped(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        assert condition(world) is Condition.IDLE
        assert world.engine.containers[replica.id].state is ContainerState.PAUSED
        answer = await world.get()
        assert (answer.body, answer.replica) == (V1, replica.id)
        assert 0 <= int(answer.headers["x-paas-cold-start"]) < 1000
        assert condition(world) is Condition.SERVING
        woken = await world.event("replica.woken")
        assert {"wake_seconds", "connect_seconds", "seconds"} <= woken.data.keys()
        await world.to_sleep(V1)
        await world.skip(3300)
        await until(lambda: not world.running(V1))
        assert condition(world) is Condition.ZERO
        assert (world.starts(V1), world.engine.freezes, world.engine.wakes) == (1, 2, 1)
        await world.event("version.stopped")
        kinds = [kind for kind in await world.kinds() if kind.startswith("version.")]
        assert kinds[-4:] == [
            "version.frozen",
            "version.awake",
            "version.frozen",
            "version.stopped",
        ]

    async def test_while_it_sleeps_time_passes_towards_its_stop(self, world: World) -> None:
        await world.deploy()
        await world.get()
        await world.to_sleep(V1)
        await world.skip(3290)
        await asyncio.sleep(0.05)
        assert world.replicas(V1, Phase.FROZEN)
        await world.skip(10)
        await until(lambda: not world.running(V1))

    async def test_a_stream_that_is_open_keeps_it_awake(self, world: World) -> None:
        slow = Slow()
        world.engine.script(V1, Script(handler=slow))
        await world.deploy()
        pending = ask(world)
        await until(lambda: slow.paths)
        await world.skip(4000)
        await world.settled(V1, 1)
        slow.let.set()
        assert (await pending).body == "done"
        assert world.engine.freezes == 0

    async def test_frozen_but_never_stopped(self, world: World) -> None:
        await world.deploy()
        await world.configure(stop_after=0)
        await world.to_sleep(V1)
        await world.skip(1_000_000)
        await asyncio.sleep(0.05)
        assert world.replicas(V1, Phase.FROZEN)
        assert (await world.get()).body == V1

    async def test_stopped_but_never_frozen(self, world: World) -> None:
        await world.deploy()
        await world.configure(freeze_after=0)
        await world.skip(3590)
        await world.settled(V1, 1)
        await world.skip(11)
        await until(lambda: not world.running(V1))
        assert world.engine.freezes == 0

    async def test_the_last_of_many_is_frozen_the_others_go(self, world: World) -> None:
        await world.deploy(replicas=at_least(3))
        await world.settled(V1, 3)
        await world.edit(V1, replicas=at_least(0))
        await world.skip(301)
        await until(lambda: [one.phase for one in world.replicas(V1)] == [Phase.FROZEN])
        assert world.engine.freezes == 1
        assert (await world.get()).body == V1

    async def test_a_minimum_wakes_it_and_keeps_it_awake(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        await world.edit(V1, replicas=at_least(2))
        await world.settled(V1, 2)
        assert replica.id in world.running(V1)
        await world.skip(4000)
        await world.settled(V1, 2)


class TestArrivals:
    async def test_at_the_instant_of_freezing(self, world: World) -> None:
        await world.deploy()
        world.engine.freeze_gate.close()
        await world.skip(301)
        await until(lambda: world.engine.freeze_gate.waiting)
        pending = [ask(world) for _ in range(20)]
        await waits(world, 20)
        world.engine.freeze_gate.open()
        assert {(await one).body for one in pending} == {V1}
        assert (world.starts(V1), world.engine.freezes) == (1, 1)
        await world.settled(V1, 1)

    async def test_at_the_instant_of_stopping(self, world: World) -> None:
        await world.deploy()
        await world.to_sleep(V1)
        world.engine.remove_gate.close()
        await world.skip(3301)
        await until(lambda: world.engine.remove_gate.waiting)
        pending = ask(world)
        assert (await pending).body == V1
        world.engine.remove_gate.open()
        await world.settled(V1, 1)
        assert world.starts(V1) == 2

    async def test_while_it_wakes(self, world: World) -> None:
        await world.deploy()
        await world.to_sleep(V1)
        world.engine.wake_gate.close()
        pending = [ask(world) for _ in range(50)]
        await waits(world, 50)
        await until(lambda: world.engine.wake_gate.waiting)
        assert condition(world) is Condition.IDLE
        world.engine.wake_gate.open()
        assert {(await one).body for one in pending} == {V1}
        assert (world.starts(V1), world.engine.wakes) == (1, 1)
        await world.told("replica.woken", 1)

    async def test_on_a_connection_that_is_open_already(self, world: World) -> None:
        await world.deploy()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        head = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"
        for _ in range(3):
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
            await reader.readexactly(len(V1))
            await world.to_sleep(V1)
        writer.close()


class TestFreezingFails:
    @pytest.mark.parametrize("error", [AWAY, Failed("No freezer.", code="freeze_failed")])
    async def test_it_serves_on_and_is_not_tried_all_the_time(
        self, world: World, error: Exception
    ) -> None:
        await world.deploy()
        world.engine.freeze_error = error
        await world.skip(301)
        await until(lambda: world.engine.freezes == 1)
        await world.settled(V1, 1)
        answer = await world.get()
        assert (answer.body, "x-paas-cold-start" in answer.headers) == (V1, False)
        for _ in range(20):
            await world.skip(10)
            await asyncio.sleep(0.005)
        assert world.engine.freezes == 1
        world.engine.freeze_error = None
        await world.skip(301)
        await until(lambda: world.replicas(V1, Phase.FROZEN))
        assert world.starts(V1) == 1

    async def test_it_is_stopped_at_its_time_nevertheless(self, world: World) -> None:
        await world.deploy()
        world.engine.freeze_error = Failed("No freezer.", code="freeze_failed")
        await world.skip(301)
        await until(lambda: world.engine.freezes == 1)
        await world.settled(V1, 1)
        await world.skip(3300)
        await until(lambda: not world.running(V1))

    async def test_the_container_ends_meanwhile(self, world: World) -> None:
        await world.deploy()
        world.engine.freeze_gate.close()
        await world.skip(301)
        await until(lambda: world.engine.freeze_gate.waiting)
        pending = ask(world)
        await waits(world)
        world.engine.crash(world.running(V1)[0])
        await until(lambda: world.control.lives.health.failures(world.version(V1).id))
        world.engine.freeze_gate.open()
        await world.skip(1)
        assert (await pending).body == V1
        await world.settled(V1, 1)

    async def test_the_container_is_removed_meanwhile(self, world: World) -> None:
        await world.deploy()
        world.engine.freeze_gate.close()
        await world.skip(301)
        await until(lambda: world.engine.freeze_gate.waiting)
        world.engine.vanish(world.running(V1)[0])
        world.engine.freeze_gate.open()
        assert (await world.get()).body == V1
        await world.settled(V1, 1)


class TestWakingFails:
    async def test_while_the_engine_is_away_it_sleeps_on(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        world.engine.wake_error = AWAY
        pending = ask(world)
        await until(lambda: world.engine.wakes >= 2)
        assert not pending.done()
        world.engine.wake_error = None
        answer = await pending
        assert (answer.body, answer.replica) == (V1, replica.id)
        assert world.starts(V1) == 1

    async def test_who_waits_in_vain_is_answered_within_the_limit(self, world: World) -> None:
        await world.deploy()
        await world.to_sleep(V1)
        world.engine.wake_error = AWAY
        pending = ask(world)
        await waits(world)
        await until(lambda: world.engine.wakes)
        await world.skip(10)
        answer = await pending
        assert (answer.code, answer.headers["retry-after"]) == ("start_timeout", "5")
        world.engine.wake_error = None
        assert (await world.get()).body == V1

    async def test_one_that_cannot_be_woken_is_replaced(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        world.engine.wake_error = Conflict("It is dead.", code="not_running")
        answer = await world.get()
        assert answer.body == V1
        assert answer.replica != replica.id
        await world.settled(V1, 1)
        assert world.starts(V1) == 2

    async def test_one_that_never_answers_after_it_woke_is_replaced(self, world: World) -> None:
        world.engine.script(V1, Script())
        await world.deploy(timeouts=Timeouts(start=0.3))
        replica = await world.to_sleep(V1)
        world.engine.containers[replica.id]._server.close()  # type: ignore[union-attr]
        first = await world.get()
        assert first.code in ("", "start_timeout")
        await world.skip(2)
        assert (await world.get()).body == V1
        assert replica.id not in world.running(V1)


class TestHands:
    async def test_a_frozen_replica_removed_by_hand_is_zero(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        world.engine.vanish(replica.id)
        await until(lambda: condition(world) is Condition.ZERO)
        await world.told("version.stopped", 1)
        assert (await world.get()).body == V1
        assert world.starts(V1) == 2

    async def test_one_that_dies_in_its_sleep_too(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        world.engine.crash(replica.id, exit_code=137)
        await until(lambda: not world.running(V1))
        version_id = world.version(V1).id
        await until(lambda: world.control.scaler.last(version_id) is None)
        assert (await world.get()).body == V1

    async def test_one_paused_by_hand_is_woken_if_it_should_serve(self, world: World) -> None:
        await world.deploy()
        (replica,) = world.running(V1)
        await world.engine.freeze(replica)
        await until(lambda: world.engine.wakes == 1)
        await world.settled(V1, 1)
        assert (await world.get()).replica == replica

    async def test_one_unpaused_by_hand_is_frozen_again(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        await world.engine.wake(replica.id)
        await until(lambda: world.engine.freezes == 2)
        await until(lambda: world.replicas(V1, Phase.FROZEN))


class TestRestarts:
    async def test_while_it_sleeps(self, world: World) -> None:
        await world.deploy()
        replica = await world.to_sleep(V1)
        await world.restart()
        await until(lambda: world.replicas(V1, Phase.FROZEN))
        assert condition(world) is Condition.IDLE
        answer = await world.get()
        assert (answer.body, answer.replica) == (V1, replica.id)
        assert world.starts(V1) == 1
        assert "version.stopped" not in await world.kinds()

    async def test_one_second_before_the_stop(self, world: World) -> None:
        await world.deploy()
        await world.get()
        await world.skip(2)
        await until(lambda: not _busy(world))
        await world.to_sleep(V1)
        idle = world.clock.monotonic() - _idle_since(world)
        await world.skip(3599 - idle)
        await world.restart()
        await until(lambda: world.replicas(V1, Phase.FROZEN))
        assert world.clock.monotonic() - _idle_since(world) < 3600
        await until(lambda: not world.running(V1), within=3)
        assert world.clock.monotonic() - _idle_since(world) >= 3600
        await world.told("version.stopped", 1)

    async def test_at_the_instant_of_freezing(self, world: World) -> None:
        await world.deploy()
        await world.skip(2)
        await until(lambda: not _busy(world))
        world.engine.freeze_gate.close()
        await world.skip(301)
        await until(lambda: world.engine.freeze_gate.waiting)
        await world.restart()
        await until(lambda: world.ready(V1))
        world.engine.freeze_gate.open()
        await until(lambda: world.replicas(V1, Phase.FROZEN))
        assert (await world.get()).body == V1
        assert world.starts(V1) == 1

    async def test_at_the_instant_of_waking(self, world: World) -> None:
        await world.deploy()
        await world.to_sleep(V1)
        world.engine.wake_gate.close()
        pending = ask(world)
        await until(lambda: world.engine.wake_gate.waiting)
        await world.end()
        await asyncio.gather(pending, return_exceptions=True)
        world.engine.wake_gate.open()
        await world.start()
        assert (await world.get()).body == V1
        assert world.starts(V1) == 1

    async def test_nothing_scales_down_in_the_first_window(self, world: World) -> None:
        await world.deploy(replicas=at_least(3))
        await world.settled(V1, 3)
        await world.edit(V1, replicas=at_least(0))
        await world.restart()
        await world.settled(V1, 3)
        await world.skip(50)
        await world.settled(V1, 3)
        assert world.starts(V1) == 3


class TestClocks:
    @pytest.mark.parametrize("jump", [-1e7, 1e7])
    async def test_wall_clocks_that_jump_stop_and_keep_nothing(
        self, world: World, jump: float
    ) -> None:
        await world.deploy()
        world.clock.jump(jump)
        world.control.keeper.poke()
        await world.settled(V1, 1)
        await world.to_sleep(V1)
        await until(lambda: not _busy(world))
        world.clock.jump(-2 * jump)
        await world.restart()
        await until(lambda: world.replicas(V1, Phase.FROZEN))
        await world.skip(3300)
        await until(lambda: not world.running(V1))
        assert (await world.get()).body == V1


class TestDeployments:
    async def test_a_new_version_while_the_old_one_sleeps(self, world: World) -> None:
        await world.deploy()
        await world.to_sleep(V1)
        await world.deploy()
        assert (await world.get()).body == V2
        await until(lambda: not world.running(V1))
        await world.control.services.rollback("shop", version=None, actor="ann")
        answer = await world.get()
        assert (answer.body, "x-paas-cold-start" in answer.headers) == (V1, True)

    async def test_a_rollback_soon_after_finds_the_old_one_warm(self, world: World) -> None:
        await world.deploy()
        await world.get()
        await world.deploy()
        await world.control.services.rollback("shop", version=None, actor="ann")
        assert "x-paas-cold-start" not in (await world.get()).headers
        assert world.starts(V1) == 1

    async def test_without_weight_direct_traffic_keeps_it(self, world: World) -> None:
        await world.deploy()
        await world.deploy()
        for _ in range(6):
            await world.skip(100)
            assert (await world.get(V1)).body == V1
        assert world.ready(V1)
        await until(lambda: world.replicas(V2, Phase.FROZEN))
        await world.skip(301)
        await until(lambda: not world.running(V1))

    @pytest.mark.parametrize("what", ["freeze_gate", "wake_gate"])
    async def test_deleted_at_that_instant(self, world: World, what: str) -> None:
        await world.deploy()
        gate: Gate = getattr(world.engine, what)
        if what == "wake_gate":
            await world.to_sleep(V1)
        gate.close()
        pending = None
        if what == "wake_gate":
            pending = ask(world)
        else:
            await world.skip(301)
        await until(lambda: gate.waiting)
        await world.control.services.delete("shop", confirm="shop", actor="ann")
        if pending is not None:
            assert (await pending).code == "no_such_host"
        gate.open()
        await until(lambda: not world.engine.containers and not world.control.roster.ids())
        assert not world.board.targets

    async def test_the_internal_address_wakes_it(self, world: World) -> None:
        await world.deploy()
        await world.to_sleep(V1)
        view = await world.control.services.version("shop", V1)
        assert view.internal_address is not None
        host, _, port = view.internal_address.rpartition(":")
        assert (await request("anything", int(port), at=host)).body == V1


class TestStore:
    async def test_while_the_store_is_away_all_goes_on(self, world: World) -> None:
        await world.deploy()
        world.store.broken = Unavailable("The disk is full.", code="store_unavailable")
        replica = await world.to_sleep(V1)
        assert (await world.get()).replica == replica.id
        await world.skip(3700)
        await until(lambda: world.replicas(V1, Phase.FROZEN) or not world.running(V1))
        world.store.broken = None
        await world.restart()
        assert (await world.get()).body == V1

    async def test_killed_before_the_mark_is_written_it_sleeps_early_at_worst(
        self, world: World
    ) -> None:
        await world.deploy()
        await world.skip(2)
        await until(lambda: not _busy(world))
        await world.to_sleep(V1)
        world.store.broken = Unavailable("Killed.", code="store_unavailable")
        assert (await world.get()).body == V1
        await world.end()
        world.store.broken = None
        await world.start()
        found = world.control.scaler
        await until(lambda: found.last(world.version(V1).id))
        last = found.last(world.version(V1).id)
        assert last is not None
        assert last.stage in (Stage.SERVING, Stage.FROZEN)
        assert (await world.get()).body == V1
        assert world.starts(V1) == 1


def _idle_since(world: World) -> float:
    return world.board.targets[world.version(V1).id].idle_since


def _busy(world: World) -> bool:
    """Whether the store does not know yet that its requests are over."""
    mark = world.control._marks._stored.get(world.version(V1).id)
    return mark is None or mark.busy
