"""An image that somebody removed by hand: fetched again, or told with what to do."""

from tests.integration.control.world import DOCKERFILE, World

IMAGE = "registry.example/shop:1"


async def test_one_from_a_registry_is_pulled_again_by_its_digest(world: World) -> None:
    world.engine.add_remote(IMAGE)
    await world.deploy(image=IMAGE)
    await world.to_zero("shop-001")
    world.engine.images.clear()
    assert (await world.get()).body == "shop-001"
    pinned = world.version("shop-001").image
    assert pinned is not None
    assert pinned.id in world.engine.images


async def test_one_that_its_registry_has_no_more_is_told(world: World) -> None:
    world.engine.add_remote(IMAGE)
    await world.deploy(image=IMAGE)
    await world.to_zero("shop-001")
    world.engine.images.clear()
    world.engine.registry.clear()
    refused = await world.get()
    assert (refused.status, refused.code) == (503, "start_failed")


async def test_one_that_was_built_here_is_told_with_what_to_do(world: World) -> None:
    await world.deploy(files=DOCKERFILE)
    await world.to_zero("shop-001")
    world.engine.images.clear()
    refused = await world.get()
    assert (refused.status, refused.code) == (503, "start_failed")
    assert (await world.event("replica.failed")).data["code"] == "image_gone"
