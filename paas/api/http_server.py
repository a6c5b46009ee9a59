"""aiohttp's server, held to our manners: what is no HTTP gets the API's own kind of answer,
which repeats nothing that was sent, and no traceback in the log; a client that sends no
request, or half of one, is not waited for; and those who come are counted, so that nobody
takes the descriptors that the proxy needs.
"""

import asyncio
import json
import logging
import sys
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestHandler

from paas.api.problems import MEDIA_TYPE, RETRY_AFTER, classify, problem, problem_response
from paas.errors import Invalid, TooLarge, Unavailable

log = logging.getLogger(__name__)

KEPT_OPEN = 75.0
"""Seconds that a connection may be without a whole request, from its beginning on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many `connections` there may be of each kind (TCP, unix socket), and the number of
    a `descriptor` from which on there is room for none: the kernel gives the lowest that is
    free, so that the number tells how many are used.
    """

    connections: int = 1000
    descriptor: int = sys.maxsize


def harden(response: web.StreamResponse) -> None:
    """Headers of every answer."""
    response.headers["Server"] = "paas"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")


class Runner(web.AppRunner):
    """Runs an app on the server of this module; `kept_open` as the constant of that name."""

    __slots__ = ("_room",)

    def __init__(
        self,
        app: web.Application,
        *,
        shutdown_timeout: float,
        kept_open: float = KEPT_OPEN,
        room: Room | None = None,
    ) -> None:
        super().__init__(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=shutdown_timeout,
            keepalive_timeout=kept_open,
        )
        self._room = room or Room()

    async def _make_server(self) -> web.Server:
        usual = await super()._make_server()
        made = _Server(usual.request_handler, request_factory=usual.request_factory, **self._kwargs)
        made.room = self._room
        return made


class _Server(web.Server):
    room: Room

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._open: Counter[int] = Counter()

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def enter(self, kind: int, descriptor: int) -> bool:
        """Whether there is room for another one; if so it has to `leave`."""
        if self._open[kind] >= self.room.connections or descriptor >= self.room.descriptor:
            return False
        self._open[kind] += 1
        return True

    def leave(self, kind: int) -> None:
        self._open[kind] -= 1


class _Connection(RequestHandler):
    __slots__ = ("_kind", "_server")

    def __init__(self, server: _Server, **named: Any) -> None:
        super().__init__(server, **named)
        self._server = server
        self._kind: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        taken = cast("asyncio.Transport", transport)  # uvloop's do not derive from it
        own = taken.get_extra_info("socket")
        if self._server.enter(own.family, own.fileno()):
            self._kind = own.family
            super().connection_made(transport)
            return
        log.debug("too many connections, refused")
        self.force_close()  # what it sends is not looked at
        taken.write(_full())
        taken.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._kind is not None:
            self._server.leave(self._kind)
            self._kind = None
        super().connection_lost(exc)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """A body that cannot be unpacked is its sender's fault and no news."""
        if isinstance(kw.get("exc_info"), (HttpProcessingError, web.RequestPayloadError)):
            log.debug("a body was broken", extra={"error": type(kw["exc_info"]).__name__})
        else:
            super().log_exception(*args, **kw)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, *told: Any, **named: Any
    ) -> web.StreamResponse:
        """What the parser refused; anything else is aiohttp's to tell."""
        if status != HTTPStatus.BAD_REQUEST:
            return super().handle_error(request, status, *told, **named)
        exc = told[0] if told else named.get("exc")
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        fields = {"client": request.remote, "error": type(exc).__name__}
        log.debug("no valid request, refused", extra=fields)
        response = problem_response(_refusal(exc))
        harden(response)
        response.force_close()
        return response


def _full() -> bytes:
    """The whole answer to whom there is no room for."""
    error = Unavailable(
        "Too many connections to the API are open.",
        code="too_many_connections",
        advice="Try again in a moment; the daemon's own socket may have room.",
    )
    status, title = classify(error)
    body = json.dumps(problem(error, status=status, title=title)).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: {RETRY_AFTER}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _refusal(cause: Any) -> Invalid | TooLarge:
    if isinstance(cause, LineTooLong):
        return TooLarge(
            "A line of the request's head is too long.",
            code="head_too_large",
            advice="URL and header fields have at most 8190 bytes each.",
        )
    return Invalid("This is not a valid HTTP/1.1 request.", code="bad_request")
