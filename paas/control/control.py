"""The control plane put together: its parts, built once and in order of need."""

import logging
from pathlib import Path

from paas.aio.tasks import Tasks
from paas.control.activity import ActivityMarks
from paas.control.addresses import Addresses
from paas.control.backups import Safekeeping
from paas.control.catalog import Catalog
from paas.control.census import Census
from paas.control.certification import Certification
from paas.control.deployments import Deployments, Jobs
from paas.control.drain import Drain
from paas.control.explain import Explain
from paas.control.headroom import Headroom
from paas.control.holdings import Holdings
from paas.control.hook_keys import HookKeys
from paas.control.hooks import Hooks
from paas.control.images import Images, Origins, Upkeep, Workshop
from paas.control.intake import Intake
from paas.control.inventory import Bounds, Inventory
from paas.control.isolation import Isolation
from paas.control.janitor import Janitor
from paas.control.keeper import Keeper
from paas.control.launcher import Launcher
from paas.control.lives import Lives
from paas.control.logs import Collector
from paas.control.meter import Meter
from paas.control.notices import notices_for
from paas.control.outside import Outside
from paas.control.own_repository import OwnRepositories
from paas.control.pipeline import Builds, Pipeline
from paas.control.pulse import Pulse
from paas.control.pushes import Pushes
from paas.control.recorder import Recorder
from paas.control.registries import Registries
from paas.control.room import Room
from paas.control.roster import Roster
from paas.control.routes import Routes
from paas.control.scaler import Scaler
from paas.control.services import History, Services
from paas.control.telemetry import Telemetry
from paas.control.views import Place, Status, Urls, Views
from paas.core.sizes import parse_size
from paas.core.watermarks import Marks
from paas.errors import PaasError
from paas.live.board import Board
from paas.live.certificates import Certificates
from paas.settings import Settings

log = logging.getLogger(__name__)

ENGINE_PAUSE = 1.0


