"""`world`: a daemon with default settings; `worlds` makes one with others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.control.world import World, Worlds


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Worlds]:
    made: list[World] = []

    async def make(**settings: Any) -> World:
        world = World(tmp_path / str(len(made)), **settings)
        made.append(world)
        await world.start()
        return world

    yield make
    for world in made:
        await world.stop()


@pytest.fixture
async def world(worlds: Worlds) -> World:
    return await worlds()
