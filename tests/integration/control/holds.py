"""Deployments held in a chosen step, for cancelling and restarting there."""

import asyncio
from collections.abc import Callable

from paas.core.access import EVERYTHING
from paas.core.model import Deployment, DeploymentStatus, StepName, StepStatus
from paas.core.spec import Probe, ReplicaRange
from tests.fakes.replica import LIVE, FakeReplica, Script, serve
from tests.integration.control.world import DOCKERFILE, World

NEW = "shop-002"


class Moody:
    """A program that serves connections only while `well`, else answers 503."""

    def __init__(self, *, well: bool = False) -> None:
        self.well = well

    async def __call__(
        self, replica: FakeReplica, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.well:
            return await serve(replica, reader, writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return None


class Held:
    """The second deployment of `shop`, standing in a step until `release`."""

    def __init__(self, deployment: Deployment, release: Callable[[], None]) -> None:
        self.deployment = deployment
        self.release = release


async def hold_queued(world: World) -> Held:
    """Behind another build: the host builds one at a time."""
    world.builder.gate.close()
    blocker = await world.submit("other", files=DOCKERFILE)
    await reached(world, blocker, StepName.BUILD)
    held = await world.submit(files=DOCKERFILE)
    assert held.status is DeploymentStatus.QUEUED
    return Held(held, world.builder.gate.open)


async def hold_fetch(world: World) -> Held:
    world.unpacker.gate.close()
    held = await world.submit(files=DOCKERFILE)
    await reached(world, held, StepName.FETCH)
    return Held(held, world.unpacker.gate.open)


async def hold_pull(world: World) -> Held:
    world.engine.add_remote("registry.example/shop:2")
    world.engine.pull_gate.close()
    held = await world.submit(image="registry.example/shop:2")
    await reached(world, held, StepName.FETCH)
    return Held(held, world.engine.pull_gate.open)


async def hold_build(world: World) -> Held:
    world.builder.gate.close()
    held = await world.submit(files=DOCKERFILE)
    await reached(world, held, StepName.BUILD)
    return Held(held, world.builder.gate.open)


async def hold_start(world: World) -> Held:
    world.engine.script(NEW, Script(start_delay=0.2))
    held = await world.submit(files=DOCKERFILE)
    await reached(world, held, StepName.START)
    return Held(held, lambda: None)


async def hold_check(world: World) -> Held:
    moody = Moody()
    world.engine.script(NEW, Script(handler=moody))
    held = await world.submit(files=DOCKERFILE, probe=Probe(http="/"))
    await reached(world, held, StepName.CHECK)

    def release() -> None:
        moody.well = True

    return Held(held, release)


HOLDS = [hold_queued, hold_fetch, hold_pull, hold_build, hold_start, hold_check]


async def reached(world: World, deployment: Deployment, name: StepName) -> None:
    """The deployment is in that step."""
    async with asyncio.timeout(5):
        while True:
            now = await world.control.deployments.read(deployment.id, view=EVERYTHING)
            if any(one.name is name and one.status is StepStatus.RUNNING for one in now.steps):
                return
            await asyncio.sleep(0.002)


class Work:
    """A program that takes so many seconds for each request, one after another on each
    connection; `paths` in order of arrival, `most` at once.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.paths: list[str] = []
        self.running = 0
        self.most = 0

    async def __call__(
        self, replica: FakeReplica, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.paths.append(head.split()[1].decode())
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                await asyncio.sleep(self.seconds)
            finally:
                self.running -= 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            await writer.drain()


class Slow:
    """A program that answers each request once it is let: `paths` in order of arrival."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.paths: list[str] = []

    async def __call__(
        self, replica: FakeReplica, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.paths.append(head.split()[1].decode())
            while replica.state in LIVE and not self.let.is_set():
                await asyncio.sleep(0.002)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            await writer.drain()


def at_least(count: int) -> ReplicaRange:
    return ReplicaRange(min=count)
