"""Cold starts: requests for a version of which nothing runs."""

import asyncio
import time
from collections import Counter

from paas.core.spec import ScalingRules, Timeouts
from tests.fakes.replica import Script
from tests.integration.control.holds import Slow
from tests.integration.control.wire import request
from tests.integration.control.world import World
from tests.waiting import until

V1 = "shop-001"


async def test_a_request_starts_it(world: World) -> None:
    await world.deploy()
    await world.to_zero(V1)
    answer = await world.get()
    assert answer.body == V1
    assert int(answer.headers["x-paas-cold-start"]) >= 1
    assert "x-paas-cold-start" not in (await world.get()).headers


async def test_five_hundred_at_once_start_it_once(world: World) -> None:
    await world.deploy(scaling=ScalingRules(rps=1000))
    await world.to_zero(V1)
    world.engine.script(V1, Script(start_delay=0.3))
    starts = world.starts(V1)
    answers = await asyncio.gather(*(world.get() for _ in range(500)))
    assert {one.status for one in answers} == {200}
    assert world.starts(V1) == starts + 1
    await world.settled(V1, 1)
    assert world.board.targets[world.version(V1).id].in_flight == 0


async def test_who_waits_is_served_in_order(world: World) -> None:
    await world.deploy(concurrency=1)
    await world.to_zero(V1)
    slow = Slow()
    slow.let.set()
    world.engine.script(V1, Script(handler=slow, start_delay=0.5))
    target = world.board.targets[world.version(V1).id]
    asked = []
    for number in range(50):
        asked.append(asyncio.ensure_future(world.get(path=f"/{number}")))
        await until(lambda number=number: len(target.waiters) > number)
    assert {(await one).status for one in asked} == {200}
    assert slow.paths == [f"/{number}" for number in range(50)]


async def test_the_queue_is_bounded(world: World) -> None:
    await world.deploy(concurrency=1)
    await world.to_zero(V1)
    world.engine.script(V1, Script(start_delay=0.5))
    answers = await asyncio.gather(*(world.get() for _ in range(110)))
    codes = Counter(one.code or one.body for one in answers)
    assert codes == {V1: 100, "queue_full": 10}
    assert {one.headers.get("retry-after") for one in answers if one.code} == {"1"}


async def test_one_that_never_gets_ready_is_waited_for_so_long(world: World) -> None:
    await world.deploy(timeouts=Timeouts(start=0.4))
    await world.to_zero(V1)
    world.engine.script(V1, Script(listen=False))
    began = time.monotonic()
    answer = await world.get()
    assert answer.code == "start_timeout"
    assert 0.3 < time.monotonic() - began < 2
    await until(lambda: world.control.lives.health.failures(world.version(V1).id))


async def test_an_image_that_is_gone_is_told_at_once(world: World) -> None:
    await world.deploy()
    await world.to_zero(V1)
    world.engine.images.clear()
    health, version_id = world.control.lives.health, world.version(V1).id
    waiting = asyncio.ensure_future(world.get())
    for row in (1, 2):
        await until(lambda row=row: health.failures(version_id) == row)
        await world.skip(2.0 ** (row - 1))
    assert (await waiting).code == "start_failed"
    assert (await world.get()).code == "start_failed"


async def test_the_internal_address_wakes_a_version_without_traffic(world: World) -> None:
    await world.deploy()
    await world.deploy()
    await world.skip(301)
    await until(lambda: not world.running(V1))
    view = await world.control.services.version("shop", V1)
    assert view.internal_address is not None
    host, _, port = view.internal_address.rpartition(":")
    assert (await request("anything", int(port), at=host)).body == V1


async def test_a_waiter_that_goes_away_leaves_no_trace(world: World) -> None:
    await world.deploy()
    await world.to_zero(V1)
    world.engine.script(V1, Script(start_delay=0.2))
    target = world.board.targets[world.version(V1).id]
    leaving = asyncio.ensure_future(world.get())
    await until(lambda: target.waiters)
    leaving.cancel()
    await until(lambda: not target.waiters)
    assert (await world.get()).body == V1
    assert target.in_flight == 0
