"""Errors as RFC 9457 problem details: the API's one mapping from errors to status codes.

An unexpected exception becomes a 500 that shows only an id; the id and the
exception are logged. Internals never reach the client.
"""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from paas.errors import (
    Conflict,
    Denied,
    Failed,
    Invalid,
    NotFound,
    PaasError,
    TooLarge,
    TooOften,
    Unavailable,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
GIT = "git/"
"""Begins the name by which git itself calls; it shows plain text only."""
RETRY_AFTER = 5
"""Seconds after which a request refused as `Unavailable` is worth another try."""

_KINDS: tuple[tuple[type[PaasError], int, str], ...] = (
    (TooLarge, 413, "The request is too large"),
    (Invalid, 422, "The request is not valid"),
    (Denied, 403, "This is not allowed"),
    (NotFound, 404, "There is no such thing"),
    (Conflict, 409, "The present state does not allow this"),
    (Unavailable, 503, "This cannot be done now"),
    (Failed, 500, "This did not succeed"),
)
_STATUS_OF_CODE = {
    "bad_request": 400,
    "malformed_json": 400,
    "malformed_multipart": 400,
    "malformed_push": 400,
    "no_token": 401,
    "bad_token": 401,
    "token_expired": 401,
    "session_ended": 401,
    "sign_in_failed": 401,
    "method_not_allowed": 405,
    "bad_signature": 401,
    "upload_stalled": 408,
    "unsupported_media_type": 415,
    "host_not_allowed": 421,
    "head_too_large": 431,
    "build_failed": 502,
    "pull_failed": 502,
    "start_failed": 502,
    "too_many_attempts": 429,
    "too_many_deliveries": 429,
    "disk_full": 507,
    "disk_low": 507,
    "login_refused": 422,
    "registry_unreachable": 502,
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error of a handler, and of the router, as a problem."""
    try:
        return await handler(request)
    except PaasError as error:
        return _for_git(error) if _is_git(request) else problem_response(error)
    except web.HTTPException as error:
        if _is_git(request) and isinstance(error, web.HTTPNotFound):
            return _for_git(_no_repository())
        return _router_problem(request, error)
    except Exception as error:  # noqa: BLE001 - the last line: nothing internal may leave
        return _unexpected(request, error)


def problem_response(error: PaasError) -> web.Response:
    """The error as a response with its status and the headers that belong to it."""
    status, title = classify(error)
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED and error.code != "bad_signature":
        headers["WWW-Authenticate"] = 'Bearer realm="paas"'
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        headers["Retry-After"] = str(RETRY_AFTER)
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.retry_after)
    return _response(problem(error, status=status, title=title), headers)


def classify(error: PaasError) -> tuple[int, str]:
    """Status code and title of an error."""
    for kind, status, title in _KINDS:
        if isinstance(error, kind):
            return _STATUS_OF_CODE.get(error.code, status), title
    return 500, "This did not succeed"


def problem(error: PaasError, *, status: int, title: str) -> dict[str, object]:
    """The problem document of an error."""
    return {
        "type": f"urn:paas:problem:{error.code}",
        "title": title,
        "status": status,
        "code": error.code,
        "detail": error.message,
        "advice": error.advice,
        "errors": [{"field": wrong.field, "message": wrong.message} for wrong in error.fields],
        "log": list(error.log),
    }


def _is_git(request: web.Request) -> bool:
    return request.headers.get("User-Agent", "").startswith(GIT)


def _for_git(error: PaasError) -> web.Response:
    """Plain text, which git shows to the person who pushes."""
    status, _ = classify(error)
    text = f"{error.message}\n{error.advice}".strip() + "\n"
    return web.Response(status=status, text=text, content_type="text/plain")


def _no_repository() -> PaasError:
    return NotFound(
        "There is nothing at this path.",
        code="no_such_path",
        advice="The repository of a service is /git/SERVICE.git.",
    )


def _router_problem(request: web.Request, error: web.HTTPException) -> web.Response:
    """What aiohttp itself refused, in our words."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        refusal: PaasError = Invalid(
            f"{request.method} is not possible on this path.",
            code="method_not_allowed",
            advice=f"It allows {allowed}.",
        )
        response = problem_response(refusal)
        response.headers["Allow"] = allowed
        return response
    if isinstance(error, web.HTTPNotFound):
        refusal = NotFound(
            "There is nothing at this path.",
            code="no_such_path",
            advice="GET /openapi.json lists every call.",
        )
        return problem_response(refusal)
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return problem_response(TooLarge("The request is too large."))
    phrase = HTTPStatus(error.status).phrase
    refusal = PaasError(f"{phrase}.", code=phrase.lower().replace(" ", "_"))
    return _response(problem(refusal, status=error.status, title=phrase), {})


def _unexpected(request: web.Request, cause: Exception) -> web.Response:
    incident = secrets.token_hex(8)
    log.error(
        "API call failed unexpectedly",
        extra={"incident": incident, "method": request.method, "path": request.path},
        exc_info=cause,
    )
    error = PaasError(
        f"Something went wrong inside the daemon (incident {incident}).",
        code="internal",
        advice="The daemon's log has the details under this incident.",
    )
    return problem_response(error)


def _response(document: dict[str, object], headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=int(str(document["status"])),
        body=json.dumps(document).encode(),
        content_type=MEDIA_TYPE,
        headers=headers,
    )
