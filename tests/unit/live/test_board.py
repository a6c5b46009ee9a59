import logging

import pytest

from paas.core.routing import Route
from paas.live.board import Board, Lease, OpenRequest, Refusal, RefusalCode, Slot, Ticket
from paas.live.leases import QUEUE_BYTES
from paas.live.requests import RequestKind
from tests.fakes.clock import FakeClock

V = "shop-id-1"
START_FAILED = Refusal(RefusalCode.START_FAILED, 5)
NO_MEMORY = Refusal(RefusalCode.NO_MEMORY, 5)
START_TIMEOUT = Refusal(RefusalCode.START_TIMEOUT, 5)
GONE = Refusal(RefusalCode.GONE)
FULL = Refusal(RefusalCode.SERVICE_FULL, 1)


class Desk:
    """A board with one version, and what its hooks and its waiters were told."""

    def __init__(self):
        self.clock = FakeClock()
        self.board = Board(self.clock.monotonic)
        self.demands, self.suspects, self.gone, self.drained = [], [], [], []
        self.answers = {}
        self.board.on_demand = self.demands.append
        self.board.on_suspect = lambda version, replica: self.suspects.append((version, replica))
        self.board.on_gone = self.gone.append
        self.board.on_drained = self.drained.append
        self.target = self.board.target(V, service="shop", version="shop-001")
        self.target.concurrency = 1

    def slot(self, replica="r1"):
        slot = Slot(replica, "10.0.0.1", 80)
        self.board.add_slot(V, slot)
        return slot

    def acquire(self, name="", **how):
        return self.board.acquire(V, lambda answer: self.answers.setdefault(name, answer), **how)


@pytest.fixture
def desk():
    return Desk()


class TestLeases:
    def test_a_free_slot_is_leased_and_counted_at_once(self, desk):
        slot = desk.slot()
        lease = desk.acquire()
        assert isinstance(lease, Lease)
        assert (lease.slot, lease.waited, slot.in_flight, desk.target.in_flight) == (slot, 0, 1, 1)
        lease.release()
        assert (slot.in_flight, desk.target.in_flight, desk.target.arrivals) == (0, 0, 1)

    def test_a_second_release_does_nothing(self, desk):
        slot = desk.slot()
        desk.target.concurrency = 2
        first, _second = desk.acquire(), desk.acquire()
        first.release()
        first.release()
        assert slot.in_flight == 1

    def test_one_that_becomes_a_tunnel_is_a_stream_until_it_ends(self, desk):
        desk.slot()
        lease = desk.acquire()
        request = OpenRequest(
            version_id=V,
            kind=RequestKind.WEBSOCKET,
            client=b"192.0.2.1",
            since=0.0,
            method=b"GET",
            path=b"/",
        )
        lease.begin_stream(request)
        assert (desk.target.streams, desk.target.in_flight, lease.stream) == (1, 1, request)
        lease.end_stream()
        lease.release()
        assert (desk.target.streams, desk.target.in_flight) == (0, 0)

    def test_the_least_busy_slot_is_taken(self, desk):
        desk.target.concurrency = 0
        one, two = desk.slot("r1"), desk.slot("r2")
        for _request in range(4):
            desk.acquire()
        assert (one.in_flight, two.in_flight) == (2, 2)

    def test_a_version_nobody_knows_is_gone(self, desk):
        assert desk.board.acquire("other", desk.answers.update) == GONE

    def test_a_replica_that_failed_the_request_is_avoided(self, desk):
        desk.target.concurrency = 0
        desk.slot("r1")
        other = desk.slot("r2")
        assert [desk.acquire(avoid="r1").slot for _request in range(3)] == [other] * 3

    def test_it_is_taken_again_if_no_other_has_room(self, desk):
        slot = desk.slot("r1")
        assert desk.acquire(avoid="r1").slot is slot

    def test_a_request_tried_again_has_not_arrived_twice(self, desk):
        desk.slot()
        desk.acquire().release()
        desk.acquire(avoid="r1")
        assert desk.target.arrivals == 1

    def test_a_target_is_made_once(self, desk):
        assert desk.board.target(V, service="shop", version="shop-001") is desk.target


