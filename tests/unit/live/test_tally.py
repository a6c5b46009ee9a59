"""Counts and time integrals against a slow reference that remembers every request."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.windows import Windows
from paas.live.board import Board, Lease, Slot, Ticket
from tests.fakes.clock import FakeClock

V = "shop-id-1"
DEEDS = ["come", "come", "come", "retry", "end", "leave", "slot", "drain", "fail", "refuse", "look"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(DEEDS), st.integers(0, 7), st.sampled_from([0, 0, 1e-9, 0.1, 1 / 3, 7.7])
    ),
    max_size=80,
)


@dataclass
class Stay:
    """One request: when it came, and when it was gone."""

    came: float
    gone: float | None = None


class Ledger:
    """Drives a board, and writes down each request's stay."""

    def __init__(self, monotonic):
        self.clock = FakeClock(monotonic=monotonic)
        self.board = Board(self.clock.monotonic)
        self.target = self.board.target(V, service="shop", version="shop-001")
        self.target.concurrency = 1
        self.arrivals = 0
        self.stays = []
        self.waiting = []
        self.leases = []

    def come(self, *, avoid=None):
        self.arrivals += avoid is None
        stay = Stay(self.clock.monotonic())
        answer = self.board.acquire(V, lambda found: self.answered(stay, found), avoid=avoid)
        if isinstance(answer, Ticket):
            self.stays.append(stay)
            self.waiting.append((stay, answer))
        elif isinstance(answer, Lease):
            self.stays.append(stay)
            self.leases.append((stay, answer))

    def answered(self, stay, found):
        self.waiting = [one for one in self.waiting if one[0] is not stay]
        if isinstance(found, Lease):
            self.leases.append((stay, found))
        else:
            stay.gone = self.clock.monotonic()

    def do(self, deed, which):
        if deed == "come":
            self.come()
        if deed == "retry":
            self.come(avoid="r1")
        if deed == "end" and self.leases:
            stay, lease = self.leases.pop(which % len(self.leases))
            stay.gone = self.clock.monotonic()
            lease.release()
            lease.release()
        if deed == "leave" and self.waiting:
            stay, ticket = self.waiting.pop(which % len(self.waiting))
            stay.gone = self.clock.monotonic()
            ticket.cancel()
        if deed == "slot":
            self.board.add_slot(V, Slot(f"r{which}", "10.0.0.1", 80))
        if deed == "drain":
            self.board.drain(V, f"r{which}")
        if deed == "fail":
            self.board.fail(V)
        if deed == "refuse":
            self.board.refuse(V)

    def busy(self):
        now = self.clock.monotonic()
        return sum((now if one.gone is None else one.gone) - one.came for one in self.stays)


@given(steps=STEPS, monotonic=st.sampled_from([0.0, 1000.1, 3e6 + 0.3]))
def test_every_request_counts_once_and_for_as_long_as_it_stays(steps, monotonic):
    ledger = Ledger(monotonic)
    windows = Windows(monotonic)
    for deed, which, pause in steps:
        ledger.clock.advance(pause)
        ledger.do(deed, which)
        tally = ledger.target.tally(ledger.clock.monotonic())
        assert tally.arrivals == ledger.arrivals
        assert tally.busy == pytest.approx(ledger.busy(), abs=1e-5)
        assert tally.busy >= 0
        windows.count(tally, ledger.clock.monotonic())
    assert windows.averages(60, ledger.clock.monotonic()).rps * 60 <= ledger.arrivals + 1e-6
