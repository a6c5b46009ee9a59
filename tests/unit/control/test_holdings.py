"""What is noted as ours while builds run, and when a stranger's build makes it unsure."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from paas.aio.clock import SystemClock
from paas.aio.tasks import Tasks
from paas.control.holdings import Holdings
from paas.core.holdings import Held
from paas.core.stock import CacheRecord
from tests.fakes.engine import FakeEngine
from tests.fakes.storage import FakeStorage
from tests.fakes.store import FakeStore
from tests.waiting import until


class Scene:
    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.storage = FakeStorage(self.engine)
        self.store = FakeStore()
        self.tasks = Tasks()
        self.holdings = self.made()

    def made(self) -> Holdings:
        return Holdings(
            store=self.store,
            engine=self.engine,
            storage=self.storage,
            clock=SystemClock(),
            tasks=self.tasks,
        )

    def record(self, ident: str, *, in_use: bool = False, ago: float = 0.0) -> None:
        self.storage.cache[ident] = CacheRecord(
            id=ident, size=1, created=time.time() - ago, in_use=in_use
        )

    def noted(self, kind: Held = Held.CACHE) -> set[str]:
        return {one.id for one in self.holdings.all() if one.kind is kind}

    async def counted(self) -> None:
        """Until nothing that was spawned runs any more."""
        await until(lambda: not [one for one in asyncio.all_tasks() if "cache" in one.get_name()])


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.tasks.close()


@pytest.fixture
def lines() -> list[str]:
    """What the build said."""
    return []


async def test_records_of_the_builds_time_are_ours(scene: Scene, lines: list[str]) -> None:
    scene.record("older", ago=60)
    async with scene.holdings.build("shop", lines.append) as say:
        assert scene.holdings.building
        say("#1 [1/1] COPY a /a")
        scene.record("new")
    await until(lambda: scene.noted() == {"new"})
    assert not scene.holdings.building
    assert lines == ["#1 [1/1] COPY a /a"]
    await until(lambda: len(scene.store.commits) == 1)
    again = scene.made()
    await again.load()
    assert [(one.id, one.service) for one in again.all()] == [("new", "shop")]


async def test_while_somebody_else_builds_nothing_is_taken_for_ours(
    scene: Scene, lines: list[str]
) -> None:
    async with scene.holdings.build("shop", lines.append):
        await scene.counted()
        scene.record("new")
        scene.record("theirs", in_use=True)
    await scene.counted()
    assert scene.noted() == set()


async def test_what_a_killed_build_left_in_use_is_nobody_at_work(
    scene: Scene, lines: list[str]
) -> None:
    scene.record("stuck", in_use=True, ago=60)
    async with scene.holdings.build("shop", lines.append):
        await scene.counted()
        scene.record("new")
    await scene.counted()
    assert scene.noted() == {"new"}


async def test_a_classic_build_is_read_for_its_layers_alone(scene: Scene, lines: list[str]) -> None:
    async with scene.holdings.build("shop", lines.append) as say:
        for line in ("Step 1/2 : COPY a /a", " ---> aaaaaaaaaaaa", "Step 2/2 : RUN x"):
            say(line)
        scene.record("new")
    await scene.counted()
    assert scene.noted() == set()
    assert scene.noted(Held.LAYER) == {"a" * 12}


async def test_an_engine_that_is_away_tells_nothing(scene: Scene, lines: list[str]) -> None:
    async with scene.holdings.build("shop", lines.append):
        scene.record("new")
        scene.engine.down = True
    await scene.counted()
    assert scene.noted() == set()


async def test_between_builds(scene: Scene, lines: list[str]) -> None:
    async def work() -> bool:
        return True

    assert await scene.holdings.between_builds(work)
    async with scene.holdings.build("shop", lines.append):
        assert not await scene.holdings.between_builds(work)
