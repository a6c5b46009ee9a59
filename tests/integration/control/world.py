"""A whole daemon but for its engine: the control plane, proxy, store and journal, wired
as `paas.daemon` wires them, over an engine in memory whose replicas are real servers.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from paas.adapters.archives import ArchiveUnpacker
from paas.adapters.certificates import usable_certificate
from paas.adapters.journal import FileJournal
from paas.adapters.probe import NetworkProber
from paas.adapters.remotes import GitRemotes
from paas.adapters.secrets import AesVault
from paas.adapters.sources import LocalSources
from paas.aio.tasks import Tasks
from paas.control.control import Control, uploads_dir
from paas.control.intake import DeploymentRequest
from paas.control.outside import Outside
from paas.control.replicas import Replica
from paas.core.access import EVERYTHING
from paas.core.lifecycle import ENDED
from paas.core.model import Deployment, Event, Traffic, Version
from paas.core.planning import Phase
from paas.core.routing import Route
from paas.core.spec import ArchiveSource, ImageSource, VersionSpec
from paas.live.board import Board
from paas.ports import Office
from paas.proxy.doors import GatewayDoors
from paas.proxy.proxy import Proxy
from paas.settings import Settings
from tests.fakes.backups import FakeBackups, FakeSaver
from tests.fakes.certifying import FakeAuthority, FakeNames, FakeZone, HeldKeyring, office
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.engine import FakeBuilder
from tests.fakes.figures import FakeFigures
from tests.fakes.host import FakeHost
from tests.fakes.replica import PORT
from tests.fakes.repositories import FakeRepositories
from tests.fakes.storage import FakeDisk, FakeStorage
from tests.integration.control.clock import SkippingClock
from tests.integration.control.gates import (
    FlakyStore,
    GatedBuilder,
    GatedEngine,
    GatedUnpacker,
)
from tests.integration.control.wire import Answer, pack, request
from tests.waiting import until

DOCKERFILE = {"Dockerfile": f"FROM scratch\nEXPOSE {PORT}\n"}


class Doors(GatewayDoors):
    """Internal addresses until the daemon begins to end."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy, most=500)
        self._ending = False
        self._opening = asyncio.Lock()

    async def open(self, host: str, port: int, route: Callable[[], Route | None]) -> bool:
        async with self._opening:
            return not self._ending and await super().open(host, port, route)

    async def shut(self) -> None:
        """Open nothing more, and have nothing half open."""
        async with self._opening:
            self._ending = True


