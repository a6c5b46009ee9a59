import asyncio

import pytest

from paas.aio.limiter import Urgency
from paas.control.roster import REMEMBERED, Roster
from paas.core.planning import Phase, Seen
from paas.core.spec import Timeouts
from paas.live.board import Board, Lease, Refusal, RefusalCode, Ticket
from paas.ports import ContainerState, ReplicaFact
from tests import builders
from tests.fakes.clock import FakeClock
from tests.waiting import until

V = "shop-id-1"
SHOP = builders.service(builders.version(1))


class Scene:
    """A roster and its board, with one version known to both."""

    def __init__(self):
        self.clock = FakeClock()
        self.board = Board(self.clock.monotonic)
        self.roster = Roster(board=self.board, clock=self.clock)
        self.roster.publish(SHOP, SHOP.versions[0])
        self.target = self.board.targets[V]
        self.answers = []

    def admit(self, name="r1", phase=Phase.STARTING):
        fact = ReplicaFact(
            id=name,
            service="shop",
            version="shop-001",
            version_id=V,
            state=ContainerState.RUNNING,
            host="10.0.0.1",
            started=builders.NOW,
        )
        return self.roster.admit(fact, phase)

    def ready(self, name="r1"):
        replica = self.admit(name)
        self.roster.ready(replica, 8080, cold=True)
        return replica

    def request(self):
        return self.board.acquire(V, self.answers.append)


@pytest.fixture
def scene():
    return Scene()


class TestLimits:
    @pytest.mark.parametrize(
        ("start_seconds", "start_timeout", "wait"),
        [(None, 60, 10), (1, 60, 10), (4, 60, 14), (100, 60, 60), (1, 5, 5)],
    )
    def test_a_request_waits_as_long_as_a_start_usually_takes(
        self, scene, start_seconds, start_timeout, wait
    ):
        spec = builders.spec(timeouts=Timeouts(start=start_timeout))
        scene.roster.publish(SHOP, builders.version(1, spec=spec, start_seconds=start_seconds))
        assert scene.target.wait_limit == wait

    def test_the_limits_of_an_edited_version_are_taken_over(self, scene):
        spec = builders.spec(concurrency=7, timeouts=Timeouts(idle=5))
        scene.roster.publish(SHOP, builders.version(1, spec=spec))
        assert scene.board.targets[V] is scene.target
        assert (scene.target.concurrency, scene.target.idle_timeout) == (7, 5)
        assert (scene.target.service, scene.target.version) == ("shop", "shop-001")


class TestRecords:
    def test_replicas_are_found_by_id_and_by_version_oldest_first(self, scene):
        first, second = scene.admit("r1"), scene.admit("r2")
        assert scene.roster.get("r1") is first
        assert scene.roster.get("r3") is None
        assert scene.roster.of(V) == [first, second]
        assert scene.roster.of("other") == []
        assert scene.roster.ids() == {"r1", "r2"}

    def test_what_the_engine_said_is_recorded(self, scene):
        replica = scene.admit()
        assert (replica.service, replica.version, replica.version_id) == ("shop", "shop-001", V)
        assert (replica.host, replica.started) == ("10.0.0.1", builders.NOW)
        assert replica.since == scene.clock.monotonic()

    def test_a_launch_under_way_counts_as_a_replica_that_starts(self, scene):
        scene.roster.launch_begun(V)
        scene.roster.launch_begun(V)
        assert scene.roster.launching() == {V}
        launch = Seen(replica="", version_id=V, phase=Phase.STARTING)
        assert scene.roster.seen() == [launch, launch]
        scene.roster.launch_ended(V)
        assert scene.roster.seen() == [launch]

    def test_the_planner_sees_phase_age_and_requests(self, scene):
        scene.ready()
        scene.request()
        begun = scene.clock.monotonic()
        scene.clock.advance(5)
        assert scene.roster.seen() == [
            Seen(replica="r1", version_id=V, phase=Phase.READY, in_flight=1, since=begun)
        ]

    def test_a_forgotten_replica_is_nowhere(self, scene):
        replica, other = scene.ready("r1"), scene.ready("r2")
        scene.roster.forget(replica)
        scene.roster.forget(replica)
        assert scene.roster.of(V) == [other]
        assert [slot.id for slot in scene.target.slots] == ["r2"]
        scene.roster.forget(other)
        assert (scene.roster.of(V), scene.roster.ids(), scene.roster.seen()) == ([], set(), [])

    def test_a_removed_replica_is_remembered_for_a_while(self, scene):
        scene.roster.removed(scene.ready("r1"))
        assert scene.roster.ids() == set()
        assert scene.roster.was_removed("r1")
        scene.clock.advance(REMEMBERED - 1)
        scene.roster.removed(scene.ready("r2"))
        assert scene.roster.was_removed("r1")
        scene.clock.advance(1)
        scene.roster.removed(scene.ready("r3"))
        assert [scene.roster.was_removed(name) for name in ("r1", "r2", "r3")] == [
            False,
            True,
            True,
        ]


