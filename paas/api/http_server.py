"""aiohttp's server, held to our manners: what is no HTTP gets the API's own kind of answer,
which repeats nothing that was sent, and no traceback in the log; a client that sends no
request, or half of one, is not waited for.
"""

import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestHandler

from paas.api.problems import problem_response
from paas.errors import Invalid, TooLarge

log = logging.getLogger(__name__)

KEPT_OPEN = 75.0
"""Seconds that a connection may be without a whole request, from its beginning on."""


def harden(response: web.StreamResponse) -> None:
    """Headers of every answer."""
    response.headers["Server"] = "paas"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")


class Runner(web.AppRunner):
    """Runs an app on the server of this module; `kept_open` as the constant of that name."""

    __slots__ = ()

    def __init__(
        self, app: web.Application, *, shutdown_timeout: float, kept_open: float = KEPT_OPEN
    ) -> None:
        super().__init__(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=shutdown_timeout,
            keepalive_timeout=kept_open,
        )

    async def _make_server(self) -> web.Server:
        usual = await super()._make_server()
        return _Server(usual.request_handler, request_factory=usual.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    __slots__ = ()

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


def _refusal(cause: Any) -> Invalid | TooLarge:
    if isinstance(cause, LineTooLong):
        return TooLarge(
            "A line of the request's head is too long.",
            code="head_too_large",
            advice="URL and header fields have at most 8190 bytes each.",
        )
    return Invalid("This is not a valid HTTP/1.1 request.", code="bad_request")