class TestWaiting:
    def test_a_cold_start_is_a_lease_with_no_slot(self, desk):
        ticket = desk.acquire("a")
        assert isinstance(ticket, Ticket)
        assert desk.demands == [V]
        desk.clock.advance(1.5)
        slot = desk.slot()
        assert (desk.answers["a"].slot, desk.answers["a"].waited) == (slot, 1.5)

    def test_waiters_are_released_in_order_as_room_appears(self, desk):
        for name in "abc":
            desk.acquire(name)
        desk.slot("r1")
        assert list(desk.answers) == ["a"]
        desk.answers["a"].release()
        assert list(desk.answers) == ["a", "b"]
        desk.slot("r2")
        assert list(desk.answers) == ["a", "b", "c"]

    def test_nobody_overtakes_those_who_wait(self, desk):
        desk.acquire("a")
        desk.acquire("b")
        desk.slot()
        assert isinstance(desk.acquire("c"), Ticket)

    def test_a_queue_has_an_end(self, desk):
        desk.target.concurrency = 11
        tickets = [desk.acquire() for _request in range(111)]
        assert tickets[109].target is desk.target
        assert tickets[110] == Refusal(RefusalCode.QUEUE_FULL, 1)
        assert len(desk.demands) == 110

    def test_a_cancelled_ticket_is_never_granted(self, desk):
        ticket = desk.acquire("a")
        desk.acquire("b")
        ticket.cancel()
        ticket.cancel()
        desk.slot()
        assert list(desk.answers) == ["b"]

    def test_raised_concurrency_is_seen_without_waiting_for_a_release(self, desk):
        desk.slot()
        desk.acquire()
        desk.acquire("a")
        desk.target.concurrency = 2
        desk.board.expire()
        assert isinstance(desk.answers["a"], Lease)


class TestShares:
    """What one service may have open, over all its versions."""

    def board(self):
        board = Board(FakeClock().monotonic, requests_per_service=2)
        for version, service in (("s1", "shop"), ("s2", "shop"), ("m1", "mail")):
            board.target(version, service=service, version=version)
        board.add_slot("s1", Slot("r1", "10.0.0.1", 80))
        board.add_slot("m1", Slot("r2", "10.0.0.2", 80))
        return board

    def test_leases_and_waiters_of_all_versions_count(self):
        board = self.board()
        lease = board.acquire("s1", lambda _answer: None)
        ticket = board.acquire("s2", lambda _answer: None)
        for version in ("s1", "s2"):
            assert board.acquire(version, lambda _answer: None) == FULL
        assert isinstance(board.acquire("m1", lambda _answer: None), Lease)
        ticket.cancel()
        assert isinstance(board.acquire("s1", lambda _answer: None), Lease)
        lease.release()
        assert isinstance(board.acquire("s2", lambda _answer: None), Ticket)

    def test_a_waiter_that_is_served_counts_once(self):
        board = self.board()
        granted = []
        board.acquire("s2", granted.append)
        board.add_slot("s2", Slot("r3", "10.0.0.3", 80))
        (lease,) = granted
        assert lease.target.share.open == 1
        lease.release()
        assert lease.target.share.open == 0

    def test_a_service_that_comes_back_while_requests_are_under_way_has_the_same(self):
        board = self.board()
        lease = board.acquire("s1", lambda _answer: None)
        board.remove_target("s1")
        board.remove_target("s2")
        assert board.target("s3", service="shop", version="s3").share is lease.target.share


class TestHeldBytes:
    def test_they_are_counted_while_the_ticket_waits(self, desk):
        ticket = desk.acquire("a")
        assert ticket.hold(10)
        assert ticket.hold(5)
        assert (ticket.size, desk.target.share.queued_bytes) == (15, 15)
        desk.slot()
        assert desk.target.share.queued_bytes == 0

    def test_they_have_a_limit_for_all_waiters_together(self, desk):
        one, two = desk.acquire("a"), desk.acquire("b")
        assert one.hold(QUEUE_BYTES - 1)
        assert not two.hold(2)
        assert two.hold(1)
        one.cancel()
        assert two.hold(2)

    def test_they_have_a_limit_for_all_services_together(self):
        board = Board(FakeClock().monotonic, queue_bytes=10)
        tickets = []
        for name in ("shop", "mail"):
            board.target(name, service=name, version=f"{name}-001")
            tickets.append(board.acquire(name, lambda _answer: None))
        one, two = tickets
        assert one.hold(8)
        assert not two.hold(3)
        assert two.hold(2)
        one.cancel()
        assert two.hold(8)

    def test_a_ticket_that_left_counts_nothing(self, desk):
        ticket = desk.acquire("a")
        ticket.cancel()
        assert ticket.hold(10)
        assert desk.target.share.queued_bytes == 0


