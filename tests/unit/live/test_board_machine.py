"""The board under any order of calls, those of its own callbacks included."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from paas.live.board import Board, Lease, Refusal, RefusalCode, Slot, Target, Ticket
from tests.fakes.clock import FakeClock

V = "shop-id-1"
WHICH = st.integers(0, 11)
REFLEXES = st.sampled_from(["keep", "keep", "release", "again", "suspect", "cancel", "raise"])


@dataclass(eq=False)
class Request:
    """One `acquire`, numbered in their order; `reflex` is what it does when granted."""

    number: int
    reflex: str
    target: Target
    ticket: Ticket | None = None
    held: int = 0
    cancelled: bool = False
    answers: list[Lease | Refusal] = field(default_factory=list)

    @property
    def waiting(self) -> bool:
        return self.ticket is not None and not self.answers and not self.cancelled


class BoardMachine(RuleBasedStateMachine):
    """A model beside the board: all slots and requests there ever were."""

    @initialize(concurrency=st.integers(0, 3))
    def begin(self, concurrency):
        self.clock = FakeClock()
        self.board = Board(self.clock.monotonic)
        self.gone: Counter[str] = Counter()
        self.drained: Counter[str] = Counter()
        self.board.on_gone = self.left
        self.board.on_drained = self.emptied
        self.slots: list[Slot] = []
        self.requests: list[Request] = []
        self.leases: list[Lease] = []
        self.quiet: list[Lease] = []
        self.make_target(concurrency)

    # ---- what the board calls

    def left(self, replica):
        self.gone[replica] += 1

    def emptied(self, replica):
        slot = next(one for one in self.slots if one.id == replica)
        assert slot.draining
        assert slot.in_flight == 0
        self.drained[replica] += 1

    def granted(self, request, answer):
        assert request.waiting
        request.answers.append(answer)
        if isinstance(answer, Refusal):
            self.react_to_refusal(request)
            return
        self.check_lease(answer, request.target)
        assert all(request.number < one.number for one in self.waiting(request.target))
        self.leases.append(answer)
        self.react(request, answer)

    def react(self, request, lease):
        if request.reflex == "release":
            self.release_lease(lease)
        if request.reflex == "suspect":
            self.board.suspect(V, lease.slot.id)
            self.release_lease(lease)
        if request.reflex == "again":
            self.ask("keep", avoid=lease.slot.id)
            self.release_lease(lease)
        if request.reflex == "cancel":
            self.cancel_one(0)
        if request.reflex == "raise":
            self.leases.remove(lease)
            raise RuntimeError("this request is broken")

    def react_to_refusal(self, request):
        if request.reflex == "again":
            self.ask("keep", avoid=None)
        if request.reflex == "cancel":
            self.cancel_one(0)

    # ---- steps

    @rule(reflex=REFLEXES, held=st.integers(0, 3))
    def acquire(self, reflex, held):
        request = self.ask(reflex, avoid=None)
        if request.waiting and request.ticket.hold(held):
            request.held += held

    @rule(reflex=REFLEXES, which=WHICH)
    @precondition(lambda self: self.slots)
    def acquire_elsewhere(self, reflex, which):
        self.ask(reflex, avoid=self.pick_slot(which))

    @rule(which=WHICH)
    def borrow(self, which):
        """Nothing but its slot knows of it."""
        target = self.board.targets.get(V)
        waiting, before = self.all_waiting(), target and self.figures(target)
        avoid = self.pick_slot(which) if self.slots and which % 2 else None
        answer = self.board.borrow(V, avoid=avoid)
        if isinstance(answer, Lease):
            assert not waiting
            self.check_lease(answer, target)
            self.quiet.append(answer)
        if target is not None:
            assert self.figures(target) == before
        assert self.all_waiting() == waiting

    @rule(which=WHICH)
    @precondition(lambda self: self.quiet)
    def give_back(self, which):
        lease = self.quiet.pop(which % len(self.quiet))
        lease.release()
        lease.release()

    @rule(resting=st.booleans())
    def rest(self, resting):
        self.board.rest(V, resting=resting)

    @rule(which=WHICH)
    @precondition(lambda self: self.leases)
    def release(self, which):
        self.release_lease(self.leases[which % len(self.leases)])

    @rule(which=WHICH)
    @precondition(lambda self: self.all_waiting())
    def cancel(self, which):
        self.cancel_one(which)

    @rule(which=WHICH)
    @precondition(lambda self: self.requests)
    def settled_tickets_do_nothing(self, which):
        request = self.requests[which % len(self.requests)]
        if request.ticket is not None and not request.waiting:
            request.ticket.cancel()
            assert request.ticket.hold(1)

    @rule()
    @precondition(lambda self: len(self.present_slots()) < 3)
    def add(self):
        slot = Slot(f"r{len(self.slots)}", "10.0.0.1", 80)
        self.slots.append(slot)
        if V not in self.board.targets:
            self.left(slot.id)
        self.board.add_slot(V, slot)

    @rule(which=WHICH)
    @precondition(lambda self: self.slots)
    def eject(self, which):
        self.board.eject(V, self.pick_slot(which))

    @rule(which=WHICH)
    @precondition(lambda self: self.slots)
    def restore(self, which):
        ejected = [one.id for one in self.present_slots() if not one.accepting]
        self.board.restore(V, [*ejected, self.slots[-1].id][which % (len(ejected) + 1)])

    @rule(which=WHICH)
    @precondition(lambda self: self.slots)
    def suspect(self, which):
        self.board.suspect(V, self.pick_slot(which))

    @rule(which=WHICH)
    @precondition(lambda self: self.slots)
    def drain(self, which):
        self.board.drain(V, self.pick_slot(which))

    @rule(which=WHICH)
    @precondition(lambda self: self.slots)
    def remove(self, which):
        self.board.remove_slot(V, self.pick_slot(which))

    @rule()
    def drain_all_that_is_busy(self):
        """Often enough to meet the calls on slots that wait for their last lease."""
        for slot in [one for one in self.present_slots() if one.in_flight]:
            self.board.drain(V, slot.id)

    @rule()
    def fail(self):
        self.board.fail(V)

    @rule(seconds=st.sampled_from([0.0, 0.5, 4.0, 11.0]))
    def expire(self, seconds):
        self.clock.advance(seconds)
        late = [one for one in self.all_waiting() if one.ticket.deadline <= self.clock.monotonic()]
        self.board.expire()
        assert not any(one.waiting for one in late)
        assert all(
            answer.code is RefusalCode.START_TIMEOUT
            for one in late
            for answer in one.answers
            if isinstance(answer, Refusal)
        )

    @rule(concurrency=st.integers(0, 3), wait_limit=st.sampled_from([0.1, 1.0, 10.0]))
    def configure(self, concurrency, wait_limit):
        target = self.board.targets.get(V)
        if target is not None:
            target.concurrency, target.wait_limit = concurrency, wait_limit
            self.board.expire()

    @rule(concurrency=st.integers(0, 3), really=st.sampled_from([False, False, True]))
    def remove_target(self, concurrency, really):
        if not really:
            return
        target = self.board.targets.get(V)
        self.board.remove_target(V)
        if target is None:
            self.make_target(concurrency)
        else:
            assert not target.waiters

    # ---- invariants

    @invariant()
    def each_lease_is_counted_on_its_slot_and_its_target(self):
        assert Counter(lease.slot.id for lease in self.leases + self.quiet) == Counter(
            {slot.id: slot.in_flight for slot in self.slots if slot.in_flight}
        )
        for target in self.all_targets():
            assert target.in_flight == sum(lease.target is target for lease in self.leases)

    @invariant()
    def the_queue_holds_exactly_those_who_wait(self):
        for target in self.all_targets():
            waiting = self.waiting(target)
            assert [one.ticket for one in waiting] == list(target.waiters)

    @invariant()
    def the_service_holds_what_its_versions_do(self):
        waiting = [one for target in self.all_targets() for one in self.waiting(target)]
        for target in self.all_targets():
            open_now = len(self.leases) + len(self.quiet) + len(waiting)
            assert target.share.open == open_now
            assert target.share.queued_bytes == sum(one.held for one in waiting)
            assert target.share.total.queued_bytes == target.share.queued_bytes

    @invariant()
    def nobody_waits_while_there_is_room(self):
        for target in self.board.targets.values():
            if target.waiters:
                assert not any(has_room(slot, target) for slot in target.slots)

    @invariant()
    def what_drains_takes_nothing_new(self):
        assert not any(slot.draining and slot.accepting for slot in self.slots)

    @invariant()
    def each_slot_leaves_once(self):
        present = {slot.id for target in self.all_targets() for slot in target.slots}
        for slot in self.slots:
            assert self.gone[slot.id] == (slot.id not in present)

    @invariant()
    def each_slot_is_drained_once(self):
        for slot in self.slots:
            assert self.drained[slot.id] == (slot.draining and slot.in_flight == 0)

    @invariant()
    def idleness_never_lies_ahead(self):
        for target in self.all_targets():
            assert target.idle_since <= self.clock.monotonic()

    # ---- the model

    def make_target(self, concurrency):
        target = self.board.target(V, service="shop", version="shop-001")
        target.concurrency = concurrency

    def ask(self, reflex, *, avoid):
        target = self.board.targets.get(V)
        request = Request(len(self.requests), reflex, target)
        self.requests.append(request)
        arrivals = target.arrivals if target else 0
        answer = self.board.acquire(V, lambda got: self.granted(request, got), avoid=avoid)
        if target is None:
            assert answer == Refusal(RefusalCode.GONE)
            return request
        assert target.arrivals == arrivals + (avoid is None)
        if isinstance(answer, Ticket):
            request.ticket = answer
        elif isinstance(answer, Lease):
            assert not self.waiting(target)
            self.check_lease(answer, target)
            self.leases.append(answer)
        return request

    def check_lease(self, lease, target):
        assert lease.target is target
        assert lease.slot in target.slots
        assert lease.slot.accepting
        assert not target.concurrency or lease.slot.in_flight <= target.concurrency
        assert lease.waited >= 0

    def figures(self, target):
        """What says whether it is in use."""
        return target.arrivals, target.in_flight, target.entered, target.idle_since

    def present_slots(self):
        target = self.board.targets.get(V)
        return target.slots if target else []

    def pick_slot(self, which):
        """Mostly one that is there, now and then the newest whatever became of it."""
        return [*self.present_slots(), self.slots[-1]][which % (len(self.present_slots()) + 1)].id

    def release_lease(self, lease):
        self.leases.remove(lease)
        lease.release()
        lease.release()

    def cancel_one(self, which):
        waiting = self.all_waiting()
        if waiting:
            request = waiting[which % len(waiting)]
            request.cancelled = True
            request.ticket.cancel()

    def waiting(self, target):
        return [one for one in self.requests if one.waiting and one.target is target]

    def all_waiting(self):
        return [one for one in self.requests if one.waiting]

    def all_targets(self):
        known = {id(one.target): one.target for one in self.requests if one.target is not None}
        known.update((id(one), one) for one in self.board.targets.values())
        known.update((id(lease.target), lease.target) for lease in self.leases + self.quiet)
        return list(known.values())


def has_room(slot, target):
    return slot.accepting and (not target.concurrency or slot.in_flight < target.concurrency)


TestBoardMachine = BoardMachine.TestCase
TestBoardMachine.settings = settings(
    max_examples=max(300, settings.default.max_examples), stateful_step_count=40
)
