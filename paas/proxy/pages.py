"""Error answers: small, honest, coded (PRODUCT.md, section 5).

One of the two places that turn what went wrong into a status code. The text
says what the visitor can do and never shows internals.
"""

from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Protocol

from paas.core.policy import Redirect
from paas.http1.events import Bad, RequestHead
from paas.live.board import Absence, Refusal, RefusalCode
from paas.proxy import facts
from paas.proxy.date import date_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a client is told. `retry_after` is seconds, None when a retry cannot help;
    `field` is one more field line.
    """

    status: int
    code: str
    retry_after: int | None = None
    field: str = ""


class Page(Protocol):
    """Makes the whole answer to a request."""

    def __call__(self, head: RequestHead, /, *, keep_alive: bool) -> bytes: ...


NO_SUCH_HOST = Problem(status=404, code="no_such_host")
MISDIRECTED = Problem(status=421, code="misdirected_request")
NO_SUCH_VERSION = Problem(status=404, code="no_such_version")
NO_TRAFFIC = Problem(status=503, code="no_traffic")
LOOP = Problem(status=508, code="loop_detected")
QUEUE_FULL = Problem(status=503, code="queue_full", retry_after=1)
REFUSED = Problem(status=502, code="upstream_refused", retry_after=1)
RESET = Problem(status=502, code="upstream_reset", retry_after=1)
INVALID = Problem(status=502, code="upstream_invalid")
TIMEOUT = Problem(status=504, code="upstream_timeout")
SLOW_REQUEST = Problem(status=408, code="request_timeout")
NO_SUCH_PATH = Problem(status=404, code="no_such_path")
ADDRESS_DENIED = Problem(status=403, code="address_denied")
BODY_TOO_LARGE = Problem(status=413, code="body_too_large")
MAINTENANCE = Problem(status=503, code="maintenance", retry_after=30)
TOO_MANY_LOGINS = Problem(status=503, code="too_many_logins", retry_after=1)
OVERLOADED = Problem(status=503, code="too_many_connections", retry_after=1)
TOO_MANY_TUNNELS = Problem(status=503, code="too_many_websockets", retry_after=5)

_REFUSALS = {
    RefusalCode.QUEUE_FULL: 503,
    RefusalCode.SERVICE_FULL: 503,
    RefusalCode.START_TIMEOUT: 503,
    RefusalCode.START_FAILED: 503,
    RefusalCode.NO_MEMORY: 503,
    RefusalCode.GONE: 404,
}
_REASONS = {
    301: "Moved Permanently",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    508: "Loop Detected",
}
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT)
_MESSAGES = {
    "address_denied": "The service cannot be reached from this address.",
    "bad_request": "The request is malformed.",
    "body_too_large": "The request's body is larger than allowed.",
    "expectation_failed": "The request expects something that is not supported.",
    "head_too_large": "The request's header fields are larger than allowed.",
    "loop_detected": "The request goes round in a circle.",
    "maintenance": "The service is being worked on. Please try again later.",
    "method_not_allowed": "This method is not supported.",
    "misdirected_request": "This address needs a connection of its own.",
    "method_unknown": "There is no such method.",
    "no_memory": "The service finds no room to start at the moment. Please try again.",
    "no_such_host": "Nothing is published at this address.",
    "no_such_path": "There is nothing at this path.",
    "no_such_version": "There is no such version of the service.",
    "no_traffic": "The service is offline at the moment.",
    "queue_full": "Too many requests are waiting. Please try again in a moment.",
    "request_timeout": "The request took too long to arrive.",
    "service_full": "The service has too many open requests. Please try again in a moment.",
    "start_failed": "The service cannot start. Its owner can see why.",
    "start_timeout": "The service did not start in time. Please try again.",
    "too_many_logins": "Too many passwords are being checked. Please try again in a moment.",
    "too_many_connections": "Too many connections are open. Please try again in a moment.",
    "too_many_websockets": "The service has too many open WebSockets. Please try again later.",
    "unauthorized": "The service asks for a user name and a password.",
    "upstream_invalid": "The service gave an answer that cannot be passed on.",
    "upstream_refused": "The service cannot be reached. Please try again.",
    "upstream_reset": "The service ended the connection without an answer.",
    "upstream_timeout": "The service did not answer in time.",
    "uri_too_long": "The request's address is longer than allowed.",
}
_HTML = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width">'
    "<title>{status} {reason}</title>"
    '<body style="font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;'
    'padding:0 1rem;color-scheme:light dark"><h1>{reason}</h1><p>{message}</p>'
    "<p><small>{status} · {code}</small></p>"
)
OPTIONS = b"HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"


def refusal(given: Refusal) -> Problem:
    """The problem a board's refusal stands for."""
    return Problem(
        status=_REFUSALS[given.code], code=given.code.value, retry_after=given.retry_after
    )


