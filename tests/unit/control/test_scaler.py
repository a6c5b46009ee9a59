import pytest

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.scaler import Scaler
from paas.core.model import ServiceSettings, VersionStatus
from paas.live.board import Board, Slot
from paas.settings import Idle
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore

V = "shop-id-1"


class Scene:
    """One service, its board, and a scaler that stops idle versions after an hour."""

    def __init__(self, catalog):
        self.catalog = catalog
        self.clock = FakeClock()
        self.board = Board(self.clock.monotonic)
        self.idle = Idle(freeze_after=300, stop_after=3600)
        self.scaler = Scaler(catalog=catalog, board=self.board, idle=self.idle)

    async def show(self, *versions, **fields):
        await self.catalog.create(builders.service(*versions, **fields))
        for version in versions:
            self.board.target(version.id, service="shop", version=version.name)

    def count(self, version_id=V):
        return self.scaler.wants(self.clock.monotonic())[version_id]

    def after(self, seconds, version_id=V):
        self.clock.advance(seconds)
        return self.count(version_id)

    def request(self):
        return self.board.acquire(V, lambda _answer: None)


@pytest.fixture
def scene():
    return Scene(Catalog(FakeStore(), Tasks()))


ALL = {"shop-001": 100}


@pytest.mark.parametrize("status", list(VersionStatus))
async def test_only_versions_that_may_run_are_counted(scene, status):
    await scene.show(builders.version(1, status=status))
    runnable = status in (VersionStatus.STARTING, VersionStatus.READY)
    assert (V in scene.scaler.wants(0.0)) is runnable


async def test_a_version_that_starts_needs_one(scene):
    await scene.show(builders.version(1, status=VersionStatus.STARTING))
    assert scene.count() == 1


async def test_nothing_runs_that_nobody_asked_for(scene):
    await scene.show(builders.version(1), split=ALL)
    assert scene.count() == 0


async def test_who_asks_gets_one_and_the_keeper_hears_of_it_each_time(scene):
    pokes = []
    scene.scaler.poke = lambda: pokes.append(True)
    await scene.show(builders.version(1), split=ALL)
    scene.scaler.ask(V)
    scene.scaler.ask(V)
    assert (scene.count(), len(pokes)) == (1, 2)


async def test_asking_needs_nobody_to_listen(scene):
    await scene.show(builders.version(1))
    scene.scaler.ask(V)
    assert scene.count() == 1


async def test_with_weight_the_minimum_always_runs(scene):
    await scene.show(builders.version(1, spec=builders.replicas(2)), split=ALL)
    assert scene.after(10 * 3600) == 2


async def test_without_weight_the_minimum_runs_only_while_it_is_used(scene):
    await scene.show(builders.version(1, spec=builders.replicas(2)))
    assert scene.count() == 0
    scene.scaler.ask(V)
    assert scene.count() == 2
    assert scene.after(300) == 0


async def test_an_idle_version_stops_after_one_hour_without_a_break(scene):
    await scene.show(builders.version(1), split=ALL)
    scene.scaler.ask(V)
    assert scene.after(3599) == 1
    assert scene.after(1) == 0
    assert scene.count() == 0


async def test_each_request_begins_the_hour_anew(scene):
    await scene.show(builders.version(1), split=ALL)
    scene.board.add_slot(V, Slot("r1", "10.0.0.1", 80))
    scene.scaler.ask(V)
    scene.clock.advance(3599)
    lease = scene.request()
    assert scene.after(7200) == 1
    lease.release()
    assert scene.after(3599) == 1
    assert scene.after(1) == 0


async def test_a_waiting_request_keeps_it_wanted_and_so_does_one_that_gave_up(scene):
    """A start that takes longer than its first client waits must not be cut short."""
    await scene.show(builders.version(1), split=ALL)
    scene.board.on_demand = scene.scaler.ask
    scene.clock.advance(2 * 3600)
    ticket = scene.request()
    assert scene.count() == 1
    scene.clock.advance(9)
    ticket.cancel()
    assert scene.count() == 1


async def test_a_request_refused_at_once_asks_for_another_try(scene):
    await scene.show(builders.version(1), split=ALL)
    scene.board.on_demand = scene.scaler.ask
    scene.board.fail(V)
    assert scene.after(2 * 3600) == 0
    scene.request()
    assert scene.count() == 1


async def test_without_weight_it_stops_as_early_as_it_would_freeze(scene):
    await scene.show(builders.version(1))
    scene.scaler.ask(V)
    assert scene.after(299) == 1
    assert scene.after(1) == 0


@pytest.mark.parametrize(
    ("settings", "split", "last"),
    [
        (ServiceSettings(stop_after=60), ALL, 60),
        (ServiceSettings(stop_after=60), {}, 60),
        (ServiceSettings(freeze_after=30), {}, 30),
        (ServiceSettings(freeze_after=0), {}, 3600),
        (ServiceSettings(stop_after=0), {}, 300),
    ],
)
async def test_a_service_may_have_times_of_its_own(scene, settings, split, last):
    await scene.show(builders.version(1), split=split, settings=settings)
    scene.scaler.ask(V)
    assert scene.after(last - 1) == 1
    assert scene.after(1) == 0


async def test_zero_is_never(scene):
    settings = ServiceSettings(stop_after=0, freeze_after=0)
    await scene.show(builders.version(1), split=ALL, settings=settings)
    scene.scaler.ask(V)
    assert scene.after(10**6) == 1


async def test_a_version_the_board_does_not_know_yet_is_not_idle(scene):
    await scene.show(builders.version(1), split=ALL)
    scene.board.remove_target(V)
    scene.scaler.ask(V)
    assert scene.after(7200) == 1


async def test_what_was_asked_for_a_deleted_version_is_forgotten(scene):
    await scene.show(builders.version(1), split=ALL)
    scene.scaler.ask("deleted")
    assert scene.scaler.wants(0.0) == {V: 0}
    assert scene.scaler._asked == set()