class TestDeadlines:
    def test_a_waiter_whose_time_has_come_is_refused(self, desk):
        desk.acquire("a")
        desk.clock.advance(5)
        desk.acquire("b")
        desk.clock.advance(5)
        desk.board.expire()
        assert desk.answers == {"a": START_TIMEOUT}
        assert len(desk.target.waiters) == 1

    def test_a_shorter_limit_of_a_later_waiter_counts_too(self, desk):
        desk.acquire("a")
        desk.target.wait_limit = 1.0
        desk.acquire("b")
        desk.clock.advance(1)
        desk.board.expire()
        assert desk.answers == {"b": START_TIMEOUT}

    def test_whoever_cancels_a_neighbour_when_refused_is_obeyed(self, desk):
        second = []
        desk.board.acquire(V, lambda _answer: second[0].cancel())
        second.append(desk.acquire("b"))
        desk.clock.advance(10)
        desk.board.expire()
        assert desk.answers == {}
        assert not desk.target.waiters


class TestBroken:
    def test_all_waiters_are_refused_and_new_requests_at_once(self, desk):
        desk.acquire("a")
        desk.board.fail(V)
        assert desk.answers == {"a": START_FAILED}
        assert desk.acquire("b") == START_FAILED
        assert desk.demands == [V, V]

    def test_a_slot_mends_it(self, desk):
        desk.board.fail(V)
        slot = desk.slot()
        assert desk.acquire().slot is slot
        assert isinstance(desk.acquire("a"), Ticket)

    def test_a_version_with_a_replica_is_not_broken(self, desk):
        desk.slot()
        desk.acquire()
        desk.acquire("a")
        desk.board.fail(V)
        assert not desk.answers

    def test_a_draining_replica_gives_no_hope(self, desk):
        desk.slot()
        desk.acquire()
        desk.acquire("a")
        desk.board.drain(V, "r1")
        desk.board.fail(V)
        assert desk.answers == {"a": START_FAILED}
        assert desk.acquire() == START_FAILED

    def test_an_unknown_version_cannot_fail(self, desk):
        desk.board.fail("other")


class TestNoMemory:
    def test_all_waiters_are_refused_but_new_requests_wait(self, desk):
        desk.acquire("one")
        desk.acquire("two")
        desk.board.refuse(V)
        assert desk.answers == {"one": NO_MEMORY, "two": NO_MEMORY}
        assert isinstance(desk.acquire("three"), Ticket)

    def test_an_unknown_version_has_no_waiters(self, desk):
        desk.board.refuse("other")


class TestForgiveness:
    def test_new_requests_wait_again(self, desk):
        desk.board.fail(V)
        desk.board.forgive(V)
        assert isinstance(desk.acquire(), Ticket)

    def test_an_unknown_version_has_nothing_to_forgive(self, desk):
        desk.board.forgive("other")