class World:
    """Use `start` and `stop`; `restart` ends the daemon and starts a new one."""

    control: Control
    board: Board
    doors: Doors
    proxy: Proxy
    store: FlakyStore
    journal: FileJournal
    port: int

    def __init__(self, data: Path, **settings: Any) -> None:
        self.settings = Settings(data_dir=data, **settings)
        self.clock = SkippingClock()
        self.host = FakeHost()
        self.engine = GatedEngine()
        self.engine.gateway = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.254"
        self.fake_builder = FakeBuilder(self.engine)
        self.storage = FakeStorage(self.engine)
        self.disk = FakeDisk()
        self.builder = GatedBuilder(self.fake_builder)
        self.unpacker = GatedUnpacker(
            ArchiveUnpacker(size=1 << 20, entries=100, ratio=200),
        )
        self.repositories = FakeRepositories()
        self.authority = FakeAuthority()
        self.names = FakeNames()
        self.zone = FakeZone()
        self._stack = AsyncExitStack()

    # ---- the daemon

    async def start(self) -> None:
        data = self.settings.data_dir
        for folder in (data, uploads_dir(data), data / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        self._stack = AsyncExitStack()
        self.board = Board(self.clock.monotonic)
        self.proxy = Proxy(self.board)
        self.doors = Doors(self.proxy)
        self.control = Control(
            self.settings,
            await self._outside(data),
            self.board,
            certificates=self.proxy.certificates,
        )
        await self.control.load()
        self.port = (await self.proxy.listen("127.0.0.1", 0)).port
        self.control.urls.listens([f"127.0.0.1:{self.port}"], [])
        await self.control.start()

    async def end(self, *, drain: float = 0.0) -> None:
        """The daemon ends; replicas run on."""
        await self.doors.shut()
        await self.proxy.drain(drain)
        await self.control.close()
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.end()
        await self.start()

    async def stop(self) -> None:
        """All of it ends."""
        for gate in (self.builder.gate, self.unpacker.gate):
            gate.open()
        self.engine.open_gates()
        await self.end()
        await self.engine.close()

    # ---- what callers do

    async def submit(
        self,
        service: str = "shop",
        *,
        image: str | None = None,
        files: dict[str, str] | None = None,
        traffic: Traffic = Traffic.ALL,
        secrets: dict[str, str] | None = None,
        **spec: Any,
    ) -> Deployment:
        """A deployment of an archive of `files`, or else of an image that the engine has."""
        upload = None if files is None else pack(uploads_dir(self.settings.data_dir), files)
        source = ArchiveSource() if upload else ImageSource(image=image or self._image("shop:1"))
        wanted = DeploymentRequest(
            service=service,
            create=True,
            traffic=traffic,
            actor="ann",
            spec=VersionSpec(source=source, **spec),
            secrets=secrets or {},
            upload=upload,
        )
        return await self.control.deployments.submit(wanted)

    async def deploy(self, service: str = "shop", **wanted: Any) -> Deployment:
        """Submitted and ended."""
        return await self.ended(await self.submit(service, **wanted))

    async def ended(self, deployment: Deployment, *, within: float = 10.0) -> Deployment:
        async with asyncio.timeout(within):
            while True:
                now = await self.control.deployments.read(deployment.id, view=EVERYTHING)
                if now.status in ENDED and deployment.id not in self.control.deployments._running:
                    return now
                await asyncio.sleep(0.005)

    async def get(self, name: str = "shop", *, path: str = "/") -> Answer:
        """A request for that service or version."""
        return await request(f"{name}.localhost", self.port, path=path)

    async def edit(self, version: str, **edits: Any) -> None:
        service = version.rpartition("-")[0]
        await self.control.services.edit_version(service, version, edits, actor="ann")

    async def configure(self, service: str = "shop", **settings: Any) -> None:
        await self.control.services.configure(service, settings, actor="ann")

    async def split(self, service: str = "shop", **weights: int) -> None:
        """`split(shop_001=100)`."""
        wanted = {name.replace("_", "-"): weight for name, weight in weights.items()}
        await self.control.services.set_split(service, wanted, actor="ann")

    # ---- what is there

    def version(self, name: str) -> Version:
        found = self.control.catalog.get(name.rpartition("-")[0]).version(name)
        assert found is not None, name
        return found

    def replicas(self, version: str, *phases: Phase) -> list[Replica]:
        known = self.control.keeper.replicas(self.version(version).id)
        return [one for one in known if not phases or one.phase in phases]

    def ready(self, version: str) -> list[Replica]:
        return self.replicas(version, Phase.READY)

    def running(self, version: str) -> list[str]:
        """Ids of the version's containers."""
        return [one.id for one in self.engine.containers.values() if one.spec.version == version]

    def starts(self, version: str) -> int:
        """How often the engine was asked to start one of it."""
        return sum(spec.version == version for spec in self.engine.starts)

    async def kinds(self, service: str = "shop") -> list[str]:
        """Kinds of its events, oldest first."""
        events = await self.store.events(service=service, limit=1000)
        return [event.kind for event in reversed(events)]

    async def event(self, kind: str, service: str = "shop") -> Event:
        """The latest of that kind; waits until there is one."""
        async with asyncio.timeout(5):
            while kind not in await self.kinds(service):
                await asyncio.sleep(0.002)
        events = await self.store.events(service=service, limit=1000)
        return next(event for event in events if event.kind == kind)

    async def told(self, kind: str, times: int = 1) -> None:
        """An event of that kind was kept so often, and no more often."""
        async with asyncio.timeout(5):
            while (await self.kinds()).count(kind) < times:
                await asyncio.sleep(0.002)
        assert (await self.kinds()).count(kind) == times

    async def log(self, deployment: Deployment) -> list[str]:
        return [line.text for line in await self.journal.read(f"deployments/{deployment.id}")]

    def rubbish(self) -> list[Path]:
        """Uploads and builds on disk."""
        data = self.settings.data_dir
        return [*uploads_dir(data).glob("*"), *(data / "builds").glob("*")]

    async def to_zero(self, version: str) -> None:
        """It was idle for so long that nothing of it runs."""
        await self.skip(3601)
        await until(lambda: not self.running(version) and not self.replicas(version))

    async def to_zero_of(self, version: str) -> None:
        """Its replicas were removed, and no time passed."""
        for replica in self.running(version):
            self.engine.vanish(replica)
        await self.configure(version.rpartition("-")[0], stop_after=1)
        await self.skip(2)
        await until(lambda: not self.running(version) and not self.replicas(version))

    async def to_sleep(self, version: str) -> Replica:
        """It was idle until its last replica froze."""
        await self.skip(301)
        await until(lambda: self.replicas(version, Phase.FROZEN))
        (replica,) = self.replicas(version)
        return replica

    async def skip(self, seconds: float) -> None:
        """Let that much time pass at once, and the keeper see it."""
        self.clock.skip(seconds)
        self.control.keeper.poke()

    async def settled(self, version: str, count: int) -> None:
        """So many replicas of it are ready and there is nothing else of it."""
        await until(
            lambda: len(self.ready(version)) == count == len(self.running(version)), within=10
        )

    # ---- inside

    def _image(self, reference: str) -> str:
        known = {fact.pin.reference for fact in self.engine.images.values()}
        if reference not in known:
            self.engine.add_image(reference, ours=False)
        return reference

    def _office(self, data: Path, vault: AesVault) -> Office:
        authority = self.authority if self.settings.acme.enabled else None
        made = office(data, vault, authority=authority, names=self.names, zone=self.zone)
        assert isinstance(made.keyring, HeldKeyring)
        self.keyring = made.keyring
        return made

    async def _outside(self, data: Path) -> Outside:
        stack, tasks = self._stack, Tasks()
        store = await FlakyStore.open(data / "paas.db")
        assert isinstance(store, FlakyStore)
        self.store = store
        stack.push_async_callback(self.store.close)
        stack.push_async_callback(tasks.close)
        self.journal = FileJournal(data / "logs", limit=1 << 20, tasks=tasks)
        stack.push_async_callback(self.journal.close)
        vault = AesVault(data / "secret.key", sealed_exists=False)
        return Outside(
            engine=self.engine,
            storage=self.storage,
            saver=FakeSaver(),
            backups=FakeBackups(),
            disk=self.disk,
            builder=self.builder,
            unpacker=self.unpacker,
            repositories=self.repositories,
            sources=LocalSources(),
            prober=NetworkProber(),
            vault=vault,
            journal=self.journal,
            store=self.store,
            figures=FakeFigures(),
            deliveries=FakeDeliveries(),
            clock=self.clock,
            host=self.host,
            doors=self.doors,
            remotes=GitRemotes(data / "git", socket=data / "api.sock", limit=1 << 20),
            office=self._office(data, vault),
            use_certificate=usable_certificate,
        )


Worlds = Callable[..., Awaitable[World]]
