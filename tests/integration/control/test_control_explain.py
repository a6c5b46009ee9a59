"""What `explain` tells of a whole daemon: real connections, cold starts, crashes, memory."""

import asyncio

import pytest

from paas.control.explanation import VersionExplanation
from paas.control.health import BROKEN_AFTER
from paas.control.summary import summary
from paas.core.idle import Keeps
from paas.core.model import ServiceSettings
from paas.core.planning import Phase
from paas.live.requests import RequestKind
from paas.ports import HostMemory
from tests.fakes.replica import FakeReplica, Script
from tests.integration.control.holds import Slow, at_least
from tests.integration.control.world import World, Worlds
from tests.waiting import until

V1 = "shop-001"
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: x\r\n\r\n"
)
ASK = (
    b"GET /live?key=1 HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def switches(
    _replica: FakeReplica, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCH)
    await reader.read()


async def explained(world: World) -> VersionExplanation:
    return (await world.control.explain.service("shop")).versions[0]


def told(world: World, found: VersionExplanation) -> str:
    return summary(found, now=world.clock.time())


async def test_an_open_websocket_keeps_it_awake_for_hours(world: World) -> None:
    world.engine.script(V1, Script(handler=switches))
    await world.deploy()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(ASK)
    async with asyncio.timeout(5):
        assert await reader.readuntil(b"\r\n\r\n")
    await world.skip(5 * 3600)
    found = await explained(world)
    assert (found.idle.keeps, found.activity.streams) == (Keeps.STREAM, 1)
    (request,) = found.requests
    assert (request.kind, request.client, request.path) == (
        RequestKind.WEBSOCKET, b"127.0.0.1", b"/live",
    )  # fmt: skip
    assert (found.sleep.since, found.sleep.freezes_at, found.sleep.stops_at) == (None, None, None)
    assert "a WebSocket from 127.0.0.1 open since" in told(world, found)
    assert world.ready(V1)
    writer.close()
    target = world.board.targets[world.version(V1).id]
    await until(lambda: target.in_flight == 0)
    found = await explained(world)
    assert (found.idle.keeps, found.activity.streams, found.requests) == (Keeps.RECENT, 0, ())
    assert found.sleep.freezes_at == pytest.approx(world.clock.time() + 300, abs=2)
    assert found.sleep.stops_at == pytest.approx(world.clock.time() + 3600, abs=2)


async def test_the_oldest_of_many_requests_are_shown(world: World) -> None:
    slow = Slow()
    world.engine.script(V1, Script(handler=slow))
    await world.deploy()
    pending = [asyncio.ensure_future(world.get(path=f"/{number}")) for number in range(25)]
    await until(lambda: len(slow.paths) == 25)
    found = await explained(world)
    assert (found.activity.in_flight, len(found.requests)) == (25, 20)
    ages = [one.since for one in found.requests]
    assert ages == sorted(ages)
    assert "and 24 more keep it awake" in told(world, found)
    slow.let.set()
    for answer in pending:
        assert (await answer).status == 200
    assert (await explained(world)).requests == ()


async def test_from_frozen_to_zero_and_back_with_its_cold_starts(worlds: Worlds) -> None:
    world = await worlds(idle={"freeze_after": 30, "stop_after": 600})
    await world.deploy()
    await world.skip(31)
    await until(lambda: world.replicas(V1, Phase.FROZEN))
    assert "is frozen, idle since" in told(world, await explained(world))
    assert (await world.get()).status == 200
    await world.skip(601)
    await until(lambda: not world.running(V1))
    await until(lambda: world.control.scaler.last(world.version(V1).id) is None)
    found = await explained(world)
    assert "is at zero, idle since" in told(world, found)
    assert (found.decision, found.sleep.freezes_at, found.sleep.stops_at) == (None, None, None)
    assert (await world.get()).status == 200
    await world.told("replica.started", 2)
    found = await explained(world)
    kinds = [event.kind for event in found.cold_starts]
    assert kinds == ["replica.started", "replica.woken", "replica.started"]
    assert "wake_seconds" in found.cold_starts[1].data


async def test_a_version_that_crashes_says_when_it_is_tried_again(world: World) -> None:
    await world.deploy()
    world.engine.script(V1, Script(exit_code=3, log=("no database",)))
    world.engine.crash(world.ready(V1)[0].id)
    answer = asyncio.ensure_future(world.get())
    health = world.control.lives.health
    await until(lambda: health.failures(world.version(V1).id) >= BROKEN_AFTER, within=20)
    await answer
    await world.told("version.crashing")
    found = await explained(world)
    assert found.starts.failures >= BROKEN_AFTER
    assert found.failures[0].kind == "version.crashing"
    assert found.failures[0].failure.code
    assert "times in a row" in told(world, found)


async def test_a_start_refused_for_memory_says_so(world: World) -> None:
    await world.deploy()
    world.host.now = HostMemory(total=4 << 30, available=1 << 20)
    await world.edit(V1, replicas=at_least(2))
    await world.told("version.no_memory")
    found = await explained(world)
    assert found.starts.no_memory
    assert found.starts.next_try is not None
    assert "The host has no memory for another replica of it" in told(world, found)
    assert found.failures[0].failure.code == "no_memory"


async def test_error_answers_are_told_while_requests_are_kept(world: World) -> None:
    await world.deploy()
    await world.control.services.configure("shop", {"request_log": True}, actor="ann")
    assert (await world.get()).status == 200
    await world.split(shop_001=0)
    assert (await world.get()).code == "no_traffic"
    await until(lambda: len(world.board.requests.recent("shop", limit=9)) == 2)
    found = await world.control.explain.service("shop")
    assert [one.error for one in found.errors] == ["no_traffic"]


async def test_edited_settings_hold_from_the_next_decision_on(world: World) -> None:
    await world.deploy()
    await world.control.services.configure("shop", {"freeze_after": 10.0}, actor="ann")
    found = await explained(world)
    assert found.settings.idle.freeze_after == 10
    assert found.sleep.freezes_at == pytest.approx(world.clock.time() + 10, abs=2)
    assert world.control.catalog.get("shop").settings == ServiceSettings(freeze_after=10.0)
    await world.skip(11)
    await until(lambda: world.replicas(V1, Phase.FROZEN))


async def test_a_service_of_the_same_name_has_no_part_in_the_past(world: World) -> None:
    await world.deploy()
    assert len((await explained(world)).cold_starts) == 1
    await world.control.services.delete("shop", confirm="shop", actor="ann")
    await world.deploy()
    assert len((await explained(world)).cold_starts) == 1
