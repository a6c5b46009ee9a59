import pytest

from paas.control.meter import PACE
from paas.core.model import VersionStatus
from paas.core.planning import Phase
from paas.ports import Usage
from tests import builders
from tests.unit.control.scaling_scene import ALL, Scene, V, started
from tests.waiting import until

MIB = 1024**2


@pytest.fixture
async def scene():
    scene = Scene()
    spec = builders.spec(cpu=0.5, memory=100 * MIB)
    await scene.show(builders.version(1, spec=spec), split=ALL)
    yield scene
    await scene.tasks.close()
    await scene.engine.close()


def observe(scene):
    (version,) = scene.catalog.get("shop").versions
    return scene.meter.observe(version, scene.clock.monotonic())


async def measure(scene, replica, *, cpu, memory=0):
    """The replica has used so many seconds of CPU, and so much memory now."""
    scene.engine.containers[replica.id].script.usage = Usage(cpu=cpu, memory=memory)
    await scene.meter.sample()


class TestUse:
    async def test_cpu_is_percent_of_its_limit_between_two_samples(self, scene):
        replica = await started(scene)
        observe(scene)
        await measure(scene, replica, cpu=5.0)
        assert observe(scene).stable.cpu is None
        scene.clock.advance(2)
        await measure(scene, replica, cpu=5.4)
        assert observe(scene).stable.cpu == pytest.approx(40)

    async def test_memory_is_percent_of_its_limit(self, scene):
        replica = await started(scene)
        observe(scene)
        await measure(scene, replica, cpu=0, memory=25 * MIB)
        assert observe(scene).panic.memory == pytest.approx(25)

    async def test_a_counter_that_shrank_is_no_data(self, scene):
        replica = await started(scene)
        observe(scene)
        await measure(scene, replica, cpu=5.0)
        scene.clock.advance(2)
        await measure(scene, replica, cpu=1.0)
        assert observe(scene).stable.cpu is None

    async def test_two_samples_at_one_moment_are_no_data(self, scene):
        replica = await started(scene)
        observe(scene)
        await measure(scene, replica, cpu=5.0)
        await measure(scene, replica, cpu=6.0)
        assert observe(scene).stable.cpu is None

    async def test_one_that_starts_does_not_count_but_its_last_sample_does(self, scene):
        replica = await started(scene, Phase.STARTING)
        observe(scene)
        await measure(scene, replica, cpu=1.0, memory=90 * MIB)
        assert observe(scene).stable.memory is None
        assert scene.meter.most_memory(V) == 90 * MIB
        scene.roster.ready(replica, 80, cold=True)
        scene.clock.advance(2)
        await measure(scene, replica, cpu=1.5, memory=10 * MIB)
        assert observe(scene).stable.cpu == pytest.approx(50)
        assert scene.meter.most_memory(V) == 90 * MIB

    async def test_one_that_cannot_be_measured_is_no_data(self, scene):
        replica = await started(scene)
        observe(scene)
        scene.engine.down = True
        await measure(scene, replica, cpu=1.0)
        found = observe(scene)
        assert (found.stable.cpu, found.stable.memory) == (None, None)
        assert scene.meter.most_memory(V) == 0

    async def test_a_sample_is_not_compared_with_one_before_a_gap(self, scene):
        replica = await started(scene)
        observe(scene)
        await measure(scene, replica, cpu=1.0)
        scene.engine.down = True
        await scene.meter.sample()
        scene.engine.down = False
        scene.clock.advance(100)
        await measure(scene, replica, cpu=50.0)
        assert observe(scene).stable.cpu is None

    async def test_what_sleeps_is_measured_once_for_its_memory(self, scene):
        replica = await started(scene, Phase.FROZEN)
        observe(scene)
        await measure(scene, replica, cpu=0, memory=30 * MIB)
        await measure(scene, replica, cpu=0, memory=60 * MIB)
        assert scene.meter.most_memory(V) == 30 * MIB
        assert observe(scene).stable.memory is None

    async def test_nobody_is_asked_when_nothing_runs(self, scene):
        scene.engine.usages = None
        await scene.meter.sample()

    async def test_versions_that_nobody_observes_or_knows_are_passed_over(self, scene):
        replica = await started(scene)
        await measure(scene, replica, cpu=1.0, memory=MIB)
        assert scene.meter.most_memory(V) == 0
        observe(scene)
        scene.catalog._homes.clear()
        await measure(scene, replica, cpu=1.0, memory=MIB)
        assert scene.meter.most_memory(V) == 0

    async def test_it_goes_on_for_ever(self, scene):
        replica = await started(scene)
        observe(scene)
        scene.tasks.spawn("meter", scene.meter.run())
        await until(lambda: scene.clock.sleeping)
        usage = Usage(cpu=0.1 + 0.5 * PACE, memory=0)
        scene.engine.containers[replica.id].script.usage = usage
        scene.clock.advance(PACE)
        await until(lambda: scene.clock.sleeping)
        assert observe(scene).stable.cpu == pytest.approx(100)


