"""Idle times on their way to the store and back; a daemon is a board and a roster here."""

import pytest

from paas.aio.tasks import Tasks
from paas.control.activity import PACE, ActivityMarks
from paas.control.roster import Roster
from paas.core.idle import SETTLED, Mark
from paas.core.model import Change
from paas.core.planning import Phase
from paas.errors import Unavailable
from paas.live.board import Board, Slot
from paas.ports import ContainerState, ReplicaFact
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore
from tests.waiting import until

V = "shop-id-1"
SHOP = builders.service(builders.version(1))


class Daemon:
    """One life of a daemon on a store and a clock that outlive it."""

    def __init__(self, store, clock):
        self.clock = clock
        self.store = store
        self.board = Board(clock.monotonic)
        self.roster = Roster(board=self.board, clock=clock)
        self.marks = ActivityMarks(board=self.board, roster=self.roster, store=store, clock=clock)
        self.roster.publish(SHOP, SHOP.versions[0])
        self.target = self.board.targets[V]
        fact = ReplicaFact(
            id="r1",
            service="shop",
            version="shop-001",
            version_id=V,
            state=ContainerState.RUNNING,
            host="10.0.0.1",
        )
        self.replica = self.roster.admit(fact, Phase.FROZEN)

    def request(self):
        if not self.target.slots:
            self.board.add_slot(V, Slot("r1", "10.0.0.1", 80))
        return self.board.acquire(V, lambda _answer: None)

    async def after(self, seconds):
        self.clock.advance(seconds)
        await self.marks.save()

    async def restart(self):
        born = Daemon(self.store, self.clock)
        await born.marks.load()
        return born

    def written(self):
        return [one.activity[V] for one in self.store.commits if one.activity]


@pytest.fixture
async def daemon():
    store = FakeStore()
    await store.commit(Change(after=SHOP))
    return Daemon(store, FakeClock())


async def test_one_mark_when_requests_begin_and_one_when_they_are_over(daemon):
    await daemon.after(SETTLED)
    before = len(daemon.written())
    lease = daemon.request()
    for _ in range(10):
        await daemon.after(PACE)
    daemon.request().release()
    lease.release()
    ended = daemon.clock.monotonic()
    await daemon.after(SETTLED / 2)
    assert [one.busy for one in daemon.written()[before:]] == [True]
    for _ in range(10):
        await daemon.after(PACE)
    busy, over = daemon.written()[before:]
    assert (busy.busy, over.busy, over.at.monotonic) == (True, False, ended)
    assert over.at.wall == pytest.approx(daemon.clock.time() - (daemon.clock.monotonic() - ended))


async def test_who_waits_is_busy(daemon):
    await daemon.after(SETTLED)
    daemon.board.acquire(V, lambda _answer: None)
    await daemon.after(100)
    assert daemon.written()[-1].busy


async def test_a_restart_neither_resets_the_time_nor_fires_it(daemon):
    idle_since = daemon.clock.monotonic()
    await daemon.after(3599)
    born = await daemon.restart()
    assert born.target.idle_since == idle_since
    await born.after(1)
    assert len(born.written()) == 1


async def test_killed_while_busy_the_time_begins_anew(daemon):
    daemon.request()
    await daemon.after(PACE)
    daemon.clock.advance(5000)
    born = await daemon.restart()
    assert born.target.idle_since == daemon.clock.monotonic()


async def test_killed_before_the_first_mark_too(daemon):
    daemon.clock.advance(5000)
    born = await daemon.restart()
    assert born.target.idle_since == daemon.clock.monotonic()


async def test_wall_clocks_that_jump_do_not_matter(daemon):
    idle_since = daemon.clock.monotonic()
    await daemon.after(100)
    daemon.clock.set_wall(5.0)
    born = await daemon.restart()
    assert born.target.idle_since == idle_since
    await born.after(1)
    assert len(born.written()) == 1


async def test_after_a_boot_it_begins_anew(daemon):
    await daemon.after(100)
    daemon.clock.boot = "boot-2"
    born = await daemon.restart()
    assert born.target.idle_since == daemon.clock.monotonic()
    await born.after(SETTLED)
    assert born.written()[-1].at.boot == "boot-2"


async def test_versions_of_which_nothing_runs_cost_nothing(daemon):
    daemon.roster.forget(daemon.replica)
    await daemon.after(100)
    assert daemon.written() == []


async def test_a_store_that_fails_is_tried_again_and_told_once(daemon, caplog):
    daemon.store.broken = Unavailable("The disk is full.", code="store_unavailable")
    for _ in range(3):
        await daemon.after(PACE)
    daemon.store.broken = None
    await daemon.after(PACE)
    (mark,) = daemon.written()
    assert isinstance(mark, Mark)
    assert caplog.messages == ["idle times are not kept, trying again"]
    daemon.request().release()
    daemon.store.broken = Unavailable("The disk is full.", code="store_unavailable")
    await daemon.after(PACE)
    assert len(caplog.messages) == 2


async def test_it_goes_on_for_ever(daemon):
    tasks = Tasks()
    tasks.spawn("marks", daemon.marks.run())
    await until(lambda: daemon.clock.sleeping)
    before = len(daemon.written())
    daemon.request()
    daemon.clock.advance(PACE)
    await until(lambda: daemon.clock.sleeping)
    await until(lambda: len(daemon.written()) >= before)
    assert daemon.written()[-1].busy
    await tasks.close()