def malformed(bad: Bad) -> Problem:
    """The problem a parser's `Bad` stands for."""
    return Problem(status=bad.status, code=bad.code)


def challenge(service: str) -> Problem:
    """Asks for the login of that service."""
    field = f'WWW-Authenticate: Basic realm="{service}", charset="UTF-8"'
    return Problem(status=401, code="unauthorized", field=field)


def redirect(to: Redirect, head: RequestHead, *, keep_alive: bool) -> bytes:
    """The whole answer. It is not to be stored: the setting behind it may change back."""
    top = b"HTTP/1.1 %d %b\r\nLocation: %b\r\nContent-Length: 0\r\nCache-Control: no-store\r\n"
    reason = _REASONS[to.status].encode("ascii")
    return top % (to.status, reason, to.location) + _ending(head, keep_alive=keep_alive)


def stand_in(absence: Absence, status: int, head: RequestHead, *, keep_alive: bool) -> bytes:
    """Ours in place of the replica's, for a request that is no traffic."""
    body = b"" if status in _BODILESS else absence.encode("ascii") + b"\n"
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    if body:
        lines.append("Content-Type: text/plain; charset=utf-8")
    if status != HTTPStatus.NO_CONTENT:  # RFC 9110, section 8.6
        lines.append(f"Content-Length: {len(body)}")
    lines += ["Cache-Control: no-store", f"X-Paas-Ignored: {absence}", ""]
    top = "\r\n".join(lines).encode("ascii") + _ending(head, keep_alive=keep_alive)
    return top if head.method == b"HEAD" else top + body


def proof(body: bytes, head: RequestHead, *, keep_alive: bool) -> bytes:
    """For an authority that checks whether a host is ours (RFC 8555, section 8.3)."""
    top = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n"
    answer = top % len(body) + _ending(head, keep_alive=keep_alive)
    return answer if head.method == b"HEAD" else answer + body


def page(problem: Problem, head: RequestHead | None, *, keep_alive: bool) -> bytes:
    """The whole answer; `head` is the request's, None when it could not be read."""
    html = head is not None and _accepts_html(head)
    body = _html(problem) if html else _json(problem)
    lines = [
        f"HTTP/1.1 {problem.status} {_REASONS[problem.status]}",
        f"Content-Type: {'text/html; charset=utf-8' if html else 'application/json'}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Paas-Error: {problem.code}",
    ]
    if problem.retry_after is not None:
        lines.append(f"Retry-After: {problem.retry_after}")
    if problem.field:
        lines.append(problem.field)
    if problem.status == 405:
        lines.append("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
    top = "\r\n".join(lines).encode("ascii") + b"\r\n" + _ending(head, keep_alive=keep_alive)
    return top if head is not None and head.method == b"HEAD" else top + body


def options_answer(head: RequestHead, *, keep_alive: bool) -> bytes:
    """Our own answer to `OPTIONS *`, which asks about the server, not a service."""
    return OPTIONS + _ending(head, keep_alive=keep_alive)


# ---- private


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _ending(head: RequestHead | None, *, keep_alive: bool) -> bytes:
    if not keep_alive:
        return date_line() + b"Connection: close\r\n\r\n"
    old = head is not None and not head.minor
    return date_line() + (b"Connection: keep-alive\r\n\r\n" if old else b"\r\n")


def _accepts_html(head: RequestHead) -> bool:
    return any(b"text/html" in accepted for accepted in facts.values(head, b"accept"))


def _html(problem: Problem) -> bytes:
    return _HTML.format(
        status=problem.status,
        code=escape(problem.code),
        reason=_REASONS[problem.status],
        message=escape(_MESSAGES[problem.code]),
    ).encode()


def _json(problem: Problem) -> bytes:
    return b'{"error": "%b", "message": "%b"}\n' % (
        problem.code.encode("ascii"),
        _MESSAGES[problem.code].encode("ascii"),
    )
