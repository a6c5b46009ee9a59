"""One service with its catalog, board, roster, meter and scaler, over a clock that stands."""

import asyncio
from typing import Any

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.meter import Meter
from paas.control.replicas import Replica
from paas.control.roster import Roster
from paas.control.scaler import Scaler
from paas.core.model import Change, Event, Version
from paas.core.planning import Phase
from paas.core.scaling import Decision
from paas.live.board import Board
from paas.ports import ContainerState, ReplicaFact, ReplicaSpec
from paas.settings import Settings
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine
from tests.fakes.replica import Script
from tests.fakes.store import FakeStore

V, W = "shop-id-1", "shop-id-2"
ALL = {"shop-001": 100}


class Scene:
    """As `Control` wires it; `pokes` counts the calls for a round, `answers` are what
    requests that waited got."""

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock()
        self.tasks = Tasks()
        self.store = FakeStore()
        self.catalog = Catalog(self.store, self.tasks)
        self.board = Board(self.clock.monotonic)
        self.roster = Roster(board=self.board, clock=self.clock)
        self.engine = FakeEngine()
        self.meter = Meter(
            board=self.board,
            roster=self.roster,
            catalog=self.catalog,
            engine=self.engine,
            clock=self.clock,
        )
        self.scaler = Scaler(
            catalog=self.catalog,
            roster=self.roster,
            meter=self.meter,
            clock=self.clock,
            settings=Settings(data_dir="/nowhere", **settings),
            tasks=self.tasks,
        )
        self.pokes = 0
        self.answers: list[Any] = []
        self.scaler.poke = self._poked
        self.board.on_demand = self.scaler.ask

    async def show(self, *versions: Version, **fields: Any) -> None:
        """The service, new or as it is from now on, with these versions."""
        after = builders.service(*versions, **fields)
        if self.catalog.find("shop") is None:
            await self.catalog.create(after)
        else:
            await self.catalog.change("shop", lambda before: Change(before=before, after=after))
        for version in versions:
            self.roster.publish(after, version)

    def admit(self, name: str = "r1", phase: Phase = Phase.STARTING, of: str = V) -> Replica:
        """The engine has a replica of that version."""
        fact = ReplicaFact(
            id=name,
            service="shop",
            version=f"shop-{int(of[-1]):03d}",
            version_id=of,
            state=ContainerState.RUNNING,
            host="10.0.0.1",
        )
        return self.roster.admit(fact, phase)

    def ready(self, name: str = "r1", *, of: str = V, cold: bool = True) -> Replica:
        replica = self.admit(name, of=of)
        self.roster.ready(replica, 8080, cold=cold)
        return replica

    def request(self) -> Any:
        return self.board.acquire(V, self.answers.append)

    def decision(self, version_id: str = V) -> Decision | None:
        return self.scaler.decisions(self.clock.monotonic()).get(version_id)

    def count(self, version_id: str = V) -> int:
        """How many it should have now; 0 too when it is not even looked at."""
        found = self.decision(version_id)
        return found.count if found else 0

    def after(self, seconds: float, version_id: str = V) -> int:
        self.clock.advance(seconds)
        return self.count(version_id)

    async def events(self) -> list[Event]:
        """What was told, oldest first."""
        while self.tasks._running:
            await asyncio.sleep(0)
        return (await self.store.events())[::-1]

    async def kinds(self) -> list[str]:
        return [event.kind for event in await self.events()]

    def _poked(self) -> None:
        self.pokes += 1


async def started(scene: Scene, phase: Phase = Phase.READY) -> Replica:
    """A replica of the first version that the engine has too; it listens nowhere."""
    version = scene.catalog.get("shop").versions[0]
    scene.engine.script(version.name, Script(listen=False))
    fact = await scene.engine.start(
        ReplicaSpec(
            service="shop",
            version=version.name,
            version_id=version.id,
            image=scene.engine.add_image("shop:1"),
            port=80,
            cpu=version.spec.cpu,
            memory=version.spec.memory,
            env={},
        )
    )
    replica = scene.roster.admit(fact, Phase.STARTING)
    if phase is Phase.READY:
        scene.roster.ready(replica, 80, cold=True)
    else:
        replica.enter(phase, scene.clock.monotonic())
    return replica
