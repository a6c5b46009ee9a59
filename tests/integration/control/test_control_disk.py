"""The janitor's rounds, what is remembered of deployments, and the watch on the disk."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from paas.core.stock import StoredImage
from paas.core.watermarks import Space
from paas.errors import Unavailable
from paas.settings import Builds, Limits
from tests.integration.control.world import DOCKERFILE, World, Worlds
from tests.waiting import until


def space(percent: int) -> Space:
    return Space(path="/", device=1, used=percent << 30, free=(100 - percent) << 30)


async def rounds(world: World, check: Callable[[], Any], *, within: float = 10.0) -> None:
    """Let the janitor clean until that is so."""
    async with asyncio.timeout(within):
        while not check():
            await world.control.janitor.clean()
            await asyncio.sleep(0.01)


async def test_deployments_are_remembered_up_to_their_bound(worlds: Worlds) -> None:
    limits = Limits(deployments_per_service=3, versions_per_service=2)
    world = await worlds(limits=limits)
    first = await world.deploy(files=DOCKERFILE)
    await world.configure(auto_prune=True)
    made = [await world.deploy(files=DOCKERFILE) for _ in range(6)]
    await world.control.janitor.clean()
    kept = await world.store.deployments()
    assert [one.id for one in kept] == [one.id for one in reversed(made[-3:])]
    assert await world.log(first) == []
    assert await world.log(made[-1]) != []
    keys = (await world.journal.sizes()).keys()
    assert {key for key in keys if key.startswith("deployments/")} == {
        f"deployments/{one.id}" for one in made[-3:]
    }


async def test_a_bad_engine_breaks_no_round(worlds: Worlds) -> None:
    world = await worlds()
    await world.deploy(files=DOCKERFILE)
    world.engine.down = True
    assert await world.control.janitor.clean() is False
    world.engine.down = False
    assert await world.control.janitor.clean() is False


async def test_images_of_deleted_versions_go_and_holdings_survive_a_restart(
    worlds: Worlds,
) -> None:
    world = await worlds(builds=Builds(cache="0"))
    world.engine.add_remote("registry.example/shop:1")
    await world.deploy(image="registry.example/shop:1")
    assert [one.name for one in await world.store.holdings()] == ["registry.example/shop:1"]
    await world.restart()
    await world.control.services.delete("shop", confirm="shop", actor="ann")
    await rounds(world, lambda: not world.engine.images)
    await rounds(world, lambda: not world.control._holdings.all())
    assert await world.store.holdings() == []


async def test_no_layer_goes_while_a_build_may_go_on_from_it(worlds: Worlds) -> None:
    world = await worlds(builds=Builds(cache="0"))
    made = StoredImage(id="sha256:" + "ab" * 32, created=world.clock.time(), size=100)
    world.storage.layers[made.id] = made
    world.fake_builder.lines = ("Step 1/2 : COPY a /a", " ---> " + "ab" * 6)
    world.fake_builder.delay = 0.3
    running = await world.submit(files=DOCKERFILE)
    await until(lambda: world.control._holdings.building)
    await rounds(world, world.control._holdings.all)
    assert (await world.control.janitor.collect(dry_run=False)).removed == []
    assert made.id in world.storage.layers
    assert (await world.ended(running)).error is None
    await rounds(world, lambda: not world.storage.layers)


async def test_a_disk_that_fills_up_is_told_once_and_so_is_its_recovery(
    worlds: Worlds,
) -> None:
    world = await worlds()
    room = world.control.room
    for percent in (50, 86, 88, 96, 97, 93, 50, 50):
        world.disk.now = space(percent)
        await room.watch()
    events = [one for one in await world.store.events() if one.kind.startswith("disk.")]
    told = [(one.kind, one.data["level"]) for one in reversed(events)]
    assert told == [
        ("disk.low", "low"),
        ("disk.low", "full"),
        ("disk.recovered", "low"),
        ("disk.recovered", "ok"),
    ]
    assert events[-1].data["used_percent"] == 86.0


async def test_a_disk_that_does_not_answer_refuses_nothing(worlds: Worlds) -> None:
    world = await worlds()
    world.disk.now = None
    await world.control.room.look()
    assert (await world.deploy(files=DOCKERFILE)).error is None
    world.disk.now = space(99)
    await world.control.room.look()
    world.disk.now = None
    await world.control.room.look()
    with pytest.raises(Unavailable) as caught:
        await world.deploy(files=DOCKERFILE)
    assert caught.value.code == "disk_low"
