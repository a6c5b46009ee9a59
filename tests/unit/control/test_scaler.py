from dataclasses import replace
from itertools import pairwise

import pytest

from paas.control.scaler import PACE
from paas.core.idle import Keeps, Stage
from paas.core.model import Change, ServiceSettings, VersionStatus
from paas.core.planning import Phase
from paas.core.scaling import Limit, Rule
from paas.core.schedules import Schedule
from paas.core.spec import ReplicaRange, ScalingRules
from paas.errors import Unavailable
from tests import builders
from tests.unit.control.scaling_scene import ALL, Scene, V, W

OFFICE = Schedule(min=3, start="0 8 * * *", end="0 20 * * *")
MORNING, EVENING = 1_700_035_200.0, 1_700_078_400.0
"""8 and 20 o'clock UTC of one day."""


@pytest.fixture
def scene():
    return Scene()


class TestWhoIsLookedAt:
    @pytest.mark.parametrize("status", list(VersionStatus))
    async def test_only_versions_that_may_run(self, scene, status):
        await scene.show(builders.version(1, status=status))
        scene.scaler.ask(V)
        scene.admit()
        runnable = status in (VersionStatus.STARTING, VersionStatus.READY)
        assert (scene.decision() is not None) is runnable

    async def test_nobody_who_sleeps_without_a_minimum(self, scene):
        await scene.show(builders.version(1), split=ALL)
        assert scene.scaler.decisions(0.0) == {}
        assert scene.scaler.last(V) is None

    async def test_one_that_is_being_deployed(self, scene):
        await scene.show(builders.version(1, status=VersionStatus.STARTING))
        found = scene.decision()
        assert (found.count, found.idle.keeps) == (1, Keeps.DEPLOYMENT)

    async def test_with_weight_one_that_has_a_minimum(self, scene):
        await scene.show(builders.version(1, spec=builders.replicas(2)), split=ALL)
        assert scene.count() == 2
        assert scene.after(10 * 3600) == 2

    async def test_a_minimum_counts_from_the_edit_that_brings_it(self, scene):
        await scene.show(builders.version(1), split=ALL)
        assert scene.count() == 0
        await scene.show(builders.version(1, spec=builders.replicas(4)), split=ALL)
        assert scene.count() == 4
        await scene.show(builders.version(1, spec=builders.replicas(0)), split=ALL)
        assert scene.count() == 1

    async def test_without_weight_the_minimum_counts_only_while_it_is_used(self, scene):
        await scene.show(builders.version(1, spec=builders.replicas(2)))
        assert scene.count() == 0
        scene.request()
        assert scene.count() == 2

    async def test_a_version_of_which_something_runs(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.ready()
        assert scene.count() == 1

    async def test_one_that_is_unknown_is_not(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.scaler.ask("deleted")
        assert scene.scaler.decisions(0.0) == {}
        assert scene.scaler._asked == set()

    async def test_one_the_board_does_not_know_yet_is_not_idle(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.board.remove_target(V)
        scene.ready()
        assert scene.after(7200) == 1

    async def test_one_whose_only_replica_ended_until_another_may_start(self, scene):
        """Its row of failures must not be forgotten either."""
        await scene.show(builders.version(1), split=ALL)
        replica = scene.ready()
        assert scene.count() == 1
        scene.roster.forget(replica)
        assert scene.after(PACE) == 1


class TestAsking:
    async def test_who_asks_is_heard_each_time(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.request()
        scene.request()
        assert (scene.count(), scene.pokes) == (1, 2)

    async def test_a_request_that_gave_up_leaves_the_start_to_end(self, scene):
        await scene.show(builders.version(1), split=ALL)
        ticket = scene.request()
        assert scene.count() == 1
        scene.clock.advance(9)
        ticket.cancel()
        assert scene.count() == 1

    async def test_asking_without_need_starts_nothing_and_is_forgotten(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.scaler.ask(V)
        assert scene.count() == 0
        assert scene.scaler.decisions(scene.clock.monotonic()) == {}

    async def test_use_begins_the_idle_time_anew(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.ready()
        scene.clock.advance(299)
        scene.scaler.used(V)
        scene.clock.advance(299)
        assert scene.decision().stage is Stage.SERVING
        scene.clock.advance(2)
        assert scene.decision().stage is Stage.FROZEN


class TestPace:
    async def test_a_decision_holds_for_two_seconds(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.ready()
        first = scene.decision()
        scene.clock.advance(PACE - 0.1)
        assert scene.decision() is first is scene.scaler.last(V)
        scene.clock.advance(0.1)
        assert scene.decision() is not first

    async def test_but_not_against_a_request_that_waits(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.ready()
        scene.clock.advance(300)
        assert scene.decision().stage is Stage.FROZEN
        scene.board.remove_slot(V, "r1")
        scene.request()
        assert scene.decision().stage is Stage.SERVING

    async def test_nor_against_an_edit(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.ready()
        assert scene.count() == 1
        await scene.show(builders.version(1, spec=builders.replicas(3)), split=ALL)
        assert scene.count() == 3

    async def test_asking_for_one_does_not_decide_on_others(self, scene):
        await scene.show(builders.version(1), builders.version(2), split=ALL)
        scene.ready("r1")
        scene.ready("r2", of=W)
        other = scene.decision(W)
        scene.clock.advance(1)
        scene.scaler.ask(V)
        assert scene.decision(W) is other


class TestSettings:
    def settings(self, scene, version, **fields):
        service = builders.service(version, **{"split": ALL, **fields})
        return scene.scaler.settings(service, version)

    def test_the_versions_own_and_the_hosts(self):
        scene = Scene(scaling={"utilisation": 0.5}, idle={"freeze_after": 7, "stop_after": 70})
        rules = ScalingRules(rps=10, scale_down_delay=30)
        spec = builders.spec(scaling=rules, concurrency=5, replicas=ReplicaRange(min=1, max=4))
        found = self.settings(scene, builders.version(1, spec=spec))
        assert (found.rules, found.max, found.concurrency) == (rules, 4, 5)
        assert (found.utilisation, found.scale_down_delay) == (0.5, 30)
        idle = found.idle
        assert (idle.freeze_after, idle.stop_after, idle.min, idle.weighted) == (7, 70, 1, True)
        assert found.min_reason == ""

    @pytest.mark.parametrize(
        ("own", "times"),
        [
            (ServiceSettings(freeze_after=0), (0, 3600)),
            (ServiceSettings(stop_after=0), (300, 0)),
            (ServiceSettings(freeze_after=5, stop_after=9), (5, 9)),
        ],
    )
    def test_a_service_may_have_times_of_its_own(self, scene, own, times):
        idle = self.settings(scene, builders.version(1), settings=own).idle
        assert (idle.freeze_after, idle.stop_after) == times

    def test_weight_is_the_splits(self, scene):
        assert not self.settings(scene, builders.version(1), split={}).idle.weighted
        assert not self.settings(scene, builders.version(1), split={"shop-001": 0}).idle.weighted

    def test_a_scheduled_minimum_counts_with_its_reason(self, scene):
        version = builders.version(1, spec=_scheduled(OFFICE))
        scene.clock.advance(MORNING - scene.clock.time())
        found = self.settings(scene, version)
        assert (found.idle.min, bool(found.min_reason)) == (3, True)

    def test_one_above_the_maximum_raises_that(self, scene):
        spec = builders.spec(replicas=ReplicaRange(max=2, schedules=(OFFICE,)))
        scene.clock.advance(MORNING - scene.clock.time())
        assert self.settings(scene, builders.version(1, spec=spec)).max == 3

    def test_one_below_the_versions_own_says_nothing(self, scene):
        spec = builders.spec(replicas=ReplicaRange(min=5, schedules=(OFFICE,)))
        scene.clock.advance(MORNING - scene.clock.time())
        found = self.settings(scene, builders.version(1, spec=spec))
        assert (found.idle.min, found.min_reason) == (5, "")


class TestSchedules:
    async def test_they_begin_and_end_by_themselves(self, scene):
        await scene.show(builders.version(1, spec=_scheduled(OFFICE)), split=ALL)
        scene.clock.advance(MORNING - 1 - scene.clock.time())
        assert scene.count() == 0
        assert scene.after(1 + PACE) == 3
        assert scene.after(EVENING - 1 - scene.clock.time()) == 3
        scene.clock.advance(1 + PACE)
        assert scene.decision().idle.keeps is not Keeps.MIN

    async def test_a_wall_clock_that_is_set_back_is_believed(self, scene):
        await scene.show(builders.version(1, spec=_scheduled(OFFICE)), split=ALL)
        scene.clock.advance(MORNING + 60 - scene.clock.time())
        assert scene.count() == 3
        scene.clock.set_wall(MORNING - 7200)
        scene.clock.advance(PACE)
        assert scene.decision().idle.keeps is not Keeps.MIN

    async def test_without_weight_they_start_nothing(self, scene):
        await scene.show(builders.version(1, spec=_scheduled(OFFICE)))
        scene.clock.advance(MORNING - scene.clock.time())
        assert scene.count() == 0

    async def test_an_edited_one_counts_at_once(self, scene):
        await scene.show(builders.version(1, spec=_scheduled(OFFICE)), split=ALL)
        scene.clock.advance(MORNING - scene.clock.time())
        assert scene.count() == 3
        await scene.show(builders.version(1, spec=_scheduled(replace(OFFICE, min=5))), split=ALL)
        assert scene.count() == 5


class TestAdoption:
    async def test_what_runs_is_kept_for_a_stable_window(self, scene):
        await scene.show(builders.version(1), split=ALL)
        for name in ("r1", "r2", "r3"):
            scene.ready(name, cold=False)
        found = scene.decision()
        assert (found.count, found.in_panic) == (3, True)
        assert scene.after(59) == 3
        assert scene.after(PACE) == 2
        assert scene.after(PACE) == 2  # so many are ready until they are drained
        assert await scene.kinds() == ["version.scaled"]

    async def test_one_that_starts_counts_as_running(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.admit("r1")
        scene.ready("r2", cold=False)
        assert scene.count() == 2

    async def test_one_that_sleeps_sleeps_on(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.admit(phase=Phase.FROZEN)
        assert scene.decision().stage is Stage.FROZEN
        assert await scene.kinds() == []

    async def test_and_stops_when_its_time_has_come(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.admit(phase=Phase.FROZEN)
        scene.board.targets[V].idle_since = scene.clock.monotonic() - 3599
        assert scene.decision().stage is Stage.FROZEN
        scene.clock.advance(PACE)
        assert scene.decision().stage is Stage.ZERO
        assert await scene.kinds() == ["version.stopped"]

    @pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.EXITED])
    async def test_one_that_is_on_its_way_out_is_nothing(self, scene, phase):
        await scene.show(builders.version(1), split=ALL)
        scene.admit(phase=phase)
        assert scene.count() == 0


class TestEvents:
    async def test_each_change_is_told_once_with_its_reason(self, scene):
        await scene.show(builders.version(1), split=ALL)
        scene.request()
        assert scene.count() == 1
        replica = scene.ready()
        scene.answers.pop().release()
        for _ in range(5):
            scene.after(PACE)
        scene.after(300)
        scene.roster.frozen(replica)
        for _ in range(5):
            scene.after(PACE)
        scene.after(3600)
        scene.count()
        told = await scene.events()
        assert [event.kind for event in told] == [
            "version.awake",
            "version.frozen",
            "version.stopped",
        ]
        assert [(event.data["from"], event.data["to"]) for event in told] == [
            (0, 1),
            (1, 1),
            (1, 0),
        ]
        assert all(event.data["reason"] in event.message for event in told)
        assert {(event.service, event.version) for event in told} == {("shop", "shop-001")}

    async def test_more_and_fewer_are_told_as_scaled(self, scene):
        spec = builders.spec(scaling=ScalingRules(rps=1))
        await scene.show(builders.version(1, spec=spec), split=ALL)
        scene.ready()
        assert scene.count() == 1
        for _ in range(120):
            scene.request().release()
        found = scene.after(PACE)
        assert found > 1
        assert scene.scaler.last(V).answer.rule is Rule.RPS
        (event,) = await scene.events()
        assert (event.kind, event.data["from"], event.data["to"]) == ("version.scaled", 1, found)

    async def test_of_a_deployment_the_deployment_tells(self, scene):
        await scene.show(builders.version(1, status=VersionStatus.STARTING))
        assert scene.count() == 1
        assert await scene.kinds() == []

    async def test_a_sleeper_that_was_removed_is_told_as_stopped(self, scene):
        await scene.show(builders.version(1), split=ALL)
        replica = scene.admit(phase=Phase.FROZEN)
        scene.decision()
        scene.roster.forget(replica)
        scene.after(PACE)
        (event,) = await scene.events()
        assert (event.kind, event.data["to"]) == ("version.stopped", 0)
        assert scene.scaler.last(V) is None

    async def test_a_store_that_is_away_costs_the_event_only(self, scene, caplog):
        await scene.show(builders.version(1), split=ALL)
        scene.store.broken = Unavailable("The disk is full.", code="store_unavailable")
        scene.request()
        assert scene.count() == 1
        assert await scene.kinds() == []
        assert "event was not kept" in caplog.messages


class TestForgetting:
    async def test_what_stopped_is_forgotten_once_nothing_of_it_is_left(self, scene):
        await scene.show(builders.version(1), split=ALL)
        replica = scene.admit(phase=Phase.FROZEN)
        scene.board.targets[V].idle_since = scene.clock.monotonic() - 4000
        assert scene.decision().stage is Stage.ZERO
        scene.roster.forget(replica)
        assert scene.decision() is None
        assert scene.scaler._states == {}

    async def test_a_deleted_service_leaves_nothing(self, scene):
        spec = builders.spec(replicas=ReplicaRange(min=1, schedules=(OFFICE,)))
        await scene.show(builders.version(1, spec=spec), split=ALL)
        scene.request()
        assert scene.count() == 1
        await _delete(scene)
        assert scene.scaler.decisions(scene.clock.monotonic()) == {}
        kept = (scene.scaler._states, scene.scaler._pinned, scene.scaler._scheduled)
        assert [len(one) for one in kept] == [0, 0, 0]
        assert (scene.scaler._asked, scene.scaler._due) == (set(), set())
        assert await scene.kinds() == ["version.awake"]

    async def test_the_load_before_it_slept_is_not_counted_again(self, scene):
        spec = builders.spec(scaling=ScalingRules(rps=1))
        await scene.show(builders.version(1, spec=spec), split=ALL)
        replica = scene.ready()
        scene.count()
        for _ in range(1000):
            scene.request().release()
        scene.roster.forget(replica)
        scene.board.targets[V].idle_since -= 4000
        scene.after(7200)
        assert scene.decision() is None
        scene.request()
        assert scene.count() == 1


@pytest.mark.parametrize("period", [1, 4, 20, 50])
async def test_load_that_comes_and_goes_does_not_make_it_flap(scene, period):
    """Never to less than half of what is ready in one decision, and never up and down
    within one period.
    """
    spec = builders.spec(scaling=ScalingRules(rps=10), concurrency=0)
    await scene.show(builders.version(1, spec=spec), split=ALL)
    scene.ready("r0")
    counts = []
    for second in range(600):
        for _ in range(80 if second // period % 2 == 0 else 0):
            scene.request().release()
        before = len(scene.roster.of(V))
        counts.append(scene.after(1))
        assert counts[-1] >= before / 2
        for number in range(before, counts[-1]):
            scene.ready(f"r{second}-{number}")
        for replica in scene.roster.of(V)[counts[-1] :]:
            scene.roster.forget(replica)
    steps = [b - a for a, b in pairwise(counts[120:]) if a != b]
    turns = sum((a > 0) != (b > 0) for a, b in pairwise(steps))
    assert turns <= 480 / period
    assert period >= 20 or not steps


async def test_a_minimum_wins_over_the_idle_time(scene):
    await scene.show(builders.version(1, spec=builders.replicas(1)), split=ALL)
    scene.ready()
    scene.clock.advance(10_000)
    assert Limit.IDLE not in scene.decision().limited_by


def _scheduled(*schedules):
    return builders.spec(replicas=ReplicaRange(schedules=schedules))


async def _delete(scene):
    await scene.catalog.change("shop", lambda before: Change(before=before, after=None))
    for version_id in (V, W):
        scene.roster.withdraw(version_id)
