"""A replica that leaves while a request connects to it."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from paas.live.board import Slot
from tests.integration.control.world import World
from tests.waiting import until


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose backlog is full: a connect hangs like one to an address without a host."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_hanging_connect_is_given_up_when_its_slot_is_gone(
    world: World, silent_port: int
) -> None:
    await world.deploy()
    version = world.version("shop-001").id
    target = world.board.targets[version]
    good = target.slots[0]
    world.board.eject(version, good.id)
    hung = Slot("hung", "127.0.0.1", silent_port)
    world.board.add_slot(version, hung)
    request = asyncio.ensure_future(world.get())
    await until(lambda: hung.in_flight == 1)
    world.board.restore(version, good.id)
    began = time.monotonic()
    world.board.remove_slot(version, hung.id)
    assert (await request).body == "shop-001"
    assert time.monotonic() - began < 1.0
