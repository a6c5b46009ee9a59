"""A wall clock that is set: nothing starts, stops or falls asleep because of it."""

import pytest

from tests.integration.control.world import World

HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 400 * DAY, -400 * DAY])
async def test_a_jump_changes_nothing_that_runs(world: World, jump: float) -> None:
    await world.deploy()
    await world.deploy("blog")
    await world.to_zero("blog-001")
    assert (await world.get()).body == "shop-001"
    before = sorted(world.running("shop-001"))
    starts = len(world.engine.starts)
    world.clock.jump(jump)
    await world.skip(30)
    for _ in range(3):
        assert (await world.get()).body == "shop-001"
    await world.skip(30)
    assert sorted(world.running("shop-001")) == before
    assert world.running("blog-001") == []
    assert len(world.engine.starts) == starts
    assert (await world.get("blog")).body == "blog-001"


@pytest.mark.parametrize("jump", [-400 * DAY, 400 * DAY])
async def test_a_daemon_that_starts_in_another_year(world: World, jump: float) -> None:
    await world.deploy()
    before = sorted(world.running("shop-001"))
    world.clock.jump(jump)
    await world.restart()
    assert (await world.get()).body == "shop-001"
    await world.skip(30)
    assert sorted(world.running("shop-001")) == before
    await world.deploy(image=None)
    assert (await world.get()).body == "shop-002"
