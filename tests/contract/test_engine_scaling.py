"""What scaling asks of the `Engine` port: use, CPU limits, freezing and waking."""

import asyncio
from dataclasses import replace

import pytest

from paas.errors import Conflict, NotFound
from paas.ports import ContainerState
from tests.contract.engine_kits import DEADLINE, PORT, Kit, answers, only, until


async def test_usages_tell_all_that_run(kit: Kit) -> None:
    facts = [await kit.engine.start(kit.spec()) for _ in range(2)]
    ids = [fact.id for fact in facts]
    usages = await kit.engine.usages([*ids, "0" * 64])
    assert usages.keys() == set(ids)
    assert all(usage.cpu > 0 for usage in usages.values())
    assert all(0 < usage.memory < 64 << 20 for usage in usages.values())
    assert all(usage.oom_kills == 0 for usage in usages.values())
    await kit.engine.freeze(ids[0])
    await kit.engine.remove(ids[1])
    assert (await kit.engine.usages(ids)).keys() == {ids[0]}
    assert await kit.engine.usages([]) == {}


async def test_usages_of_a_stranger_are_missing(kit: Kit) -> None:
    assert await kit.engine.usages([await kit.foreign()]) == {}


async def test_a_boosted_start_and_the_limit_after_it(kit: Kit) -> None:
    fact = await kit.engine.start(replace(kit.spec(), boost=1.0))
    assert fact.cpu == 1.0
    assert await kit.engine.replicas() == [fact]
    for _ in range(2):
        await kit.engine.limit_cpu(fact.id, 0.5)
        assert (await only(kit.engine)).cpu == 0.5
    await kit.engine.freeze(fact.id)
    await kit.engine.limit_cpu(fact.id, 0.25)
    assert (await only(kit.engine)).state is ContainerState.PAUSED
    assert (await only(kit.engine)).cpu == 0.25


async def test_a_limit_above_the_host_is_all_of_it(kit: Kit) -> None:
    cpus = (await kit.engine.info()).cpus
    fact = await kit.engine.start(replace(kit.spec(), boost=10_000.0))
    assert fact.cpu == cpus
    await kit.engine.limit_cpu(fact.id, 0.5)
    await kit.engine.limit_cpu(fact.id, 10_000.0)
    assert (await only(kit.engine)).cpu == cpus


async def test_a_boost_below_the_limit_is_none(kit: Kit) -> None:
    fact = await kit.engine.start(replace(kit.spec(), boost=0.1))
    assert fact.cpu == 0.5


async def test_limits_of_what_ended_is_gone_or_not_ours(kit: Kit) -> None:
    fact = await kit.engine.start(kit.crashing("hello-002"))

    async def ended() -> bool:
        return (await only(kit.engine)).state is ContainerState.EXITED

    await until(ended)
    await kit.engine.limit_cpu(fact.id, 0.25)
    await kit.engine.remove(fact.id)
    with pytest.raises(NotFound) as raised:
        await kit.engine.limit_cpu(fact.id, 0.25)
    assert raised.value.code == "replica_gone"


async def test_a_stranger_is_neither_frozen_nor_limited(kit: Kit) -> None:
    stranger = await kit.foreign()
    for act in (
        kit.engine.freeze(stranger),
        kit.engine.wake(stranger),
        kit.engine.limit_cpu(stranger, 0.5),
    ):
        with pytest.raises(Conflict) as raised:
            await act
        assert raised.value.code == "not_ours"


async def test_freezing_and_waking_by_many_at_once(kit: Kit) -> None:
    fact = await kit.engine.start(kit.spec())
    await asyncio.gather(*(kit.engine.freeze(fact.id) for _ in range(4)))
    assert (await only(kit.engine)).state is ContainerState.PAUSED
    await asyncio.gather(*(kit.engine.wake(fact.id) for _ in range(4)))
    assert (await only(kit.engine)).state is ContainerState.RUNNING
    await answers(fact)


async def test_a_request_in_flight_is_answered_after_the_thaw(kit: Kit) -> None:
    fact = await kit.engine.start(kit.spec())
    await answers(fact)
    reader, writer = await asyncio.open_connection(fact.host, PORT)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        await writer.drain()
        await kit.engine.freeze(fact.id)
        writer.write(b"\r\n")
        await writer.drain()
        answer = asyncio.ensure_future(reader.readline())
        assert not (await asyncio.wait({answer}, timeout=0.2))[0]
        await kit.engine.wake(fact.id)
        async with asyncio.timeout(DEADLINE):
            assert b" 200 " in await answer
    finally:
        writer.close()
