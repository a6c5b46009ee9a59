"""Whatever happens in whatever order: once it settles, what runs is what should run.

A hypothesis state machine over the whole control plane. What it does is drawn, how the
pieces of work interleave is left to the event loop, in real time.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from paas.core.idle import Stage
from paas.core.lifecycle import ENDED
from paas.core.model import Deployment, Traffic, VersionStatus
from paas.core.spec import Probe
from paas.errors import PaasError
from paas.ports import ContainerState
from tests.fakes.replica import FakeReplica, Script
from tests.integration.control.holds import at_least
from tests.integration.control.wire import Answer
from tests.integration.control.world import World
from tests.waiting import until

pytestmark = pytest.mark.timeout(180)

T = TypeVar("T")
SERVICES = st.sampled_from(["shop", "blog"])
PICK = st.integers(0, 7)
HONEST = {200, 404, 502, 503, 504}
IDLE = st.sampled_from([(0, 0), (2, 0), (0, 5), (2, 10), (2, 600), (15, 310)])
"""Seconds until a version is frozen and until it is stopped; 0 is never."""


class Daemon(RuleBasedStateMachine):
    """`asked` are the requests, `wanted` the deployments that were not looked at yet."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.asked: list[asyncio.Future[Answer]] = []
        self.wanted: list[Deployment] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(idle=IDLE)
    def begin(self, idle: tuple[int, int]) -> None:
        freeze_after, stop_after = idle
        times = {"freeze_after": freeze_after, "stop_after": stop_after}
        self.world = World(self.folder, idle=times)
        self.run(self.world.start())
        self.deploy("shop", 1, Traffic.ALL, healthy=True)

    @rule(
        service=SERVICES,
        least=st.integers(0, 3),
        traffic=st.sampled_from(Traffic),
        healthy=st.booleans(),
    )
    def deploy(self, service: str, least: int, traffic: Traffic, *, healthy: bool) -> None:
        known = self.world.control.catalog.find(service)
        name = f"{service}-{(known.last_number if known else 0) + 1:03d}"
        self.world.engine.script(name, Script() if healthy else Script(exit_code=1))
        probe = Probe(http="/" if least else None)
        self.run(self._submit(service, traffic=traffic, replicas=at_least(least), probe=probe))

    @rule(pick=PICK, how=st.sampled_from(["crash", "vanish", "end"]))
    def lose(self, pick: int, how: str) -> None:
        """A program ends, a container is removed by hand, or nobody hears of it."""
        if (replica := self._picked(pick)) is None:
            return
        engine = self.world.engine
        if how == "crash":
            self.run(_now(lambda: engine.crash(replica)))
        elif how == "vanish":
            self.run(_now(lambda: engine.vanish(replica)))
        else:
            self.run(_now(lambda: engine.containers[replica].end(1)))

    @rule(pick=PICK)
    def pause(self, pick: int) -> None:
        replica = self._picked(pick)
        engine = self.world.engine
        if replica is None or engine.down:
            return
        if engine.containers[replica].state is ContainerState.RUNNING:
            self.run(engine.freeze(replica))

    @rule(pick=PICK, least=st.integers(0, 3))
    def edit(self, pick: int, least: int) -> None:
        if names := self._ready_versions():
            self.run(self.world.edit(names[pick % len(names)], replicas=at_least(least)))

    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        if names := self._ready_versions():
            name = names[pick % len(names)]
            services = self.world.control.services
            delete = services.delete_version(name.rpartition("-")[0], name, actor="ann")
            self.run(_allowed(delete))

    @rule(pick=PICK)
    def move_traffic(self, pick: int) -> None:
        if names := self._ready_versions():
            name = names[pick % len(names)]
            services = self.world.control.services
            self.run(services.set_split(name.rpartition("-")[0], {name: 100}, actor="ann"))

    @rule(name=st.sampled_from(["shop", "blog", "shop-001", "shop-002"]))
    def ask(self, name: str) -> None:
        self.run(_now(lambda: self.asked.append(asyncio.ensure_future(self.world.get(name)))))

    @rule(down=st.booleans())
    def engine(self, *, down: bool) -> None:
        def switch() -> None:
            self.world.engine.down = down

        self.run(_now(switch))

    @rule()
    def restart(self) -> None:
        self.run(self._restart())

    @rule(seconds=st.sampled_from([0.0, 1.0, 3.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.run(self._wait(seconds))

    @invariant()
    def no_replica_is_routed_to_twice(self) -> None:
        if not hasattr(self, "world"):
            return
        for target in self.world.board.targets.values():
            ids = [slot.id for slot in target.slots]
            assert len(ids) == len(set(ids))

    @rule()
    def settle(self) -> None:
        self.run(self._settle())

    def teardown(self) -> None:
        try:
            self.run(self._settle())
        finally:
            self.run(self.world.stop())
            self.runner.close()
            shutil.rmtree(self.folder)

    # ---- inside

    async def _submit(self, service: str, **wanted: Any) -> None:
        try:
            self.wanted.append(await self.world.submit(service, **wanted))
        except PaasError as error:
            if error.code != "too_many_versions":
                raise

    async def _restart(self) -> None:
        """At once: what is under way is cut, and its clients see that."""
        await self.world.end()
        await asyncio.gather(*self.asked, return_exceptions=True)
        self.asked.clear()
        await self.world.start()

    async def _wait(self, seconds: float) -> None:
        await self.world.skip(seconds)
        await asyncio.sleep(0.002)

    async def _settle(self) -> None:
        world = self.world
        world.engine.down = False
        for deployment in self.wanted:
            assert (await world.ended(deployment)).status in ENDED
        await world.skip(301)
        try:
            await until(self._is_settled, within=10)
        except TimeoutError:
            raise AssertionError(self._state()) from None
        for answer in self.asked:
            assert (await answer).status in HONEST
        self.wanted.clear()
        self.asked.clear()
        for name in self._ready_versions():
            assert (await world.get(name)).body == name

    def _is_settled(self) -> bool:
        world, roster = self.world, self.world.control.roster
        if self.world.control.keeper._blind or roster.launching():
            return False
        running = {one.id: one.spec.version_id for one in world.engine.containers.values()}
        wants = self._wants()
        counts = {version: list(running.values()).count(version) for version in wants}
        slots = [slot for target in world.board.targets.values() for slot in target.slots]
        replicas = world.engine.containers.values()
        awake = {one.id for one in replicas if one.state is ContainerState.RUNNING}
        return (
            counts == wants
            and set(running.values()) <= wants.keys()
            and running.keys() == roster.ids()
            and {slot.id for slot in slots} == awake
            and all(slot.accepting for slot in slots)
            and all(self._shall_sleep(one) is (one.id not in awake) for one in replicas)
        )

    def _shall_sleep(self, replica: FakeReplica) -> bool:
        last = self.world.control.scaler.last(replica.spec.version_id)
        return last is not None and last.stage is Stage.FROZEN

    def _wants(self) -> dict[str, int]:
        last = self.world.control.scaler.last
        decided = {version: last(version) for version in self.world.board.targets}
        return {version: one.count if one else 0 for version, one in decided.items()}

    def _state(self) -> str:
        world = self.world
        return "\n".join(
            [
                f"wants {self._wants()}",
                f"seen {world.control.roster.seen()}",
                f"board {[(one, one.slots) for one in world.board.targets.values()]}",
                f"engine {[one.fact for one in world.engine.containers.values()]}",
                f"health {world.control.lives.health._rows}",
            ]
        )

    def _picked(self, pick: int) -> str | None:
        live = [one.id for one in self.world.engine.containers.values() if one.fact.host]
        return live[pick % len(live)] if live else None

    def _ready_versions(self) -> list[str]:
        return [
            version.name
            for service in self.world.control.catalog.services()
            for version in service.versions
            if version.status is VersionStatus.READY
        ]


async def _now(act: Any) -> None:
    """Do that on the loop, and let it be heard of."""
    act()
    await asyncio.sleep(0)


async def _allowed(work: Coroutine[Any, Any, None]) -> None:
    """Do it, or be told that the version has traffic or is being deployed."""
    try:
        await work
    except PaasError as error:
        if error.code not in {"version_in_use", "deployment_running"}:
            raise


TestDaemon = Daemon.TestCase
TestDaemon.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    phases=[Phase.generate],  # in real time the same steps need not fail again
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