class TestSlots:
    def test_an_ejected_replica_gets_nothing_new_until_it_is_restored(self, desk):
        slot = desk.slot()
        desk.board.eject(V, "r1")
        desk.acquire("a")
        assert not desk.answers
        desk.board.restore(V, "r1")
        assert desk.answers["a"].slot is slot

    def test_a_suspect_is_ejected_and_reported_once_until_it_is_restored(self, desk):
        desk.slot()
        for _request in range(3):
            desk.board.suspect(V, "r1")
        assert desk.suspects == [(V, "r1")]
        assert isinstance(desk.acquire(), Ticket)
        desk.board.restore(V, "r1")
        desk.board.suspect(V, "r1")
        assert len(desk.suspects) == 2

    def test_an_idle_slot_drains_at_once(self, desk):
        desk.slot()
        desk.board.drain(V, "r1")
        assert (desk.gone, desk.drained, desk.target.slots) == (["r1"], ["r1"], [])

    def test_a_busy_slot_drains_when_its_last_lease_is_back(self, desk):
        desk.target.concurrency = 2
        desk.slot()
        one, two = desk.acquire(), desk.acquire()
        desk.board.drain(V, "r1")
        desk.board.drain(V, "r1")
        one.release()
        assert desk.drained == []
        assert isinstance(desk.acquire(), Ticket)
        two.release()
        assert (desk.gone, desk.drained) == (["r1"], ["r1"])

    def test_a_draining_slot_is_not_restored(self, desk):
        slot = desk.slot()
        desk.acquire()
        desk.board.drain(V, "r1")
        desk.board.restore(V, "r1")
        assert not slot.accepting

    def test_a_removed_slot_is_forgotten_and_its_leases_still_come_back(self, desk):
        slot = desk.slot()
        lease = desk.acquire()
        desk.board.remove_slot(V, "r1")
        assert (desk.gone, desk.target.slots) == (["r1"], [])
        lease.release()
        assert (slot.in_flight, desk.target.in_flight) == (0, 0)
        assert (desk.gone, desk.drained) == (["r1"], [])

    def test_a_slot_removed_while_it_drained_left_once(self, desk):
        desk.slot()
        lease = desk.acquire()
        desk.board.drain(V, "r1")
        desk.board.remove_slot(V, "r1")
        lease.release()
        assert (desk.gone, desk.drained) == (["r1"], ["r1"])

    @pytest.mark.parametrize("version", [V, "other"])
    def test_what_is_not_there_is_left_alone(self, desk, version):
        for act in ("eject", "restore", "drain", "remove_slot", "suspect"):
            getattr(desk.board, act)(version, "nobody")
        assert (desk.gone, desk.drained, desk.suspects) == ([], [], [])

    def test_a_replica_of_a_version_that_was_deleted_meanwhile_is_not_routed_to(self, desk):
        desk.board.remove_target(V)
        desk.slot()
        assert desk.acquire() == GONE


class TestRemovedVersions:
    def test_waiters_are_answered_and_slots_leave_when_drained(self, desk):
        desk.slot("r1")
        desk.slot("r2")
        lease = desk.acquire()
        desk.board.remove_target(V)
        assert (desk.gone, desk.drained) == (["r2"], ["r2"])
        lease.release()
        assert (desk.gone, desk.drained) == (["r2", "r1"], ["r2", "r1"])

    def test_its_waiters_learn_that_it_is_gone(self, desk):
        desk.acquire("a")
        desk.board.remove_target(V)
        desk.board.remove_target(V)
        assert desk.answers == {"a": GONE}


class TestIdleness:
    def test_it_begins_when_the_last_request_ends(self, desk):
        desk.target.concurrency = 0
        desk.slot()
        begun = desk.target.idle_since
        one, two = desk.acquire(), desk.acquire()
        desk.clock.advance(1)
        one.release()
        assert desk.target.idle_since == begun
        desk.clock.advance(1)
        two.release()
        assert desk.target.idle_since == begun + 2

    @pytest.mark.parametrize("end", ["cancelled", "expired", "failed"])
    def test_a_request_that_waited_in_vain_was_traffic(self, desk, end):
        ticket = desk.acquire("a")
        desk.clock.advance(10)
        if end == "cancelled":
            ticket.cancel()
        elif end == "expired":
            desk.board.expire()
        else:
            desk.board.fail(V)
        assert desk.target.idle_since == desk.clock.monotonic()

    def test_so_was_one_refused_at_once(self, desk):
        desk.board.fail(V)
        desk.clock.advance(10)
        desk.acquire()
        assert desk.target.idle_since == desk.clock.monotonic()

    def test_use_without_a_request_begins_it_anew(self, desk):
        desk.clock.advance(5)
        desk.board.touch(V)
        desk.board.touch("other")
        assert desk.target.idle_since == desk.clock.monotonic()


