"""Crowds at zero, overload, scaling down under load, and starts that must wait for others."""

import asyncio
import base64
from collections import Counter

from paas.core.model import Condition
from paas.core.planning import Phase
from paas.core.spec import Probe, ReplicaRange, ScalingRules, Timeouts
from paas.ports import HostMemory
from tests.fakes.replica import FakeReplica, Script, serve
from tests.integration.control.holds import Slow, Work, at_least
from tests.integration.control.wire import Answer
from tests.integration.control.world import World, Worlds
from tests.waiting import until

V1 = "shop-001"


def ask(world: World, name: str = "shop", path: str = "/") -> "asyncio.Future[Answer]":
    return asyncio.ensure_future(world.get(name, path=path))


async def test_a_hundred_at_once_one_at_a_time_each(world: World) -> None:
    await world.deploy(
        concurrency=1, replicas=ReplicaRange(max=10), scaling=ScalingRules(concurrency=1)
    )
    await world.to_zero(V1)
    work = Work(0.3)
    world.engine.script(V1, Script(handler=work, start_delay=0.1))
    starts = world.starts(V1)
    answers = await asyncio.gather(*(world.get() for _ in range(100)))
    assert Counter(one.status for one in answers) == {200: 100}
    assert 2 < world.starts(V1) - starts <= 10
    assert work.most <= 10


async def test_at_its_maximum_the_queue_fills_and_empties_again(world: World) -> None:
    slow = Slow()
    world.engine.script(V1, Script(handler=slow))
    await world.deploy(concurrency=1, replicas=ReplicaRange(max=2))
    pending = [ask(world) for _ in range(200)]
    target = world.board.targets[world.version(V1).id]
    await until(lambda: len(target.waiters) == 100 and any(one.done() for one in pending))
    await until(lambda: len(slow.paths) == 2)
    await until(lambda: sum(one.done() for one in pending) == 99)
    refused = [one.result() for one in pending if one.done()]
    assert {(one.status, one.code) for one in refused} == {(503, "queue_full")}
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    slow.let.set()
    answers = await asyncio.gather(*pending)
    assert Counter(one.status for one in answers) == {200: 101, 503: 99}
    assert (await world.get()).status == 200
    assert (target.in_flight, len(target.waiters), target.share.queued_bytes) == (0, 0, 0)
    assert len(world.running(V1)) == 2


async def test_scaling_down_under_load_loses_nothing(world: World) -> None:
    work = Work(0.05)
    world.engine.script(V1, Script(handler=work))
    await world.deploy(replicas=at_least(6), concurrency=2)
    await world.settled(V1, 6)
    answers: list[Answer] = []

    async def client() -> None:
        for _ in range(30):
            answer = await world.get()
            answers.append(answer)

    clients = [asyncio.ensure_future(client()) for _ in range(8)]
    await until(lambda: len(answers) > 20)
    for least in (5, 2, 0):
        await world.edit(V1, replicas=ReplicaRange(min=least, max=max(1, least)))
        await until(lambda least=least: len(world.ready(V1)) == max(1, least), within=10)
    await asyncio.gather(*clients)
    assert Counter(one.status for one in answers) == {200: 240}
    await world.settled(V1, 1)


async def test_scaling_down_lets_a_websocket_live_until_the_drain_limit(world: World) -> None:
    world.engine.script(V1, Script(handler=_echo))
    await world.deploy(replicas=at_least(2), timeouts=Timeouts(drain=60), concurrency=1)
    await world.settled(V1, 2)
    sockets = [await _websocket(world) for _ in range(2)]
    await world.edit(V1, replicas=ReplicaRange(max=1))
    await world.skip(61)
    await until(lambda: world.replicas(V1, Phase.DRAINING), within=10)
    for reader, writer in sockets:
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
    await asyncio.sleep(0.05)
    assert len(world.running(V1)) == 2
    for _reader, writer in sockets:
        writer.close()
    await world.settled(V1, 1)


async def test_an_open_websocket_keeps_it_awake(world: World) -> None:
    world.engine.script(V1, Script(handler=_echo))
    await world.deploy()
    reader, writer = await _websocket(world)
    await world.skip(4000)
    await world.settled(V1, 1)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    target = world.board.targets[world.version(V1).id]
    await until(lambda: not target.in_flight)
    await world.to_sleep(V1)


