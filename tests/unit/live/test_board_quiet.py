"""Requests that are no traffic: what they get, and what nobody may notice of them."""

import pytest

from paas.core.routing import Route
from paas.live.board import Absence, Board, Lease, Refusal, RefusalCode, Slot
from tests.fakes.clock import FakeClock

V = "shop-id-1"


class Desk:
    """A board with one version of concurrency 1, and what its hooks were told."""

    def __init__(self):
        self.clock = FakeClock()
        self.board = Board(self.clock.monotonic)
        self.told = []
        self.board.on_demand = self.told.append
        self.board.on_drained = self.told.append
        self.target = self.board.target(V, service="shop", version="shop-001")
        self.target.concurrency = 1

    def slot(self, replica="r1"):
        slot = Slot(replica, "10.0.0.1", 80)
        self.board.add_slot(V, slot)
        return slot

    def acquire(self, answers=None):
        return self.board.acquire(V, (answers if answers is not None else []).append)

    def borrow(self, **how):
        return self.board.borrow(V, **how)

    def traffic(self):
        """All that says whether the version is in use."""
        target, now = self.target, self.clock.monotonic()
        return target.in_flight, target.idle_since, target.tally(now), len(target.waiters)


@pytest.fixture
def desk():
    return Desk()


def test_only_the_slot_counts_it(desk):
    slot, before = desk.slot(), desk.traffic()
    desk.clock.advance(5)
    lease = desk.borrow()
    assert isinstance(lease, Lease)
    assert (lease.slot, lease.waited, slot.in_flight) == (slot, 0.0, 1)
    desk.clock.advance(5)
    assert desk.traffic() == before
    lease.release()
    lease.release()
    assert slot.in_flight == 0
    assert desk.traffic() == before
    assert desk.told == []


def test_a_version_without_replicas_sleeps_on(desk):
    before = desk.traffic()
    desk.clock.advance(5)
    assert desk.borrow() is Absence.SLEEPING
    assert desk.traffic() == before
    assert desk.told == []


def test_one_that_is_waited_for_is_not_waited_for_by_it(desk):
    desk.acquire()
    assert desk.borrow() is Absence.SLEEPING
    assert len(desk.target.waiters) == 1


def test_one_whose_last_replica_drains_sleeps_already(desk):
    desk.slot()
    desk.acquire()
    desk.board.drain(V, "r1")
    assert desk.borrow() is Absence.SLEEPING


def test_one_that_is_to_be_frozen_sleeps_already(desk):
    desk.slot()
    desk.board.rest(V, resting=True)
    desk.board.rest("other", resting=True)
    assert desk.borrow() is Absence.SLEEPING
    assert isinstance(desk.acquire(), Lease)
    desk.board.rest(V, resting=False)
    assert desk.borrow() is Absence.BUSY


def test_it_takes_room_and_finds_none(desk):
    desk.slot()
    lease, answers = desk.borrow(), []
    assert desk.borrow() is Absence.BUSY
    desk.acquire(answers)
    lease.release()
    assert isinstance(answers[0], Lease)
    assert desk.borrow() is Absence.BUSY


def test_it_overtakes_nobody(desk):
    found = []
    desk.target.concurrency = 2
    desk.board.acquire(V, lambda _answer: found.append(desk.borrow()))
    desk.acquire()
    desk.slot()
    assert found == [Absence.BUSY]


def test_it_avoids_the_replica_that_failed_it(desk):
    desk.slot("r1")
    other = desk.slot("r2")
    assert desk.borrow(avoid="r1").slot is other


def test_what_is_wrong_is_told(desk):
    assert desk.board.borrow("other") == Refusal(RefusalCode.GONE)
    desk.slot()
    desk.board.suspect(V, "r1")
    assert desk.borrow() == Refusal(RefusalCode.START_TIMEOUT, 5)
    desk.board.remove_slot(V, "r1")
    desk.board.fail(V)
    desk.told.clear()
    assert desk.borrow() == Refusal(RefusalCode.START_FAILED, 5)
    assert desk.told == []


def test_its_service_has_it_open():
    board = Board(FakeClock().monotonic, requests_per_service=1)
    target = board.target(V, service="shop", version="shop-001")
    assert board.borrow(V) is Absence.SLEEPING
    board.add_slot(V, Slot("r1", "10.0.0.1", 80))
    lease = board.borrow(V)
    assert target.share.open == 1
    assert board.borrow(V) is Absence.BUSY
    lease.release()
    assert target.share.open == 0


@pytest.mark.parametrize("way", ["drain", "remove_target"])
def test_a_replica_drains_until_it_is_back(desk, way):
    slot = desk.slot()
    lease = desk.borrow()
    if way == "drain":
        desk.board.drain(V, "r1")
    else:
        desk.board.remove_target(V)
    assert desk.told == []
    assert desk.target.slots == [slot]
    lease.release()
    assert (desk.told, desk.target.slots) == (["r1"], [])


def test_one_that_ends_after_its_replica_does_no_harm(desk):
    slot = desk.slot()
    lease = desk.borrow()
    desk.board.remove_slot(V, "r1")
    lease.release()
    assert slot.in_flight == 0
    assert desk.told == []


def test_the_next_turn_can_be_seen_without_being_taken(desk):
    route = Route(key="shop-id", service="shop", schedule=("a", "b"))
    assert [desk.board.upcoming(route) for _look in range(3)] == ["a"] * 3
    assert [desk.board.choose(route) for _turn in range(2)] == ["a", "b"]
    assert desk.board.upcoming(route) == "a"