class Control:
    """Builds the parts; its public attributes are its front."""

    def __init__(
        self,
        settings: Settings,
        outside: Outside,
        board: Board,
        *,
        certificates: Certificates | None = None,
    ) -> None:
        self._outside = outside
        self._tasks = Tasks()
        self.urls = Urls(settings.base_domain, certificates or Certificates())
        self.catalog = Catalog(outside.store, self._tasks)
        self.certification = Certification(
            settings.acme, outside, catalog=self.catalog, urls=self.urls, tasks=self._tasks
        )
        self._build_watching(settings, board)
        self._build_keeping(settings, board)
        self._build_housekeeping(settings)
        self._build_deploying(settings)
        self._build_hooks(settings)
        self.notices = notices_for(settings, outside)
        self._build_front(settings, board)

    async def load(self) -> None:
        """Read the store: from here on the board routes."""
        await self.catalog.load()
        await self.certification.certifier.load()
        await self._marks.load()
        await self.registries.load()
        await self._holdings.load()

    async def start(self) -> None:
        """Clean up after a former daemon, resume what it had not finished, and keep."""
        await self._images.clean_all(await self.deployments.uploads())
        await self.deployments.resume()
        heal = self._tasks.heal
        heal("engine", self._engine_loop)
        heal("addresses", self.addresses.run)
        heal("isolation", Isolation(self._outside, self.addresses).run)
        heal("janitor", self.janitor.run)
        heal("room on disk", self.room.run)
        heal("meter", self.meter.run)
        heal("pushes", self.pushes.run)
        heal("activity", self._marks.run)
        heal("figures", self.recorder.run)
        heal("pulse", self._pulse.run)
        heal("backups", self.safekeeping.run)
        heal("certificates", self.certification.certifier.run)
        if self._drain is not None:
            heal("drain", self._drain.run)
        heal("notices", self.notices.run)

    async def close(self) -> None:
        """Stop deciding; replicas run on, unfinished deployments are resumed later."""
        await self.hooks.close()
        await self.pushes.close()
        await self.deployments.close()
        await self._tasks.close()
        await self.keeper.close()
        await self._marks.save()
        await self.recorder.close()
        if self._drain is not None:
            await self._drain.close()
        await self.notices.close()

    async def _engine_loop(self) -> None:
        """Connect, however long that takes, then keep."""
        self.addresses.found(await self._gateway())
        watching = self._tasks.heal("engine changes", self.keeper.watch)
        try:
            await self.keeper.run()
        finally:
            watching.cancel()

    async def _gateway(self) -> str:
        away = False
        while True:
            try:
                return await self._outside.engine.open()
            except PaasError as error:
                if not away:
                    fields = {"problem": error.message, "advice": error.advice}
                    log.warning("engine is away, trying again", extra=fields)
                away = True
            await self._outside.clock.sleep(ENGINE_PAUSE)

    def _build_watching(self, settings: Settings, board: Board) -> None:
        out = self._outside
        self.roster = Roster(board=board, clock=out.clock)
        self.meter = Meter(
            board=board,
            roster=self.roster,
            catalog=self.catalog,
            engine=out.engine,
            clock=out.clock,
        )
        self.scaler = Scaler(
            catalog=self.catalog,
            roster=self.roster,
            meter=self.meter,
            clock=out.clock,
            settings=settings,
            tasks=self._tasks,
        )
        self.census = Census(
            board=board, roster=self.roster, meter=self.meter, catalog=self.catalog, clock=out.clock
        )
        self.recorder = Recorder(
            census=self.census, catalog=self.catalog, store=out.figures, clock=out.clock
        )
        self._pulse = Pulse(out.clock)
        self.telemetry = Telemetry(
            board=board,
            roster=self.roster,
            catalog=self.catalog,
            meter=self.meter,
            census=self.census,
            pulse=self._pulse,
        )
        self.telemetry.engine_calls = out.engine_calls
        self._marks = ActivityMarks(
            board=board, roster=self.roster, store=out.store, clock=out.clock
        )

    def _build_keeping(self, settings: Settings, board: Board) -> None:
        out = self._outside
        self._launcher = Launcher(
            engine=out.engine,
            prober=out.prober,
            vault=out.vault,
            clock=out.clock,
            scaling=settings.scaling,
        )
        self.lives = Lives(
            engine=out.engine,
            launcher=self._launcher,
            roster=self.roster,
            catalog=self.catalog,
            headroom=Headroom(
                host=out.host,
                roster=self.roster,
                catalog=self.catalog,
                meter=self.meter,
                settings=settings.scaling,
            ),
            clock=out.clock,
        )
        self.keeper = Keeper(
            engine=out.engine,
            lives=self.lives,
            roster=self.roster,
            catalog=self.catalog,
            scaler=self.scaler,
            clock=out.clock,
        )
        self.keeper.attach(board)
        Routes(catalog=self.catalog, board=board, base_domain=settings.base_domain)
        collector = Collector(
            engine=out.engine,
            journal=out.journal,
            vault=out.vault,
            catalog=self.catalog,
            tasks=self._tasks,
        )
        collector.lines = settings.logs.lines_per_second
        self.lives.on_running = collector.watch
        self.lives.on_ended = collector.ended
        self._build_drain(collector)
        self.lives.on_exit = collector.exited
        self.lives.on_cold = self.census.started
        ports = settings.internal.range
        self.addresses = Addresses(catalog=self.catalog, doors=out.doors, ports=ports)

    def _build_housekeeping(self, settings: Settings) -> None:
        out = self._outside
        self.registries = Registries(
            store=out.store,
            engine=out.engine,
            vault=out.vault,
            clock=out.clock,
            tasks=self._tasks,
        )
        self._holdings = Holdings(
            store=out.store,
            engine=out.engine,
            storage=out.storage,
            clock=out.clock,
            tasks=self._tasks,
        )
        bounds = Bounds(
            cache=parse_size(settings.builds.cache),
            deployments=settings.limits.deployments_per_service,
        )
        inventory = Inventory(
            storage=out.storage,
            disk=out.disk,
            journal=out.journal,
            store=out.store,
            catalog=self.catalog,
            holdings=self._holdings,
            clock=out.clock,
            data_dir=settings.data_dir,
            bounds=bounds,
        )
        self.janitor = Janitor(inventory=inventory, catalog=self.catalog)
        marks = settings.disk
        self.room = Room(
            disk=out.disk,
            storage=out.storage,
            store=out.store,
            clock=out.clock,
            marks=Marks(
                warn=marks.warn_percent,
                refuse=marks.refuse_percent,
                reserve=parse_size(marks.refuse_free),
            ),
            data_dir=settings.data_dir,
        )
        self.room.largest = self.janitor.largest
        self.safekeeping = Safekeeping(out, self.catalog, times=settings.backups)

    def _build_drain(self, collector: Collector) -> None:
        self._drain, sink = None, self._outside.drain
        if sink is not None:
            self._drain = Drain(sink=sink, catalog=self.catalog, clock=self._outside.clock)
            collector.on_line = self._drain.add
            self.telemetry.drained = self._drain.counts

    def _build_deploying(self, settings: Settings) -> None:
        out = self._outside
        builds = settings.builds
        self._images = Images(
            engine=out.engine,
            builder=out.builder,
            origins=Origins(
                unpacker=out.unpacker, repositories=out.repositories, sources=out.sources
            ),
            vault=out.vault,
            workshop=Workshop(
                uploads=uploads_dir(settings.data_dir),
                builds=settings.data_dir / "builds",
                timeout=builds.timeout,
                memory=None if builds.memory is None else parse_size(builds.memory),
                cpu=builds.cpu,
                upkeep=Upkeep(registries=self.registries, holdings=self._holdings),
            ),
        )
        self._launcher.refetch = self._images.refetch
        pipeline = Pipeline(
            catalog=self.catalog,
            images=self._images,
            lives=self.lives,
            scaler=self.scaler,
            default_port=settings.defaults.port,
            builds=Builds(concurrent=builds.concurrent, admit=self.room.admit),
        )
        self._intake = Intake(
            catalog=self.catalog,
            addresses=self.addresses,
            vault=out.vault,
            clock=out.clock,
            version_limit=settings.limits.versions_per_service,
        )
        self.deployments = Deployments(
            catalog=self.catalog,
            store=out.store,
            intake=self._intake,
            pipeline=pipeline,
            jobs=Jobs(catalog=self.catalog, journal=out.journal, vault=out.vault, clock=out.clock),
            room=self.room,
        )
        self.pushes = Pushes(
            remotes=out.remotes,
            catalog=self.catalog,
            intake=self._intake,
            deployments=self.deployments,
            settings=settings,
            clock=out.clock,
        )

    def _build_hooks(self, settings: Settings) -> None:
        out = self._outside
        repositories = OwnRepositories(
            catalog=self.catalog,
            deployments=self.deployments,
            vault=out.vault,
            defaults=settings.defaults,
        )
        self.hook_keys = HookKeys(catalog=self.catalog, vault=out.vault, clock=out.clock)
        self.deployments.on_end = repositories.adopt
        self.hooks = Hooks(
            catalog=self.catalog,
            repositories=repositories,
            kept=out.deliveries,
            keys=self.hook_keys,
            clock=out.clock,
        )

    def _build_front(self, settings: Settings, board: Board) -> None:
        out = self._outside
        views = Views(
            catalog=self.catalog,
            keeper=self.keeper,
            roster=self.roster,
            addresses=self.addresses,
            engine=out.engine,
            urls=self.urls,
        )
        views.certificate = self.certification.certifier.status
        self.services = Services(
            catalog=self.catalog,
            intake=self._intake,
            deployments=self.deployments,
            views=views,
            clock=out.clock,
            base_domain=settings.base_domain,
        )
        self.history = History(store=out.store, catalog=self.catalog)
        self.explain = Explain(
            catalog=self.catalog,
            views=views,
            scaler=self.scaler,
            meter=self.meter,
            lives=self.lives,
            board=board,
            store=out.store,
            clock=out.clock,
        )
        self.status = Status(
            engine=out.engine,
            addresses=self.addresses,
            urls=self.urls,
            clock=out.clock,
            room=self.room,
            place=Place(docker_host=settings.docker.host, data_dir=str(settings.data_dir)),
        )


def uploads_dir(data_dir: Path) -> Path:
    """Where the API puts uploads and deployments find them."""
    return data_dir / "uploads"
