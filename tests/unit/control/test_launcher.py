"""Turns, boosts and probes; why a start failed is tested over a whole control plane."""

import asyncio

import pytest

from paas.aio.limiter import Urgency
from paas.aio.tasks import Tasks
from paas.control.coldstart import ColdStart
from paas.control.launcher import Launcher
from paas.control.replicas import Replica
from paas.core.planning import Phase
from paas.core.spec import Timeouts
from paas.errors import Failed
from paas.settings import Settings
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine
from tests.fakes.replica import Script
from tests.waiting import until


class Patient:
    """A prober that says yes from the attempt number `after` on."""

    def __init__(self, after=1):
        self.after = after
        self.limits = []
        self.addresses = []

    async def ready(self, address, probe, *, timeout):
        self.addresses.append(address)
        self.limits.append(timeout)
        return len(self.limits) >= self.after


class Pad:
    """A launcher with one turn at a time."""

    def __init__(self, **scaling):
        self.clock = FakeClock()
        self.engine = FakeEngine()
        self.prober = Patient()
        self.tasks = Tasks()
        self.pin = self.engine.add_image("shop:1")
        settings = Settings(data_dir="/nowhere", scaling={"concurrent_starts": 1, **scaling})
        self.launcher = Launcher(
            engine=self.engine,
            prober=self.prober,
            vault=None,
            clock=self.clock,
            scaling=settings.scaling,
        )

    def version(self, number=1, **spec):
        self.engine.script(f"shop-{number:03d}", Script(listen=False, start_delay=0.01))
        return builders.version(number, image=self.pin, port=80, spec=builders.spec(**spec))

    async def launch(self, version, urgency=Urgency.SCALE_UP):
        cold = ColdStart(asked=self.clock.monotonic())
        service = builders.service(version)
        fact = await self.launcher.start(service, version, urgency=urgency, cold=cold)
        return fact, cold

    def later(self, number, urgency):
        return self.tasks.spawn("launch", self.launch(self.version(number), urgency))

    def order(self):
        return [spec.version[-1] for spec in self.engine.starts]


@pytest.fixture
async def pads():
    made = []

    def make(**scaling):
        made.append(Pad(**scaling))
        return made[-1]

    yield make
    for pad in made:
        await pad.tasks.close()
        await pad.engine.close()


class TestTurns:
    async def test_the_most_urgent_goes_first(self, pads):
        pad = pads()
        urgencies = [Urgency.SCALE_UP, Urgency.PREWARM, Urgency.SCALE_UP, Urgency.WAITING]
        await asyncio.gather(*[pad.later(number, one) for number, one in enumerate(urgencies, 1)])
        assert pad.order() == ["1", "4", "3", "2"]

    async def test_one_that_requests_wait_for_meanwhile_is_hurried(self, pads):
        pad = pads()
        launches = [pad.later(number, Urgency.PREWARM) for number in (1, 2, 3)]
        await until(lambda: pad.engine.starts)
        pad.launcher.hurry("shop-id-3")
        await asyncio.gather(*launches)
        assert pad.order() == ["1", "3", "2"]

    async def test_a_second_one_of_the_same_version_is_not(self, pads):
        pad = pads()
        launches = [pad.later(number, Urgency.SCALE_UP) for number in (1, 2, 1)]
        await until(lambda: pad.engine.starts)
        pad.launcher.hurry("shop-id-1")
        await asyncio.gather(*launches)
        assert pad.order() == ["1", "2", "1"]

    async def test_one_that_fails_or_is_cancelled_gives_its_turn_back(self, pads):
        pad = pads()
        version = pad.version()
        pad.engine.script(version.name, Script(start_error=Failed("No.", code="start_failed")))
        with pytest.raises(Failed):
            await pad.launch(version)
        stuck = pad.later(2, Urgency.WAITING)
        await until(lambda: len(pad.engine.starts) == 2)
        stuck.cancel()
        fact, _cold = await pad.launch(pad.version(3))
        assert fact.version == "shop-003"

    async def test_the_phases_are_noted(self, pads):
        pad = pads()
        _fact, cold = await pad.launch(pad.version())
        assert list(cold.phases()) == ["queue", "create", "start"]


class TestBoost:
    @pytest.mark.parametrize(
        ("boost", "cpu", "limits"), [(1.0, 0.5, [1.0, 0.5]), (0, 0.5, [0.5]), (1.0, 1.5, [1.5])]
    )
    async def test_until_it_is_ready_it_may_use_more(self, pads, boost, cpu, limits):
        pad = pads(cpu_boost=boost)
        version = pad.version(cpu=cpu)
        fact, _cold = await pad.launch(version)
        replica = _replica(fact, Phase.READY)
        await pad.launcher.settle(replica, version)
        await pad.launcher.settle(replica, version)
        assert pad.engine.containers[fact.id].limits == limits
        assert replica.cpu == cpu

    async def test_one_that_is_not_ready_any_more_is_left_alone(self, pads):
        pad = pads()
        version = pad.version()
        fact, _cold = await pad.launch(version)
        await pad.launcher.settle(_replica(fact, Phase.DRAINING), version)
        assert pad.engine.containers[fact.id].limits == [1.0]


class TestProbing:
    async def probe(self, pad, alive=lambda: True, host="10.0.0.1", start=10.0):
        version = pad.version(timeouts=Timeouts(start=start))
        return await pad.launcher.until_ready(host, version, alive)

    async def test_the_first_yes_is_enough(self, pads):
        pad = pads()
        assert await self.probe(pad)
        (address,) = pad.prober.addresses
        assert (address.host, address.port) == ("10.0.0.1", 80)

    async def test_each_no_waits_a_little_longer_until_its_time_is_over(self, pads):
        pad = pads()
        pad.prober.after = 10_000
        probing = pad.tasks.spawn("probe", self.probe(pad))
        began = pad.clock.monotonic()
        while not probing.done():
            await until(lambda: pad.clock.sleeping or probing.done())
            pad.clock.advance(0.01)
        assert not await probing
        assert pad.clock.monotonic() - began == pytest.approx(10, abs=0.3)
        assert 40 < len(pad.prober.limits) < 80
        assert max(pad.prober.limits) == 5.0
        assert min(pad.prober.limits) < 1.0

    async def test_without_an_address_nobody_is_asked(self, pads):
        pad = pads()
        lives = iter([True, True, False])
        probing = pad.tasks.spawn("probe", self.probe(pad, lambda: next(lives), host=""))
        while not probing.done():
            await until(lambda: pad.clock.sleeping or probing.done())
            pad.clock.advance(1)
        assert not await probing
        assert pad.prober.addresses == []

    async def test_a_yes_of_one_that_ended_meanwhile_is_none(self, pads):
        lives = iter([True, False])
        assert not await self.probe(pads(), lambda: next(lives))


def _replica(fact, phase):
    return Replica(
        id=fact.id,
        service=fact.service,
        version=fact.version,
        version_id=fact.version_id,
        phase=phase,
        since=0.0,
        cpu=fact.cpu,
    )
