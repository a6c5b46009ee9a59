import pytest

from paas.control.headroom import UNKNOWN, Headroom
from paas.control.meter import Sampled
from paas.core.admission import Verdict
from paas.core.model import VersionStatus
from paas.core.planning import Phase
from paas.ports import HostMemory, Usage
from paas.settings import Settings
from tests import builders
from tests.fakes.host import FakeHost
from tests.unit.control.scaling_scene import ALL, Scene, V, W

MIB = 1024**2
LIMIT = 100 * MIB


class Room(Scene):
    """A host of 1000 MiB of which 64 stay free; versions may use 100 MiB each."""

    def __init__(self, overcommit=4.0):
        super().__init__()
        self.host = FakeHost()
        self.free(1000)
        self.headroom = Headroom(
            host=self.host,
            roster=self.roster,
            catalog=self.catalog,
            meter=self.meter,
            settings=Settings(data_dir="/nowhere", scaling={"overcommit": overcommit}).scaling,
        )

    def free(self, mebibytes):
        self.host.now = HostMemory(total=1000 * MIB, available=mebibytes * MIB, pressure=0.0)

    def asleep(self, name, *, of=V, idle_since=0.0):
        self.board.targets[of].idle_since = idle_since
        return self.admit(name, Phase.FROZEN, of=of)

    def uses(self, version_id, mebibytes):
        """A replica of it was seen to use so much."""
        version = self.catalog.version(version_id)[1]
        self.meter.observe(version, self.clock.monotonic())
        self.meter._gauges[version_id].memory = mebibytes * MIB

    def start(self, version_id=V):
        return self.headroom.for_start(*self.catalog.version(version_id))


async def known(room):
    spec = builders.spec(memory=LIMIT)
    versions = [builders.version(number, spec=spec) for number in (1, 2, 3)]
    await room.show(*versions, split=ALL)
    return room


@pytest.fixture
async def room():
    return await known(Room())


class TestStarting:
    @pytest.mark.parametrize(("free", "allowed"), [(114, True), (113, False)])
    async def test_what_was_never_measured_needs_half_of_its_limit(self, room, free, allowed):
        room.free(free)
        assert UNKNOWN * 100 + 64 == 114
        assert (room.start().verdict is Verdict.ALLOW) is allowed

    async def test_what_was_measured_needs_that(self, room):
        room.uses(V, 10)
        room.free(74)
        assert room.start().verdict is Verdict.ALLOW

    async def test_also_when_another_version_of_the_service_was(self, room):
        room.uses(W, 80)
        room.free(143)
        assert room.start().verdict is Verdict.REFUSE

    async def test_but_never_more_than_its_limit(self, room):
        room.uses(V, 300)
        room.free(164)
        assert room.start().verdict is Verdict.ALLOW

    async def test_those_being_started_count_as_if_they_ran(self, room):
        room.free(164)
        room.roster.launch_begun(W)
        assert room.start().verdict is Verdict.ALLOW
        room.roster.launch_begun(W)
        assert room.start().verdict is Verdict.REFUSE

    async def test_those_that_start_have_yet_to_take_theirs(self, room):
        room.free(164)
        room.admit("adopted", of=W)
        assert room.start().verdict is Verdict.ALLOW
        room.admit("r1", of=W).fresh = True
        assert room.start().verdict is Verdict.ALLOW
        room.admit("r2", of=W).fresh = True
        assert room.start().verdict is Verdict.REFUSE
        room.meter._sampled["r2"] = Sampled(0.0, Usage(cpu=0, memory=50 * MIB))
        assert room.start().verdict is Verdict.ALLOW

    async def test_limits_count_of_all_that_run_or_sleep_or_start(self):
        room = await known(Room(overcommit=0.4))
        room.ready("r1")
        room.asleep("r2", of=W)
        room.admit("r3", Phase.EXITED)
        assert room.start().verdict is Verdict.ALLOW
        room.roster.launch_begun(V)
        assert room.start().verdict is Verdict.ALLOW
        room.roster.launch_begun(V)
        found = room.start()
        assert (found.verdict, found.evict) == (Verdict.EVICT, ("r2",))

    async def test_a_version_that_was_deleted_counts_nothing(self):
        room = await known(Room(overcommit=0.1))
        room.admit("r1", of="shop-id-9")
        room.roster.launch_begun("shop-id-9")
        assert room.start().verdict is Verdict.ALLOW

    async def test_a_host_that_cannot_be_read_refuses_nothing(self, room):
        room.host.now = None
        assert room.start().verdict is Verdict.ALLOW
        assert room.headroom.for_freeze(room.ready()) == ()
        assert room.headroom.for_wake(room.asleep("r2")) == ()


class TestSleepers:
    async def test_those_idle_longest_make_room(self, room):
        for version_id in (V, W, "shop-id-3"):
            room.uses(version_id, 50)
        room.asleep("r1", idle_since=30.0)
        room.asleep("r2", of=W, idle_since=10.0)
        room.asleep("r3", of="shop-id-3", idle_since=20.0)
        room.free(64)
        found = room.start()
        assert (found.verdict, found.evict) == (Verdict.EVICT, ("r2",))
        room.free(14)
        assert room.start().evict == ("r2", "r3")

    async def test_what_is_being_removed_has_made_room_already(self, room):
        room.uses(V, 50)
        room.uses(W, 50)
        leaving = room.asleep("r1")
        room.asleep("r2", of=W)
        leaving.enter(Phase.DRAINING, 0.0)
        room.free(64)
        found = room.start()
        assert (found.verdict, found.evict) == (Verdict.EVICT, ())
        room.free(20)
        assert room.start().evict == ("r2",)
        room.free(114)
        assert room.start().verdict is Verdict.ALLOW

    async def test_what_still_serves_its_last_requests_has_not(self, room):
        room.uses(V, 50)
        draining = room.ready("r1")
        room.request()
        draining.enter(Phase.DRAINING, 0.0)
        room.free(64)
        assert room.start().verdict is Verdict.REFUSE

    async def test_one_that_goes_to_sleep_goes_after_those_idle_longer(self, room):
        for version_id in (V, W):
            room.uses(version_id, 50)
        replica = room.ready("r1")
        room.clock.advance(300)
        room.board.targets[V].idle_since = room.clock.monotonic() - 300
        room.asleep("r2", of=W, idle_since=room.clock.monotonic() - 301)
        room.free(63)
        assert room.headroom.for_freeze(replica) == ("r2",)
        room.free(10)
        assert room.headroom.for_freeze(replica) == ("r2", "r1")
        room.free(64)
        assert room.headroom.for_freeze(replica) == ()

    async def test_one_that_wakes_does_not_make_room_for_itself(self, room):
        for version_id in (V, W):
            room.uses(version_id, 50)
        replica = room.asleep("r1", idle_since=1.0)
        room.asleep("r2", of=W, idle_since=2.0)
        room.free(60)
        assert room.headroom.for_wake(replica) == ("r2",)

    async def test_versions_that_are_no_more_do_not_count(self, room):
        await room.show(builders.version(1, status=VersionStatus.FAILED))
        room.free(64)
        room.admit("r9", Phase.FROZEN, of="shop-id-9")
        assert room.headroom.for_wake(room.asleep("r1")) == ()
