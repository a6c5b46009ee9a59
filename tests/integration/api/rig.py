"""A whole control plane over a fake engine, behind the real API on real sockets."""

import asyncio
import io
import tarfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from paas.adapters.archives import ArchiveUnpacker
from paas.adapters.backups import DataBackups
from paas.adapters.certificates import usable_certificate
from paas.adapters.journal import FileJournal
from paas.adapters.probe import NetworkProber
from paas.adapters.remotes import GitRemotes
from paas.adapters.secrets import AesVault
from paas.adapters.sources import LocalSources
from paas.adapters.store import SqliteStore
from paas.aio.clock import SystemClock
from paas.aio.tasks import Tasks
from paas.api.app import ApiServer, build_app
from paas.api.call import Context
from paas.api.hook_urls import HookUrls
from paas.console.app import Console
from paas.control.access import Access
from paas.control.control import Control
from paas.control.outside import Outside
from paas.live.board import Board
from paas.settings import Api, Limits, Settings
from tests.fakes.backups import FakeSaver
from tests.fakes.certifying import office
from tests.fakes.engine import FakeBuilder, FakeEngine
from tests.fakes.host import FakeHost
from tests.fakes.replica import PORT
from tests.fakes.repositories import FakeRepositories
from tests.fakes.storage import FakeDisk, FakeStorage

TOKEN = "t0ken-of-the-tests"
IMAGE = "registry.example/shop:1"
UPLOAD_LIMIT = 3 * 1024 * 1024


class NoDoors:
    """Internal addresses that nobody opens."""

    async def open(self, host: str, port: int, route: object) -> bool:
        return True

    async def close(self, port: int) -> None: ...


class Master:
    """The first admin token, without a file."""

    mark = "of the tests"

    def verify(self, token: str) -> bool:
        return token == TOKEN


@dataclass(kw_only=True)
class Answer:
    status: int
    headers: Any
    json: Any
    text: str

    @property
    def fields(self) -> dict[str, str]:
        """The wrong fields of a problem."""
        return {error["field"]: error["message"] for error in self.json["errors"]}


@dataclass(kw_only=True)
class World:
    """`session` goes over the unix socket, `tcp` over TCP without a token."""

    control: Control
    board: Board
    engine: FakeEngine
    builder: FakeBuilder
    storage: FakeStorage
    disk: FakeDisk
    journal: FileJournal
    access: Access
    context: Context
    settings: Settings
    server: ApiServer
    session: aiohttp.ClientSession
    tcp: aiohttp.ClientSession

    @property
    def socket(self) -> str:
        return str(self.settings.data_dir / "api.sock")

    @property
    def uploads(self) -> list[Path]:
        folder = self.settings.data_dir / "uploads"
        return list(folder.iterdir()) if folder.exists() else []

    async def call(
        self, method: str, path: str, *, session: aiohttp.ClientSession | None = None, **kwargs: Any
    ) -> Answer:
        client = session or self.session
        base = f"http://{self.server.address}" if client is self.tcp else "http://localhost"
        async with client.request(method, base + path, **kwargs) as response:
            text = await response.text(errors="replace")
            json = (
                await response.json(content_type=None)
                if text and "json" in str(response.content_type)
                else None
            )
            return Answer(status=response.status, headers=response.headers, json=json, text=text)

    async def deploy(self, service: str = "shop", **spec: Any) -> dict[str, Any]:
        """Submit an image and wait for the end."""
        body = {"create": True, "source": {"type": "image", "image": IMAGE}} | spec
        answer = await self.call("POST", f"/v1/services/{service}/deployments", json=body)
        assert answer.status == 202, answer.text
        return await self.ended(answer.json["id"])

    async def ended(self, deployment: str) -> dict[str, Any]:
        async def over() -> dict[str, Any] | None:
            read = (await self.call("GET", f"/v1/deployments/{deployment}")).json
            return read if read["status"] in ("succeeded", "failed", "cancelled") else None

        return await until(over)


