"""Figures on their way: from counters to points, minutes and charts."""

import asyncio
from dataclasses import dataclass

import pytest

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.census import Census
from paas.control.coldstart import ColdStart
from paas.control.meter import Meter, Sampled
from paas.control.recorder import Recorder
from paas.control.replicas import Replica
from paas.control.roster import Roster
from paas.core.model import Change
from paas.core.planning import Phase
from paas.errors import NotFound, Unavailable
from paas.live.board import Board, Lease
from paas.ports import ContainerState, ReplicaFact, Usage
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine
from tests.fakes.figures import FakeFigures
from tests.fakes.store import FakeStore

SHOP = builders.service(builders.version(1))
VERSION = SHOP.versions[0]


@dataclass(kw_only=True)
class Scene:
    clock: FakeClock
    board: Board
    roster: Roster
    meter: Meter
    catalog: Catalog
    census: Census
    store: FakeFigures
    recorder: Recorder

    def request(self, status: int = 200, seconds: float = 0.0) -> None:
        lease = self.board.acquire(VERSION.id, lambda _answer: None)
        assert isinstance(lease, Lease)
        lease.status = status
        self.clock.advance(seconds)
        lease.release()

    def restarted(self) -> Recorder:
        self.census = Census(
            board=self.board,
            roster=self.roster,
            meter=self.meter,
            catalog=self.catalog,
            clock=self.clock,
        )
        return Recorder(
            census=self.census, catalog=self.catalog, store=self.store, clock=self.clock
        )

    def replica(self) -> Replica:
        return self.roster.of(VERSION.id)[0]


@pytest.fixture
async def scene() -> Scene:
    clock, tasks = FakeClock(time=1_700_000_040.0), Tasks()
    board = Board(clock.monotonic)
    roster = Roster(board=board, clock=clock)
    catalog = Catalog(FakeStore(), tasks)
    await catalog.create(SHOP)
    meter = Meter(board=board, roster=roster, catalog=catalog, engine=FakeEngine(), clock=clock)
    census = Census(board=board, roster=roster, meter=meter, catalog=catalog, clock=clock)
    store = FakeFigures()
    roster.publish(SHOP, VERSION)
    fact = ReplicaFact(
        id="r1",
        service="shop",
        version=VERSION.name,
        version_id=VERSION.id,
        state=ContainerState.RUNNING,
        host="127.0.0.1",
    )
    roster.ready(roster.admit(fact, Phase.STARTING), 80, cold=True)
    return Scene(
        clock=clock,
        board=board,
        roster=roster,
        meter=meter,
        catalog=catalog,
        census=census,
        store=store,
        recorder=Recorder(census=census, catalog=catalog, store=store, clock=clock),
    )


async def totals(recorder: Recorder, **query: int) -> list[float]:
    chart = await recorder.read("shop", **query)
    return [one for one in chart.total.requests if one]


async def test_requests_are_counted_once_whoever_looks(scene: Scene) -> None:
    for _ in range(3):
        scene.request()
    assert await totals(scene.recorder) == [3]
    assert await totals(scene.recorder) == [3]
    scene.clock.advance(60)
    scene.request(503)
    chart = await scene.recorder.read("shop")
    assert [one for one in chart.total.classes["5xx"] if one] == [1]
    assert sum(one or 0 for one in chart.versions["shop-001"].requests) == 4


async def test_gauges_are_means_of_the_looks(scene: Scene) -> None:
    scene.clock.advance(10)
    scene.recorder.look(int(scene.clock.time()))
    scene.request(seconds=5.0)
    chart = await scene.recorder.read("shop", step=5)
    assert chart.total.gauges["ready"][-1] == 1
    assert chart.total.gauges["in_flight"][-1] == pytest.approx(1.0)
    assert chart.total.gauges["ready"][0] is None


async def test_cpu_and_memory_come_from_the_meter(scene: Scene) -> None:
    sampled = scene.meter._sampled
    sampled["r1"] = Sampled(scene.clock.monotonic(), Usage(cpu=1.0, memory=100))
    scene.census.take()
    scene.clock.advance(2)
    sampled["r1"] = Sampled(scene.clock.monotonic(), Usage(cpu=2.0, memory=300))
    chart = await scene.recorder.read("shop", step=5)
    assert chart.total.gauges["memory"][-1] == 300
    assert chart.total.gauges["cpu"][-1] == pytest.approx(0.5)
    assert scene.census.cpu(scene.replica()) == 0.5
    scene.roster.frozen(scene.replica())
    sampled.clear()
    (figures,) = scene.census.take().values()
    assert figures.gauges[3:] == (1.0, 0.0, 0.0, 300.0)
    scene.roster.removed(scene.replica())
    assert scene.census.take() == {}


