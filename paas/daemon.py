"""The composition root: build → run → drain. The one place that wires.

Start-up follows need: data directory and lock, store, routes, then proxy and API;
the engine last and in a loop of its own, because traffic and API go on without it.
Shutdown is the reverse, with a budget for each part; replicas keep running.
"""

import asyncio
import hashlib
import logging
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from paas import __version__
from paas.adapters.archives import ArchiveUnpacker
from paas.adapters.backups import DataBackups
from paas.adapters.build import DockerBuilder
from paas.adapters.certificates import read_certificate, usable_certificate
from paas.adapters.disk import LocalDisk
from paas.adapters.docker import DockerEngine
from paas.adapters.docker_saves import DockerSaves
from paas.adapters.docker_storage import DockerStorage
from paas.adapters.drains import line_sink
from paas.adapters.firewall import Firewall
from paas.adapters.git import FetchCaps, GitRepositories, Places
from paas.adapters.git_gate import Gate
from paas.adapters.git_remote import Trust
from paas.adapters.git_sandbox import LowUser
from paas.adapters.host import LinuxHost
from paas.adapters.journal import FileJournal
from paas.adapters.keyring import FileKeyring
from paas.adapters.lockfile import LockFile
from paas.adapters.log_sinks import FileSink, StreamSink
from paas.adapters.messages import HttpMessenger
from paas.adapters.office import open_office
from paas.adapters.probe import NetworkProber
from paas.adapters.remotes import GitRemotes
from paas.adapters.secrets import AesVault
from paas.adapters.sources import LocalSources
from paas.adapters.store import SqliteStore
from paas.adapters.tokens import AdminToken
from paas.aio.clock import SystemClock
from paas.aio.tasks import Tasks
from paas.api.app import ApiServer, build_app, socket_path
from paas.api.call import Context
from paas.api.hook_urls import HOOK_TARGET, HookUrls
from paas.api.http_server import Room
from paas.api.proxied import Proxied
from paas.api.raw_bodies import LARGEST
from paas.console.app import Console
from paas.control.access import Access
from paas.control.control import Control, uploads_dir
from paas.control.outside import Outside
from paas.core.addresses import address_text, parse_address
from paas.core.buildneeds import BuilderChoice
from paas.core.draining import parse_drain
from paas.core.handover import Held, Place, places
from paas.core.networks import networks
from paas.core.policy import targets_policy
from paas.http1.limits import Limits
from paas.live import own_host
from paas.live.board import Board
from paas.live.certificates import Certificates
from paas.live.leases import NO_LIMIT
from paas.proxy.accesslog import FORMATS, AccessLog
from paas.proxy.doors import GatewayDoors
from paas.proxy.intake import descriptors, fitting, last_reserve, raise_descriptors
from paas.proxy.proxy import Proxy
from paas.settings import Settings

log = logging.getLogger(__name__)

RESTORE = 1.0
"""Seconds after which the API is tried again when the proxy could not reach it."""
SETTLE = 20.0
"""Seconds that requests under way get while newcomers are still served."""
DRAIN = 10.0
"""Seconds that requests under way get after that."""