async def test_many_services_wake_together_the_awaited_first(worlds: Worlds) -> None:
    world = await worlds(scaling={"concurrent_starts": 1})
    world.host.now = HostMemory(total=64 << 30, available=60 << 30, pressure=0.0)
    names = [f"app{number}" for number in range(8)]
    await asyncio.gather(*(world.deploy(name) for name in ("shop", *names)))
    for name in names:
        world.engine.script(f"{name}-001", Script(start_delay=0.02))
    await world.skip(3601)
    await until(lambda: not world.engine.containers)
    world.engine.script(V1, Script(start_delay=0.05))
    before = len(world.engine.starts)
    await world.edit(V1, replicas=at_least(4))
    await until(lambda: len(world.engine.starts) == before + 1)
    answers = await asyncio.gather(*(world.get(name) for name in names))
    assert [one.body for one in answers] == [f"{name}-001" for name in names]
    await world.settled(V1, 4)
    order = [spec.service for spec in world.engine.starts[before:]]
    assert order[0] == "shop"
    assert order[-3:] == ["shop"] * 3


async def test_a_crash_loop_that_slept_is_tried_anew(world: World) -> None:
    await world.deploy()
    await world.to_zero(V1)
    world.engine.script(V1, Script(exit_code=1, log=("no database",)))
    health, version_id = world.control.lives.health, world.version(V1).id
    waiting = ask(world)
    for row in range(1, 4):
        await until(lambda row=row: health.failures(version_id) == row)
        await world.skip(2.0 ** (row - 1))
    assert (await waiting).code == "start_failed"
    assert world.control.keeper.condition(world.version(V1)) is Condition.CRASHING
    answer = await world.get()
    assert (answer.code, answer.headers["retry-after"]) == ("start_failed", "5")
    await world.told("version.crashing", 1)
    await world.skip(3601)
    await until(lambda: not health.failures(version_id))
    assert world.control.keeper.condition(world.version(V1)) is Condition.ZERO
    world.engine.script(V1, Script())
    assert (await world.get()).body == V1


async def test_a_crash_loop_taken_over_by_a_new_daemon_keeps_its_pauses(world: World) -> None:
    await world.deploy()
    await world.restart()
    await world.settled(V1, 1)
    world.engine.script(V1, Script(exit_code=1))
    health, version_id = world.control.lives.health, world.version(V1).id
    world.engine.crash(world.running(V1)[0])
    for row in range(1, 5):
        await until(lambda row=row: health.failures(version_id) == row)
        await until(lambda: not world.running(V1))
        await asyncio.sleep(0.03)
        assert health.failures(version_id) == row
        await world.skip(2.0 ** (row - 1))


async def test_requests_that_queue_do_not_each_make_a_round(world: World) -> None:
    work = Work(0.005)
    world.engine.script(V1, Script(handler=work))
    await world.deploy(concurrency=1, replicas=ReplicaRange(max=1))
    rounds = 0
    decisions = world.control.scaler.decisions

    def counted(now: float) -> object:
        nonlocal rounds
        rounds += 1
        return decisions(now)

    world.control.scaler.decisions = counted  # type: ignore[assignment, method-assign]
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(*(world.get() for _ in range(100)))
    assert Counter(one.status for one in answers) == {200: 100}
    assert rounds <= 100 * (loop.time() - began) + 5


async def test_a_probe_is_no_traffic(world: World) -> None:
    await world.deploy(probe=Probe(http="/"))
    target = world.board.targets[world.version(V1).id]
    assert (target.arrivals, target.in_flight) == (0, 0)
    await world.to_sleep(V1)


async def _echo(
    replica: FakeReplica, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answers an upgrade, then sends back what comes; else the usual server."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"websocket" not in head.lower():
        reader.feed_data(head)
        return await serve(replica, reader, writer)
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()
    return None


async def _websocket(world: World) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    key = base64.b64encode(b"the sample nonce")
    writer.write(
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    assert b" 101 " in (await reader.readuntil(b"\r\n\r\n")).splitlines()[0]
    return reader, writer