async def test_cold_starts_are_told_once(scene: Scene) -> None:
    scene.census.started(scene.replica(), ColdStart(asked=1.0, ready=3.5))
    chart = await scene.recorder.read("shop")
    assert [one for one in chart.total.cold_starts if one] == [1]
    assert [one for one in chart.total.cold_seconds if one] == [2.5]
    scene.clock.advance(20)
    assert sum(one or 0 for one in (await scene.recorder.read("shop")).total.cold_starts) == 1


async def test_what_reached_no_version_counts_for_its_service(scene: Scene) -> None:
    scene.board.turned_away.of("shop").answered(503)
    scene.board.turned_away.of("shop").error("no_traffic")
    scene.board.turned_away.of("gone").answered(503)
    chart = await scene.recorder.read("shop")
    assert sum(one or 0 for one in chart.total.classes["5xx"]) == 1
    assert sum(one or 0 for one in chart.total.errors["no_traffic"]) == 1
    assert "" not in chart.versions
    assert "gone" not in scene.board.turned_away.services


async def test_minutes_are_written_and_survive(scene: Scene) -> None:
    for _ in range(2):
        scene.request()
    await scene.recorder.close()
    scene.clock.advance(5)
    later = scene.restarted()
    scene.census.take()  # the counters of this board are those of a former daemon
    assert await totals(later, step=60) == [2]
    assert await totals(later, step=900) == [2]
    assert await totals(later, step=5) == []


async def test_what_cannot_be_written_is_written_later_and_never_twice(scene: Scene) -> None:
    scene.request()
    scene.recorder.look(1_700_000_040)
    scene.store.broken = Unavailable("Full.", code="disk_full")
    await scene.recorder.write(before=1_700_000_100)
    scene.recorder.look(1_700_000_045)
    assert await totals(scene.recorder, step=60) == [1]
    await scene.recorder.write(before=1_700_000_100)
    scene.store.broken = None
    await scene.recorder.write(before=1_700_000_100)
    await scene.recorder.write(before=1_700_000_100)
    assert len(scene.store.added) == 1
    assert await totals(scene.recorder, step=60) == [1]


async def test_it_looks_every_five_seconds_and_writes_every_minute(scene: Scene) -> None:
    tasks = Tasks()
    tasks.spawn("figures", scene.recorder.run())
    for _ in range(26):
        while not scene.clock.sleeping:
            await asyncio.sleep(0)
        scene.clock.advance(5.001)
        for _ in range(10):
            await asyncio.sleep(0)
    await tasks.close()
    looks = [one.looks for batch in scene.store.added for one in batch]
    assert [one.at % 60 for batch in scene.store.added for one in batch] == [0] * len(looks)
    assert looks[1:] == [12] * (len(looks) - 1)
    assert len(looks) == 2


async def test_memory_is_bounded(scene: Scene) -> None:
    for _ in range(800):
        scene.recorder.look(int(scene.clock.time()))
        scene.clock.advance(5)
    assert len(scene.recorder._points) <= 721
    assert scene.recorder._held == sum(len(one.rows) for one in scene.recorder._points)
    assert len(scene.recorder._unwritten) <= 60


async def test_a_version_by_itself(scene: Scene) -> None:
    scene.request()
    chart = await scene.recorder.read("shop", version="shop-001")
    assert list(chart.versions) == ["shop-001"]
    with pytest.raises(NotFound, match="shop-009"):
        await scene.recorder.read("shop", version="shop-009")
    with pytest.raises(NotFound):
        await scene.recorder.read("nobody")


async def test_a_version_that_was_deleted_and_its_service(scene: Scene) -> None:
    scene.request()
    await scene.recorder.read("shop")
    scene.roster.withdraw(VERSION.id)
    await scene.catalog.change("shop", lambda now: Change(before=now, after=None))
    assert scene.census.take() == {}
    assert scene.census._seen == {}
