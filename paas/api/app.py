"""The API put together: routes, guards, and the two places where it listens."""

import asyncio
import functools
import json
import logging
import socket
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web

from paas.api import openapi
from paas.api.auth import Guard, Rule, guard_middleware
from paas.api.bodies import LARGEST_JSON
from paas.api.call import JSON, Context, add_route
from paas.api.http_server import Room, Runner, harden
from paas.api.problems import Handler, answer_problems
from paas.api.proxied import Proxied
from paas.api.table import ROUTES
from paas.core.addresses import address_text, parse_address
from paas.errors import Conflict, Unavailable
from paas.settings import Settings

log = logging.getLogger(__name__)

SHUTDOWN = 0.5
"""Seconds that calls under way get, twice, before they are cut off."""
SOCKET_MODE = 0o660
ANSWER_WAIT = 1.0
LOOPBACK = "127.0.0.1"


def build_app(context: Context, *, pages: Mapping[str, Handler] | None = None) -> web.Application:
    """The API over the control plane. `pages` are read by GET under their paths; anyone may
    ask for them, and each decides itself what it shows to whom.
    """
    rules: dict[Handler, Rule] = {_describe: Rule(public=True)}
    settings = context.settings
    listen = settings.api.listen
    own = parse_address(listen)[0] if listen else ""
    public_host = settings.public_host if settings.api.through_proxy != "off" else ""
    hosts = [own, public_host, *settings.api.hosts]
    guard = Guard(context.access, hosts=hosts, rules=rules)
    app = web.Application(
        middlewares=[answer_problems, guard_middleware(guard)], client_max_size=LARGEST_JSON
    )
    for route in ROUTES:
        rules[add_route(app, route, context)] = route.rule
    app.router.add_get(openapi.PATH, _describe)
    for path, page in (pages or {}).items():
        app.router.add_get(path, page)
        rules[page] = Rule(public=True, page=True)
    app.on_response_prepare.append(_harden)
    return app


def socket_path(settings: Settings) -> Path:
    """Where the unix socket is."""
    return Path(settings.api.socket or settings.data_dir / "api.sock")


class ApiServer:
    """The app on its unix socket and its TCP address, and where our proxy finds it."""

    def __init__(
        self,
        app: web.Application,
        settings: Settings,
        *,
        proxied: Proxied | None = None,
        room: Room | None = None,
    ) -> None:
        self._proxied = proxied or Proxied()
        self._runner = Runner(app, shutdown_timeout=SHUTDOWN, room=room)
        self._settings = settings
        self._tcp: web.TCPSite | None = None
        self._socket: Path | None = None

    @property
    def address(self) -> str | None:
        """`host:port` as bound; None while TCP is off."""
        bound = [one for one in self._runner.addresses if isinstance(one, tuple)]
        bound = [one for one in bound if one[1] != self._proxied.port]
        if not bound:
            return None
        host, port = bound[0][:2]
        return address_text(host, port)

    async def start(self, held: Sequence[socket.socket] = ()) -> None:
        """Listen; on the `held` sockets instead of the TCP address, if there are any.

        Raises `Conflict` (`already_running`), `Unavailable` (`cannot_listen`).
        """
        await self._runner.setup()
        try:
            await self._listen_unix()
            for sock in held:
                await web.SockSite(self._runner, sock).start()
            if not held:
                await self._listen_tcp()
            await self._listen_to_proxy()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop listening, give calls under way a moment, end event streams."""
        await self._runner.cleanup()
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            self._socket = None

    async def _listen_unix(self) -> None:
        settings = self._settings
        path = socket_path(settings)
        try:
            bound = _bind(path)
        except OSError as error:
            raise _cannot_listen(str(path), error, "api.socket") from error
        self._socket = path
        await _UnixSite(self._runner, bound).start()

    async def _listen_tcp(self) -> None:
        listen = self._settings.api.listen
        if not listen:
            return
        host, port = parse_address(listen)
        try:
            await web.TCPSite(self._runner, host or None, port).start()
        except OSError as error:
            raise _cannot_listen(listen, error, "api.listen") from error

    async def _listen_to_proxy(self) -> None:
        """On a port of its own, by which its connections are told from others."""
        if self._settings.api.through_proxy == "off":
            return
        try:
            own = socket.create_server((LOOPBACK, 0))
        except OSError as error:
            raise _cannot_listen(LOOPBACK, error, "api.through_proxy") from error
        own.setblocking(False)
        self._proxied.port = own.getsockname()[1]
        await web.SockSite(self._runner, own).start()
        self._proxied.on_open(LOOPBACK, self._proxied.port)


class _UnixSite(web.BaseSite):
    """A unix socket that was bound, with its mode, before it listens."""

    __slots__ = ("_sock",)

    def __init__(self, runner: web.AppRunner, sock: socket.socket) -> None:
        super().__init__(runner)
        self._sock = sock

    @property
    def name(self) -> str:
        return f"unix:{self._sock.getsockname()}"

    async def start(self) -> None:
        await super().start()
        server = self._runner.server
        assert server is not None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(server, sock=self._sock)


def _bind(path: Path) -> socket.socket:
    """Bound and with its mode, not yet listening: nobody gets in between.

    A socket left behind is removed only when nobody answers on it.
    """
    if path.exists():
        _remove_stale(path)
    own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        own.bind(str(path))
        path.chmod(SOCKET_MODE)
    except BaseException:
        own.close()
        raise
    return own


def _remove_stale(path: Path) -> None:
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise FileExistsError(17, "there is a file that is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.settimeout(ANSWER_WAIT)
        try:
            other.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except TimeoutError:
            pass  # somebody holds it and is busy
    raise Conflict(
        f"Another daemon answers on {path}.",
        code="already_running",
        advice="Stop it first, or give this one another data_dir.",
    )


def _cannot_listen(where: str, error: OSError, setting: str) -> Unavailable:
    return Unavailable(
        f"The API cannot listen on {where}: {error.strerror or error}.",
        code="cannot_listen",
        advice=f"Free it, or change the setting {setting}.",
    )


async def _describe(_request: web.Request) -> web.Response:
    return web.Response(body=await asyncio.to_thread(_description), content_type=JSON)


@functools.cache
def _description() -> bytes:
    """Made when it is first asked for, in a thread: it takes long, and starting has no time."""
    return json.dumps(openapi.document(ROUTES)).encode()


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    harden(response)