class TestSlots:
    def test_a_replica_is_routed_to_once_it_is_ready(self, scene):
        replica = scene.admit()
        scene.request()
        assert not scene.roster.has_ready(V)
        scene.roster.ready(replica, 8080, cold=True)
        assert scene.roster.has_ready(V)
        (lease,) = scene.answers
        assert (lease.slot.id, lease.slot.host, lease.slot.port) == ("r1", "10.0.0.1", 8080)
        assert scene.roster.in_flight(replica) == 1

    @pytest.mark.parametrize(
        ("act", "phase"),
        [("starting", Phase.STARTING), ("frozen", Phase.FROZEN), ("lost", Phase.EXITED)],
    )
    def test_it_is_not_while_it_is_anything_else(self, scene, act, phase):
        replica = scene.ready()
        getattr(scene.roster, act)(replica)
        assert replica.phase is phase
        assert scene.target.slots == []
        assert scene.roster.in_flight(replica) == 0

    def test_a_replica_that_comes_back_has_a_slot_of_its_new_address(self, scene):
        replica = scene.ready()
        scene.roster.starting(replica)
        replica.host = "10.0.0.9"
        scene.roster.ready(replica, 8080, cold=True)
        assert [slot.host for slot in scene.target.slots] == ["10.0.0.9"]

    def test_a_suspect_that_passed_its_probe_is_restored(self, scene):
        replica = scene.ready()
        scene.board.suspect(V, "r1")
        scene.request()
        scene.roster.restored(replica)
        assert isinstance(scene.answers[0], Lease)

    def test_a_lost_replica_says_for_how_long_it_was_ready(self, scene):
        replica = scene.ready()
        scene.clock.advance(7)
        assert scene.roster.lost(replica) == 7
        assert scene.roster.lost(replica) == 0

    def test_one_that_never_became_ready_did_not_live(self, scene):
        replica = scene.admit()
        scene.clock.advance(7)
        assert scene.roster.lost(replica) == 0

    def test_a_version_that_cannot_start_answers_who_waits(self, scene):
        scene.request()
        scene.roster.fail_waiters(V)
        assert scene.answers == [Refusal(RefusalCode.START_FAILED, 5)]

    def test_a_withdrawn_version_is_gone_even_if_a_replica_of_it_becomes_ready(self, scene):
        replica = scene.admit()
        scene.roster.withdraw(V)
        scene.roster.ready(replica, 8080, cold=True)
        assert scene.request() == Refusal(RefusalCode.GONE)
        scene.roster.lost(replica)


class TestStarts:
    def test_nobody_waits_for_the_start_of_what_is_idle(self, scene):
        assert scene.roster.urgency(V) is Urgency.PREWARM
        assert scene.roster.urgency("unknown") is Urgency.PREWARM

    def test_the_first_start_that_requests_wait_for_is_the_most_urgent(self, scene):
        scene.request()
        assert scene.roster.urgency(V) is Urgency.WAITING
        scene.roster.launch_begun(V)
        assert scene.roster.urgency(V) is Urgency.SCALE_UP

    @pytest.mark.parametrize("phase", [Phase.STARTING, Phase.WAKING, Phase.READY])
    def test_a_further_one_is_less_urgent(self, scene, phase):
        scene.request()
        scene.admit(phase=phase)
        assert scene.roster.urgency(V) is Urgency.SCALE_UP

    def test_requests_in_flight_ask_for_more(self, scene):
        scene.ready()
        scene.request()
        assert scene.roster.urgency(V) is Urgency.SCALE_UP

    @pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.EXITED])
    def test_what_is_on_its_way_out_serves_nobody(self, scene, phase):
        scene.request()
        scene.admit(phase=phase)
        assert not scene.roster.coming(V)
        assert scene.roster.urgency(V) is Urgency.WAITING

    def test_a_request_waits_as_long_as_the_last_starts_took(self, scene):
        assert scene.target.wait_limit == 10
        scene.roster.took(SHOP.versions[0], 6.0)
        assert scene.target.wait_limit == 21
        scene.roster.publish(SHOP, SHOP.versions[0])
        assert scene.target.wait_limit == 21

    def test_the_start_of_a_version_that_is_no_more_is_noted_nowhere(self, scene):
        scene.roster.withdraw(V)
        scene.roster.took(SHOP.versions[0], 6.0)
        assert V not in scene.board.targets

    def test_only_a_start_or_a_wake_tells_when_it_became_ready(self, scene):
        replica = scene.admit()
        scene.roster.ready(replica, 8080, cold=False)
        assert scene.roster.started_at(V) is None
        scene.ready("r2")
        assert scene.roster.started_at(V) == scene.clock.monotonic()