async def until(check: Callable[[], Awaitable[Any]], *, seconds: float = 10.0) -> Any:
    """What `check` answers once it is true, asked again until then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await check():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come true in time")


@asynccontextmanager
async def world(data_dir: Path) -> AsyncIterator[World]:
    settings = Settings(
        data_dir=data_dir,
        api=Api(listen="127.0.0.1:0", hosts=["paas.example"]),
        limits=Limits(upload_bytes=UPLOAD_LIMIT, versions_per_service=4),
    )
    async with AsyncExitStack() as stack:
        tasks = Tasks()
        store = await SqliteStore.open(data_dir / "paas.db")
        stack.push_async_callback(store.close)
        stack.push_async_callback(tasks.close)
        journal = FileJournal(data_dir / "logs", limit=20 * 1024**2, tasks=tasks)
        stack.push_async_callback(journal.close)
        engine = FakeEngine()
        stack.push_async_callback(engine.close)
        engine.add_remote(IMAGE)
        builder = FakeBuilder(engine)
        storage, disk = FakeStorage(engine), FakeDisk()
        vault = AesVault(data_dir / "secret.key")
        outside = Outside(
            engine=engine,
            storage=storage,
            saver=FakeSaver(),
            backups=DataBackups(data_dir),
            disk=disk,
            builder=builder,
            unpacker=ArchiveUnpacker(entries=1000, size=10**8, ratio=1000),
            repositories=FakeRepositories(),
            sources=LocalSources(),
            prober=NetworkProber(),
            vault=vault,
            journal=journal,
            store=store,
            figures=store.figures,
            deliveries=store.deliveries,
            clock=SystemClock(),
            host=FakeHost(),
            doors=NoDoors(),
            remotes=remotes(settings),
            office=office(data_dir, vault),
            use_certificate=usable_certificate,
        )
        board = Board(SystemClock().monotonic)
        control = Control(settings, outside, board)
        await control.load()
        await control.start()
        stack.push_async_callback(control.close)
        access = Access(store=store, clock=SystemClock(), master=Master())
        await access.start()
        stack.push_async_callback(access.close)
        context = _context(control, outside, board, settings=settings, access=access)
        server = ApiServer(build_app(context, pages=Console(context).pages()), settings)
        await server.start()
        stack.push_async_callback(server.close)
        connector = aiohttp.UnixConnector(str(data_dir / "api.sock"))
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        tcp = await stack.enter_async_context(aiohttp.ClientSession())
        yield World(
            control=control,
            board=board,
            engine=engine,
            builder=builder,
            storage=storage,
            disk=disk,
            journal=journal,
            access=access,
            context=context,
            settings=settings,
            server=server,
            session=session,
            tcp=tcp,
        )


def remotes(settings: Settings) -> GitRemotes:
    """Whose hook calls the world's API."""
    data = settings.data_dir
    limit = settings.limits.upload_bytes
    return GitRemotes(data / "git", socket=data / "api.sock", limit=limit)


def _context(
    control: Control, outside: Outside, board: Board, *, settings: Settings, access: Access
) -> Context:
    return Context(
        services=control.services,
        deployments=control.deployments,
        pushes=control.pushes,
        history=control.history,
        explain=control.explain,
        hooks=control.hooks,
        hook_keys=control.hook_keys,
        hook_url=HookUrls(settings, control.urls),
        certificates=control.certification,
        status=control.status,
        recorder=control.recorder,
        telemetry=control.telemetry,
        registries=control.registries,
        janitor=control.janitor,
        safekeeping=control.safekeeping,
        journal=outside.journal,
        requests=board.requests,
        settings=settings,
        clock=outside.clock,
        access=access,
    )


def archive(**files: str) -> bytes:
    """A tar.gz; the Dockerfile exposes `PORT` unless it is given."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in ({"Dockerfile": f"FROM scratch\nEXPOSE {PORT}\n"} | files).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    """Server-sent events as {id, event, data}; comments as {comment}."""
    event: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            event[name or "comment"] = value
        elif event:
            yield event
            event = {}
