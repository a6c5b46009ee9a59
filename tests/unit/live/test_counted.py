"""Requests are counted once, where they end."""

from paas.core.latency import bucket
from paas.live.board import Board, Lease, Slot
from paas.live.counted import PACKED, Counted, TurnedAway
from paas.live.requests import OpenRequest, RequestKind


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def board() -> tuple[Board, Clock]:
    clock = Clock()
    made = Board(clock)
    made.target("v1", service="shop", version="shop-001")
    made.add_slot("v1", Slot("r1", "127.0.0.1", 80))
    return made, clock


def leased(made: Board) -> Lease:
    lease = made.acquire("v1", lambda _answer: None)
    assert isinstance(lease, Lease)
    return lease


def test_an_ended_request_is_counted_by_class_and_duration() -> None:
    made, clock = board()
    counted = made.targets["v1"].counted
    for status, seconds in ((200, 0.25), (204, 0.25), (503, 2.0), (0, 9.0)):
        lease = leased(made)
        lease.status = status
        clock.now += seconds
        lease.release()
    assert len(counted.done) == 4
    made.expire()
    assert counted.done == []
    assert counted.classes[:6] == [1, 0, 2, 0, 0, 1]
    assert counted.latency[bucket(0.25)] == 2
    assert sum(counted.latency) == 3
    assert round(counted.seconds, 6) == 2.5


def test_what_is_no_answer_of_a_replica_is_counted_elsewhere() -> None:
    made, _clock = board()
    leased(made).release()
    quiet = made.borrow("v1")
    assert isinstance(quiet, Lease)
    quiet.status = 200
    quiet.release()
    counted = made.targets["v1"].counted
    counted.settle()
    assert sum(counted.classes) == 0


def test_a_tunnel_counts_when_it_begins() -> None:
    made, _clock = board()
    lease = leased(made)
    open_request = OpenRequest(
        version_id="v1",
        kind=RequestKind.WEBSOCKET,
        client=b"",
        since=0.0,
        method=b"GET",
        path=b"/",
    )
    lease.begin_stream(open_request)
    counted = made.targets["v1"].counted
    assert counted.classes[1] == 1
    lease.end_stream()
    lease.release()
    counted.settle()
    assert sum(counted.classes) == 1
    assert sum(counted.latency) == 0


def test_the_wait_is_part_of_the_duration() -> None:
    clock = Clock()
    made = Board(clock)
    made.target("v1", service="shop", version="shop-001")
    granted: list[object] = []
    made.acquire("v1", granted.append)
    clock.now += 3.0
    made.add_slot("v1", Slot("r1", "127.0.0.1", 80))
    (lease,) = granted
    assert isinstance(lease, Lease)
    lease.status = 200
    clock.now += 1.0
    lease.release()
    counted = made.targets["v1"].counted
    counted.settle()
    assert round(counted.seconds, 6) == 4.0


def test_what_lasts_for_a_day_keeps_its_class() -> None:
    counted = Counted()
    counted.done = [200 * PACKED + 2 * 86400.0]
    counted.settle()
    assert counted.classes[2] == 1


def test_our_own_answers_and_codes() -> None:
    away = TurnedAway()
    away.of("shop").answered(503)
    away.of("shop").error("no_traffic")
    away.of("shop").error("no_traffic")
    assert away.of("shop").classes[5] == 1
    assert away.of("shop").errors == {"no_traffic": 2}
    away.forget("shop")
    away.forget("shop")
    assert away.services == {}