class TestRefusals:
    def test_without_memory_waiters_are_answered(self, scene):
        scene.request()
        scene.roster.refuse_waiters(V)
        assert scene.answers == [Refusal(RefusalCode.NO_MEMORY, 5)]

    @pytest.mark.parametrize("phase", [Phase.STARTING, Phase.FROZEN, Phase.WAKING, None])
    def test_unless_a_replica_will_serve_them(self, scene, phase):
        scene.request()
        if phase is None:
            scene.roster.launch_begun(V)
        else:
            scene.admit(phase=phase)
        scene.roster.refuse_waiters(V)
        assert scene.answers == []

    def test_a_forgiven_version_is_waited_for(self, scene):
        scene.roster.fail_waiters(V)
        scene.roster.forgive(V)
        assert isinstance(scene.request(), Ticket)


class TestDraining:
    def test_nothing_new_is_routed_to_it_from_the_first_moment_on(self, scene):
        replica = scene.ready()
        lease = scene.request()
        scene.roster.draining(replica)
        assert replica.phase is Phase.DRAINING
        assert isinstance(scene.request(), Ticket)
        assert scene.roster.in_flight(replica) == 1
        lease.release()
        assert scene.target.slots == []

    async def test_an_idle_replica_is_drained_at_once(self, scene):
        replica = scene.ready()
        assert await scene.roster.drain(replica, 30.0)
        assert replica.phase is Phase.DRAINING
        assert scene.target.slots == []

    async def test_one_without_a_slot_too(self, scene):
        assert await scene.roster.drain(scene.admit(), 30.0)

    async def test_it_is_leaving_once_it_has_no_requests(self, scene):
        replica = scene.ready()
        scene.request()
        assert not scene.roster.leaving(replica)
        await scene.roster.drain(replica, 0.0)
        assert not scene.roster.leaving(replica)
        scene.roster.lost(replica)
        replica.enter(Phase.DRAINING, 0.0)
        assert scene.roster.leaving(replica)

    async def test_a_busy_one_when_its_last_request_ended(self, scene):
        replica = scene.ready()
        one, two = scene.request(), scene.request()
        draining = asyncio.ensure_future(scene.roster.drain(replica, 30.0))
        await until(lambda: replica.phase is Phase.DRAINING)
        scene.request()
        assert scene.answers == []
        one.release()
        await asyncio.sleep(0)
        assert not draining.done()
        two.release()
        assert await draining

    async def test_not_for_ever(self, scene):
        replica = scene.ready()
        scene.request()
        assert not await scene.roster.drain(replica, 0.01)

    async def test_a_request_that_ends_after_that_harms_nothing(self, scene):
        replica = scene.ready()
        lease = scene.request()
        await scene.roster.drain(replica, 0.0)
        scene.roster.lost(replica)
        lease.release()
        assert scene.target.in_flight == 0

    async def test_the_replica_of_a_deleted_version_finishes_its_requests(self, scene):
        replica = scene.ready()
        lease = scene.request()
        scene.roster.withdraw(V)
        draining = asyncio.ensure_future(scene.roster.drain(replica, 30.0))
        await until(lambda: replica.phase is Phase.DRAINING)
        assert not draining.done()
        lease.release()
        assert await draining

    async def test_and_an_idle_one_of_it_is_drained_already(self, scene):
        replica = scene.ready()
        scene.roster.withdraw(V)
        assert await scene.roster.drain(replica, 30.0)
