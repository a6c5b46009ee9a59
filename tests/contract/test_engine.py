"""The `Engine` port: one suite, run on the fake and on a real Docker Engine."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace

import pytest

from paas.adapters.probe import NetworkProber
from paas.core.spec import PinnedImage, Probe
from paas.errors import Conflict, NotFound
from paas.ports import Address, ContainerState
from tests.contract.engine_kits import (
    DEADLINE,
    PORT,
    Kit,
    answers,
    only,
    until,
)


async def test_open_gives_the_gateway_and_can_be_repeated(kit: Kit) -> None:
    assert await kit.engine.open() == await kit.engine.open()


async def test_info(kit: Kit) -> None:
    fact = await kit.engine.info()
    assert fact.cpus >= 1
    assert fact.memory > 0
    assert abs(fact.time - time.time()) < 60
    assert fact.api.startswith("1.")
    assert fact.architecture in ("amd64", "arm64")


async def test_a_started_replica_is_listed_and_answers(kit: Kit) -> None:
    before = time.time()
    fact = await kit.engine.start(kit.spec())
    assert fact.state is ContainerState.RUNNING
    assert (fact.service, fact.version, fact.version_id) == (
        "hello",
        "hello-001",
        "id-of-hello-001",
    )
    assert fact.started is not None
    assert before - 1 < fact.started < time.time() + 1
    assert await kit.engine.replicas() == [fact]
    await answers(fact)
    assert await kit.engine.listening(fact.id) == (PORT,)


async def test_two_replicas_have_two_addresses(kit: Kit) -> None:
    facts = [await kit.engine.start(kit.spec()) for _ in range(2)]
    assert len({fact.host for fact in facts}) == 2
    assert len(await kit.engine.replicas()) == 2


async def test_freeze_and_wake(kit: Kit) -> None:
    fact = await kit.engine.start(kit.spec())
    await answers(fact)
    await kit.engine.freeze(fact.id)
    await kit.engine.freeze(fact.id)
    assert (await only(kit.engine)).state is ContainerState.PAUSED
    assert (await only(kit.engine)).host == fact.host
    address = Address(host=str(fact.host), port=PORT)
    assert not await NetworkProber().ready(address, Probe(http="/"), timeout=0.2)
    await kit.engine.wake(fact.id)
    await kit.engine.wake(fact.id)
    assert (await only(kit.engine)).state is ContainerState.RUNNING
    await answers(fact)


@pytest.mark.parametrize("grace", [0.0, 0.3])
async def test_remove_while_frozen_and_again(kit: Kit, grace: float) -> None:
    fact = await kit.engine.start(kit.spec())
    await kit.engine.freeze(fact.id)
    await kit.engine.remove(fact.id, grace=grace)
    assert await kit.engine.replicas() == []
    await kit.engine.remove(fact.id, grace=grace)
    assert await kit.engine.usages([fact.id]) == {}
    assert await kit.engine.listening(fact.id) == ()
    for act in (kit.engine.freeze, kit.engine.wake):
        with pytest.raises(NotFound) as raised:
            await act(fact.id)
        assert raised.value.code == "replica_gone"


async def test_what_is_not_ours_is_not_touched(kit: Kit) -> None:
    stranger = await kit.foreign()
    assert await kit.engine.replicas() == []
    with pytest.raises(Conflict) as raised:
        await kit.engine.remove(stranger)
    assert raised.value.code == "not_ours"


async def test_a_crash_is_told_with_its_code_and_output(kit: Kit) -> None:
    fact = await kit.engine.start(kit.crashing("hello-002"))

    async def ended() -> bool:
        return (await only(kit.engine)).state is ContainerState.EXITED

    await until(ended)
    found = await only(kit.engine)
    assert (found.exit_code, found.oom_killed, found.host) == (3, False, None)
    lines = [line async for line in kit.engine.logs(fact.id, follow=True)]
    assert {line.text for line in lines} == {"out", "err"}
    assert {line.replica for line in lines} == {fact.id}
    assert all(abs(line.time - time.time()) < 60 for line in lines)
    later = kit.engine.logs(fact.id, since=time.time() + 100)
    assert [line async for line in later] == []
    with pytest.raises(Conflict):
        await kit.engine.freeze(fact.id)
    assert await kit.engine.usages([fact.id]) == {}


async def test_a_silent_replica_listens_nowhere(kit: Kit) -> None:
    fact = await kit.engine.start(kit.silent("hello-003"))
    assert await kit.engine.listening(fact.id) == ()
    address = Address(host=str(fact.host), port=PORT)
    assert not await NetworkProber().ready(address, Probe(), timeout=0.5)


async def test_followed_logs_end_with_the_replica(kit: Kit) -> None:
    fact = await kit.engine.start(kit.silent("hello-004"))

    async with asyncio.timeout(DEADLINE):
        lines = kit.engine.logs(fact.id, follow=True)
        assert (await anext(lines)).text == "begun"
        await kit.engine.remove(fact.id)
        assert [line async for line in lines] == []
    with pytest.raises(NotFound):
        await anext(kit.engine.logs(fact.id))


async def test_the_image_is_gone(kit: Kit) -> None:
    missing = PinnedImage(reference="gone:1", id="sha256:" + "0" * 64)
    with pytest.raises(NotFound) as raised:
        await kit.engine.start(replace(kit.spec(), image=missing))
    assert raised.value.code == "image_gone"
    assert await kit.engine.replicas() == []


async def test_changes_tell_ids(kit: Kit) -> None:
    async with asyncio.timeout(DEADLINE), aclosing(kit.engine.changes()) as changes:
        assert await anext(changes) == ""
        fact = await kit.engine.start(kit.spec())
        assert await anext(changes) == fact.id
        await kit.engine.remove(fact.id)
        assert await anext(changes) == fact.id


async def test_images(kit: Kit) -> None:
    tag = kit.image.reference
    fact = await kit.engine.image(kit.image.id)
    assert fact is not None
    assert fact.pin.id == kit.image.id
    assert fact.ports == (PORT,)
    assert fact.labels == kit.labels
    assert [image.pin for image in await kit.engine.built_images()] == [kit.image]
    assert await kit.engine.image("no-such-image:1") is None
    await kit.engine.start(kit.spec())
    await kit.engine.remove_image(tag)
    assert await kit.engine.image(tag) is not None, "in use"
    await kit.engine.remove((await only(kit.engine)).id)
    await kit.engine.remove_image(tag)
    assert await kit.engine.image(kit.image.id) is None
    assert await kit.engine.built_images() == []
    await kit.engine.remove_image(tag)


async def test_cancelled_starts_leave_nothing(kit: Kit) -> None:
    for delay in (0.0, 0.005, 0.02, 0.08, 0.15):
        starting = asyncio.ensure_future(kit.engine.start(kit.spec()))
        done, _ = await asyncio.wait({starting}, timeout=delay)
        if done:
            await kit.engine.remove(starting.result().id)
        else:
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
        assert await kit.engine.replicas() == []


async def test_an_image_with_two_tags_stays_for_the_other(kit: Kit) -> None:
    first, second = kit.image.reference, f"{kit.image.reference}-again"
    await kit.engine.tag_image(kit.image.id, second)
    await kit.engine.tag_image(kit.image.id, second)
    assert {image.pin.reference for image in await kit.engine.built_images()} == {first, second}
    await kit.engine.remove_image(first)
    (left,) = await kit.engine.built_images()
    assert (left.pin.reference, left.pin.id) == (second, kit.image.id)
    await kit.engine.tag_image(kit.image.id, first)
    await kit.engine.remove_image(second)
    assert await kit.engine.image(first) is not None
    with pytest.raises(NotFound) as raised:
        await kit.engine.tag_image(f"sha256:{'0' * 64}", second)
    assert raised.value.code == "image_gone"
