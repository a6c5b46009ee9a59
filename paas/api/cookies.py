"""The session's cookie and the token against forged requests that belongs to it."""

import hashlib
import hmac

from aiohttp import web

from paas.api.origin import is_https
from paas.core.access import SESSION_LIMIT

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
"""The field of a form that carries the token."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_PLAIN, _SECURE = "paas", "__Host-paas"


def read_cookie(request: web.Request) -> str | None:
    """The secret of the session, from the cookie that this way of coming in has."""
    return request.cookies.get(_name(request)) or None


def set_cookie(request: web.Request, response: web.StreamResponse, secret: str) -> None:
    """For this host name only, out of reach of scripts and of other sites."""
    response.set_cookie(
        _name(request),
        secret,
        path="/",
        max_age=int(SESSION_LIMIT),
        httponly=True,
        samesite="Strict",
        secure=is_https(request),
    )


def drop_cookie(request: web.Request, response: web.StreamResponse) -> None:
    response.del_cookie(
        _name(request), path="/", httponly=True, samesite="Strict", secure=is_https(request)
    )


def csrf_token(secret: str) -> str:
    """What pages of the session send with each change; known to nobody without the cookie."""
    return hmac.new(secret.encode(), b"paas csrf", hashlib.sha256).hexdigest()


def csrf_matches(secret: str, given: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(csrf_token(secret).encode(), given.encode("utf-8", "replace"))


def _name(request: web.Request) -> str:
    return _SECURE if is_https(request) else _PLAIN