class TestCallbacksThatCallAgain:
    def test_releasing_at_once_serves_a_long_queue_without_recursion(self, desk):
        desk.target.concurrency = 1000
        served = []

        def granted(answer):
            served.append(answer)
            answer.release()

        for _request in range(10_000):
            desk.board.acquire(V, granted)
        desk.target.concurrency = 1
        slot = desk.slot()
        assert len(served) == 10_000
        assert (slot.in_flight, desk.target.in_flight) == (0, 0)

    def test_asking_again_goes_to_the_end_of_the_queue(self, desk):
        def granted(answer):
            desk.acquire("again")
            answer.release()

        desk.board.acquire(V, granted)
        desk.acquire("b")
        desk.slot()
        assert list(desk.answers) == ["b"]
        desk.answers["b"].release()
        assert list(desk.answers) == ["b", "again"]

    def test_cancelling_the_next_in_line(self, desk):
        tickets = []
        desk.target.concurrency = 2
        desk.board.acquire(V, lambda _answer: tickets[0].cancel())
        tickets.append(desk.acquire("b"))
        desk.acquire("c")
        desk.slot()
        assert list(desk.answers) == ["c"]

    def test_cancelling_the_ticket_that_is_being_granted(self, desk):
        tickets = []

        def granted(answer):
            tickets[0].cancel()
            answer.release()

        tickets.append(desk.board.acquire(V, granted))
        slot = desk.slot()
        assert (slot.in_flight, desk.target.share.queued_bytes) == (0, 0)

    def test_giving_the_replica_up_leaves_the_rest_waiting(self, desk):
        desk.target.concurrency = 2

        def granted(answer):
            desk.board.suspect(V, answer.slot.id)
            answer.release()

        desk.board.acquire(V, granted)
        desk.acquire("b")
        desk.slot()
        assert not desk.answers
        assert len(desk.target.waiters) == 1

    def test_refused_waiters_that_ask_again_are_refused_again(self, desk):
        again = []
        desk.board.acquire(V, lambda _answer: again.append(desk.acquire()))
        desk.board.acquire(V, lambda _answer: again.append(desk.acquire()))
        desk.board.fail(V)
        assert again == [START_FAILED, START_FAILED]

    def test_one_that_fails_harms_nobody_else(self, desk, caplog):
        def granted(_answer):
            raise RuntimeError("this request is broken")

        desk.slot()
        first = desk.acquire()
        desk.board.acquire(V, granted)
        desk.acquire("b")
        first.release()
        assert isinstance(desk.answers["b"], Lease)
        assert desk.target.in_flight == 1
        (record,) = caplog.records
        assert (record.levelno, record.version) == (logging.ERROR, "shop-001")

    def test_one_that_fails_at_a_refusal_is_reported_too(self, desk, caplog):
        def granted(_answer):
            raise RuntimeError("this request is broken")

        desk.board.acquire(V, granted)
        desk.acquire("b")
        desk.board.remove_target(V)
        assert desk.answers == {"b": GONE}
        assert len(caplog.records) == 1


def test_the_board_routes_hosts(desk):
    route = Route(key="shop-id", service="shop", schedule=("a", "b"))
    desk.board.put_routes("shop-id", {"shop.localhost": route})
    assert desk.board.route("shop.localhost") is route
    assert [desk.board.choose(route) for _turn in range(3)] == ["a", "b", "a"]


def test_a_board_with_no_hooks_is_silent():
    board = Board(FakeClock().monotonic)
    board.target(V, service="shop", version="shop-001")
    board.acquire(V, lambda _answer: None)
    slot = Slot("r1", "10.0.0.1", 80)
    board.add_slot(V, slot)
    board.suspect(V, "r1")
    board.drain(V, "r1")
    assert slot.draining


def test_representations_say_what_one_looks_for(desk):
    slot = desk.slot()
    assert repr(slot) == "<Slot r1 10.0.0.1:80 accepting 0 in flight>"
    desk.acquire()
    desk.acquire()
    assert repr(desk.target) == "<Target shop-001 1 slots, 1 in flight, 1 queued>"
    desk.board.eject(V, "r1")
    assert "ejected 1 in flight" in repr(slot)
    desk.board.drain(V, "r1")
    assert "draining" in repr(slot)