class TestRequests:
    async def test_they_are_counted_from_the_first_look_on(self, scene):
        await started(scene)
        observe(scene)
        leases = [scene.request() for _ in range(30)]
        scene.clock.advance(3)
        for lease in leases:
            lease.release()
        found = observe(scene)
        assert found.panic.rps == pytest.approx(5)
        assert found.stable.concurrency == pytest.approx(30 * 3 / 60)

    async def test_those_before_a_pause_in_watching_are_not_counted_again(self, scene):
        await started(scene)
        for _ in range(60):
            scene.request().release()
        assert observe(scene).stable.rps == pytest.approx(1)
        scene.meter.leave([V], scene.clock.monotonic())
        scene.clock.advance(600)
        scene.request().release()
        assert observe(scene).stable.rps == pytest.approx(1 / 60)

    async def test_a_version_that_is_no_more_leaves_nothing(self, scene):
        observe(scene)
        scene.board.remove_target(V)
        scene.meter.leave([V, "never seen"], scene.clock.monotonic())
        assert scene.meter._gauges == {}

    async def test_leaving_what_was_never_watched_is_nothing(self, scene):
        scene.meter.leave([V], scene.clock.monotonic())
        assert observe(scene).stable.rps == 0


class TestActivity:
    async def test_what_is_there_and_since_when(self, scene):
        await started(scene)
        begun = scene.clock.monotonic()
        scene.board.targets[V].concurrency = 1
        scene.request()
        scene.request()
        scene.clock.advance(5)
        found = observe(scene)
        assert (found.ready, found.waited) == (1, 5)
        activity = found.activity
        assert (activity.in_flight, activity.queued, activity.streams) == (1, 1, 0)
        assert (activity.started, activity.deploying, activity.starting) == (begun, False, False)

    async def test_nobody_waits_for_long_while_nothing_was_ready(self, scene):
        scene.request()
        scene.clock.advance(5)
        assert observe(scene).waited == 0
        scene.board.targets[V].concurrency = 1
        scene.request()
        await started(scene)
        scene.clock.advance(2)
        assert observe(scene).waited == 2

    @pytest.mark.parametrize("how", ["launch", "replica"])
    async def test_a_start_is_seen_from_its_launch_on(self, scene, how):
        if how == "launch":
            scene.roster.launch_begun(V)
        else:
            await started(scene, Phase.STARTING)
        assert observe(scene).activity.starting

    async def test_a_version_the_board_does_not_know_was_active_now(self, scene):
        scene.board.remove_target(V)
        scene.clock.advance(100)
        activity = observe(scene).activity
        assert activity.last_active == scene.clock.monotonic()
        assert (activity.in_flight, activity.queued) == (0, 0)
        assert scene.meter.idle_since(V) == 0

    async def test_use_without_a_request_counts_too(self, scene):
        scene.clock.advance(100)
        scene.meter.touch(V)
        assert observe(scene).activity.last_active == scene.clock.monotonic()
        assert scene.meter.idle_since(V) == scene.clock.monotonic()

    async def test_a_deployment_is(self, scene):
        await scene.show(builders.version(1, status=VersionStatus.STARTING))
        assert observe(scene).activity.deploying