class Daemon:
    """Everything that runs, wired; use `build`."""

    def __init__(
        self,
        settings: Settings,
        *,
        board: Board,
        control: Control,
        proxy: Proxy,
        api: ApiServer,
        access: Access,
    ) -> None:
        self.settings = settings
        self.board = board
        self.control = control
        self.proxy = proxy
        self.api = api
        self.access = access
        self._bound: tuple[str, ...] = ()

    @classmethod
    async def build(
        cls, settings: Settings, stack: AsyncExitStack, *, config: Path | None = None
    ) -> "Daemon":
        """All parts; `stack` closes them in reverse order. `config` is the settings' file."""
        data = settings.data_dir
        for folder in (data, uploads_dir(data), data / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stack.enter_context(LockFile(data / "lock"))
        limits = _limits(settings)
        board = Board(
            SystemClock().monotonic,
            requests_per_service=limits.requests_per_service or NO_LIMIT,
            queue_bytes=settings.proxy.limits.queue_bytes,
        )
        proxy = Proxy(
            board,
            limits=limits,
            trusted=settings.proxy.trusted,
            proxy_protocol=settings.proxy.proxy_protocol == "accept",
            access=_access_log(settings, stack),
        )
        certify(proxy.certificates, settings)
        doors = GatewayDoors(proxy, most=descriptors() // 4)
        outside = await _outside(settings, doors, stack, config=config)
        control = Control(settings, outside, board, certificates=proxy.certificates)
        master = AdminToken(data / "admin.token")
        access = Access(store=outside.store, clock=outside.clock, master=master)
        stack.push_async_callback(access.close)
        context = Context(
            services=control.services,
            deployments=control.deployments,
            pushes=control.pushes,
            history=control.history,
            explain=control.explain,
            certificates=control.certification,
            status=control.status,
            recorder=control.recorder,
            telemetry=control.telemetry,
            registries=control.registries,
            janitor=control.janitor,
            safekeeping=control.safekeeping,
            notified=control.notices.places,
            journal=outside.journal,
            requests=board.requests,
            hooks=control.hooks,
            hook_keys=control.hook_keys,
            hook_url=HookUrls(settings, control.urls),
            settings=settings,
            clock=outside.clock,
            access=access,
            usage=proxy.usage,
            proxy_errors=lambda: proxy.counters.errors,
            proxied=Proxied(partial(proxy.owns, own_host.NAME)),
        )
        app = build_app(context, pages=Console(context).pages())
        api = ApiServer(app, settings, proxied=context.proxied, room=_api_room())
        _offer_api(settings, board, context.proxied)
        return cls(settings, board=board, control=control, proxy=proxy, api=api, access=access)

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return f"Serving on {', '.join(self._bound)}; API on {self.api.address or 'its socket'}."

    async def start(self, held: Sequence[tuple[Held, socket.socket]] = ()) -> None:
        """Route from the store, listen, then begin to keep. Raises `PaasError` when an
        address cannot be listened on, or a `held` socket has no use.
        """
        places, sockets = self._places(held), [sock for _, sock in held]
        await self.control.load()
        await self.access.start()
        plain = await self._listen(places["http"], sockets, secure=False)
        secure = await self._listen(places["https"], sockets, secure=True)
        self._bound = (*plain, *secure)
        self.proxy.public.update(parse_address(address)[1] for address in self._bound)
        self.control.urls.listens(plain, secure)
        if self.settings.acme.enabled and not secure:
            log.warning("certificates are ordered, but nobody is shown any: set proxy.https")
        await self.control.start()
        await self.api.start([sockets[at.held] for at in places["api"] if at.held is not None])
        log.info(
            "serving",
            extra={
                "version": __version__,
                "proxy": plain,
                "https": secure,
                "api": self.api.address,
            },
        )

    async def drain(self) -> None:
        """Stop accepting, let requests finish, stop deciding."""
        self.control.pushes.ending = True
        await self.api.close()
        await self.proxy.settle(SETTLE)
        await self.proxy.drain(DRAIN)
        await self.control.close()

    def _places(self, held: Sequence[tuple[Held, socket.socket]]) -> dict[str, list[Place]]:
        settings = self.settings
        api = [settings.api.listen] if settings.api.listen else []
        wanted = {"http": settings.proxy.http, "https": settings.proxy.https, "api": api}
        return places([one for one, _ in held], wanted)

    async def _listen(
        self, places: Sequence[Place], held: Sequence[socket.socket], *, secure: bool
    ) -> tuple[str, ...]:
        """Where it listens now, with the ports that were free."""
        bound = []
        for place in places:
            host, port = parse_address(place.address)
            sock = None if place.held is None else held[place.held]
            listener = await self.proxy.listen(host, port, secure=secure, sock=sock)
            if port and port != listener.port:
                fields = {"setting": place.address, "held": listener.port}
                log.warning("listens where the service manager says", extra=fields)
            bound.append(address_text(listener.host if sock else host, listener.port))
        return tuple(bound)


def _offer_api(settings: Settings, board: Board, proxied: Proxied) -> None:
    """Claim the API's host on the board, for when the API listens to the proxy."""
    if settings.api.through_proxy == "off":
        return
    loop = asyncio.get_running_loop()

    def later(call: Callable[[], None]) -> None:
        loop.call_later(RESTORE, call)

    hooks_only = settings.api.through_proxy == "hooks"
    own = own_host.OwnHost(
        board,
        settings.public_host,
        policy=targets_policy(HOOK_TARGET, body_limit=LARGEST) if hooks_only else None,
        later=later,
    )
    proxied.on_open = own.open


def _api_room() -> Room:
    """So little that visitors and their replicas have theirs whoever may open the API."""
    return Room(connections=min(1000, max(8, descriptors() // 16)), descriptor=last_reserve())


def _limits(settings: Settings) -> Limits:
    """The settings', as far as the process can have descriptors for them."""
    raise_descriptors()
    given = settings.proxy.limits
    wanted = Limits(
        connections=given.connections,
        connections_per_address=given.connections_per_address,
        requests_per_service=given.requests_per_service,
        tunnels_per_service=given.websockets_per_service,
        tunnel_seconds=given.websocket_seconds or None,
        head_seconds=given.head_seconds,
        body_seconds=given.body_seconds,
        body_rate=given.body_rate,
        keepalive_seconds=given.keepalive_seconds,
        write_seconds=given.write_seconds,
    )
    return fitting(wanted)


def certify(certificates: Certificates, settings: Settings) -> None:
    """Add those of the settings. Raises `Invalid` for one that cannot be used."""
    for files in settings.proxy.certificates:
        read = read_certificate(Path(files.certificate), Path(files.key))
        certificates.put(files.certificate, read)
        if read.expires <= datetime.now(UTC):
            fields = {"file": files.certificate, "expired": read.expires.isoformat()}
            log.warning("certificate has expired, browsers refuse it", extra=fields)


def _access_log(settings: Settings, stack: AsyncExitStack) -> AccessLog | None:
    """Written until `stack` closes it. Raises `Unavailable` when its file cannot be opened."""
    wanted = settings.proxy
    if wanted.access_log == "off":
        return None
    sink: FileSink | StreamSink = StreamSink(sys.stdout.fileno())
    if wanted.access_log_file:
        sink = FileSink(Path(wanted.access_log_file), limit=wanted.access_log_bytes)
        sink.check()
    access, tasks = AccessLog(FORMATS[wanted.access_log], sink), Tasks()
    stack.callback(sink.close)
    stack.push_async_callback(tasks.close)
    stack.push_async_callback(access.flush)
    tasks.heal("access log", access.run)
    return access


async def _outside(
    settings: Settings, doors: GatewayDoors, stack: AsyncExitStack, *, config: Path | None
) -> Outside:
    """Every port with its adapter, opened; the engine connects later."""
    data, limits, drain = settings.data_dir, settings.limits, settings.logs.drain
    tasks = Tasks()
    store = await SqliteStore.open(data / "paas.db")
    stack.push_async_callback(store.close)
    stack.push_async_callback(tasks.close)
    journal = FileJournal(data / "logs", limit=settings.logs.bytes_per_version, tasks=tasks)
    stack.push_async_callback(journal.close)
    installation = await store.meta("installation", secrets.token_hex(8))
    key, keyring = data / "secret.key", data / "certificates"
    sealed = not key.exists() and (FileKeyring.in_use(keyring) or await _has_secrets(store))
    vault = AesVault(key, sealed_exists=sealed)
    fence = Firewall(installation, on=settings.internal.firewall == "auto")
    fence.internal, fence.public = settings.internal.range, doors.public
    doors.public.update(settings.internal.host_ports)
    host = settings.docker.host
    engine = DockerEngine(host, installation=installation, tasks=tasks, fence=fence)
    stack.push_async_callback(engine.close)
    backups = DataBackups(data, config=config)
    backups.sweep()
    return Outside(
        engine=engine,
        storage=DockerStorage(engine.api, installation),
        saver=DockerSaves(engine.api),
        backups=backups,
        builder=DockerBuilder(engine, BuilderChoice(settings.builds.builder)),
        unpacker=ArchiveUnpacker(
            size=limits.unpacked_bytes,
            entries=limits.archive_entries,
            ratio=limits.archive_ratio,
        ),
        repositories=_repositories(settings),
        sources=LocalSources(),
        prober=NetworkProber(),
        vault=vault,
        journal=journal,
        store=store,
        figures=store.figures,
        engine_calls=engine.calls,
        drain=line_sink(parse_drain(drain)) if drain else None,
        messenger=HttpMessenger(),
        deliveries=store.deliveries,
        clock=SystemClock(),
        host=LinuxHost(),
        disk=LocalDisk(),
        doors=doors,
        remotes=GitRemotes(data / "git", socket=socket_path(settings), limit=limits.upload_bytes),
        office=open_office(settings.acme, keyring, vault),
        use_certificate=usable_certificate,
    )


def _repositories(settings: Settings) -> GitRepositories:
    """Where git has another user than we, its sandboxes are where that one can go: nobody
    else gets into `data_dir`.
    """
    git, limits, data = settings.git, settings.limits, settings.data_dir
    user = LowUser.named(git.user)
    mark = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    return GitRepositories(
        FetchCaps(
            size=git.bytes,
            seconds=git.timeout,
            unpacked=limits.unpacked_bytes,
            entries=limits.archive_entries,
        ),
        gate=Gate(
            allow_private=git.allow_private,
            allow_http=git.allow_http,
            networks=networks(git.private_networks),
        ),
        trust=Trust(ca_file=git.ca_file, known_hosts=data / "known_hosts"),
        user=user,
        places=Places(
            scratch=data if user.uid is None else Path("/var/tmp"),  # noqa: S108 - mkdtemp
            prefix=f".git-{mark}-" if user.uid is None else f"paas-git-{mark}-",
        ),
    )


async def _has_secrets(store: SqliteStore) -> bool:
    """Whether anything is stored that only the present key opens."""
    services = await store.services()
    if await store.registries():
        return True
    return any(service.hook or service.settings.repository for service in services) or any(
        version.spec.secrets or getattr(version.spec.source, "credentials", None)
        for service in services
        for version in service.versions
    )
