"""Who calls, and whether this route is for them.

Over the unix socket: an administrator, by the file's permission. Over TCP: whoever holds a
token (bearer; basic where the route says so) or a session's cookie; its changes need the
token against forgery and our own page. The Host header must name this daemon, so that a web
page cannot reach it by DNS rebinding. What a route needs stands in its `Rule`; a path
without one is for administrators.
"""

import base64
import binascii
import ipaddress
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Middleware

from paas.api.cookies import CSRF_FIELD, CSRF_HEADER, SAFE, csrf_matches, read_cookie
from paas.api.origin import same_origin
from paas.api.problems import Handler, classify, problem_response
from paas.control.access import Access
from paas.control.catalog import no_such_service
from paas.core.access import Principal, Scope
from paas.errors import Denied

SOCKET = "socket"
ANONYMOUS = ""
"""The actor of a call without token on a path that answers anyone."""
NOBODY = Principal(actor=ANONYMOUS)
PRINCIPAL = web.RequestKey("principal", Principal)
Recheck = Callable[[], object]
RECHECK: web.RequestKey[partial[Principal]] = web.RequestKey("recheck", partial)
"""For answers that take long: raises `Denied` once the caller may not come in any more."""

_LOCAL = Principal(actor=SOCKET, scope=Scope.ADMIN)
_LOCAL_NAMES = frozenset({"localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a route asks of its callers; see `call.Route`."""

    needs: Scope = Scope.ADMIN
    public: bool = False
    filtered: bool = False
    basic: bool = False
    form: bool = False
    page: bool = False
    """A page tells in its own way what its visitor may not see."""


CLOSED = Rule()
ANY_CALLER = Rule(needs=Scope.READ, filtered=True)
"""Paths and methods that are not there: only who may call learns that."""


class Guard:
    """Tells who calls, or refuses. `rules` are by the handler of the route."""

    def __init__(
        self, access: Access, *, hosts: Collection[str], rules: Mapping[Handler, Rule]
    ) -> None:
        self._access = access
        self._hosts = _LOCAL_NAMES | {host.lower().rstrip(".") for host in hosts if host}
        self._rules = rules

    def rule(self, request: web.Request) -> Rule:
        found = request.match_info
        if found.http_exception is not None:
            return ANY_CALLER
        return self._rules.get(found.handler, CLOSED)

    async def admit(self, request: web.Request, rule: Rule) -> Principal:
        """Raises `Denied` (`host_not_allowed`, `no_token`, `bad_token`, `token_expired`,
        `session_ended`, `forged`, `forbidden`) and `NotFound` as for a service that does
        not exist.
        """
        principal = await self._caller(request, rule)
        _authorise(principal, rule, service=request.match_info.get("service"))
        return principal

    async def _caller(self, request: web.Request, rule: Rule) -> Principal:
        if _over_unix_socket(request):
            return _LOCAL
        self._check_host(request.headers.get("Host", ""))
        header = request.headers.get("Authorization")
        if header is not None:
            token = _credential(header, basic=rule.basic)
            request[RECHECK] = partial(self._access.by_token, token)
            return self._access.by_token(token)
        cookie = read_cookie(request)
        if cookie is not None:
            return await self._by_cookie(request, rule, cookie)
        if rule.public:
            return NOBODY
        raise Denied(
            "This call needs a token.",
            code="no_token",
            advice="Send `Authorization: Bearer <token>`; the first token is in the file "
            "admin.token of the data directory.",
        )

    async def _by_cookie(self, request: web.Request, rule: Rule, cookie: str) -> Principal:
        """On a public path a cookie identifies readers only: changes there prove themselves."""
        if rule.public and request.method not in SAFE:
            return NOBODY
        principal = self._access.by_session(cookie)
        if principal is None and rule.public:
            return NOBODY
        if principal is None:
            raise _session_ended()
        request[RECHECK] = partial(self._by_open_session, cookie)
        if request.method not in SAFE:
            await _check_forgery(request, rule, cookie)
        return principal

    def _by_open_session(self, cookie: str) -> Principal:
        """Of a session that is not used by this."""
        principal = self._access.by_session(cookie, used=False)
        if principal is None:
            raise _session_ended()
        return principal

    def _check_host(self, header: str) -> None:
        """IP addresses pass: a rebound name arrives as that name, never as an address."""
        host = _host_name(header)
        if host not in self._hosts and not _is_address(host):
            raise Denied(
                f"The API does not answer to the host name {host[:100]!r}.",
                code="host_not_allowed",
                advice="Use its address or localhost, or add the name to the setting api.hosts.",
            )


def guard_middleware(guard: Guard) -> Middleware:
    """The guard as the middleware that every call passes first."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        rule = guard.rule(request)
        try:
            request[PRINCIPAL] = await guard.admit(request, rule)
        except Denied as error:
            if not rule.basic or classify(error)[0] != 401:
                raise
            response = problem_response(error)
            response.headers["WWW-Authenticate"] = 'Basic realm="paas", charset="UTF-8"'
            return response
        return await handler(request)

    return guarded


def _authorise(principal: Principal, rule: Rule, *, service: str | None) -> None:
    """A service that the caller does not see is not there, whatever else is wrong."""
    if service is not None and not rule.page and not principal.view.sees(service):
        raise no_such_service(service)
    if rule.public:
        return
    if principal.scope is None or not principal.scope.covers(rule.needs):
        raise Denied(
            f"This call needs the scope {rule.needs}.",
            code="forbidden",
            advice=f"Use a token with the scope {rule.needs}.",
        )
    if service is None and principal.view.service is not None and not rule.filtered:
        raise Denied(
            f"This call is about the whole host and needs the scope {rule.needs} without "
            "a service.",
            code="forbidden",
            advice=f"Use a token with the scope {rule.needs} that is bound to no service.",
        )


async def _check_forgery(request: web.Request, rule: Rule, cookie: str) -> None:
    if not same_origin(request):
        raise Denied(
            "Another site's page may not change anything here.",
            code="forged",
            advice="Use the console itself, or a token in the Authorization header.",
        )
    given = request.headers.get(CSRF_HEADER, "")
    if rule.form and not given:
        given = str((await request.post()).get(CSRF_FIELD, ""))
    if not csrf_matches(cookie, given):
        raise Denied(
            "The page is out of date, or the call did not come from the console.",
            code="forged",
            advice=f"Load the page again. Calls send the header {CSRF_HEADER} with what "
            "GET /v1/session tells.",
        )


def _session_ended() -> Denied:
    return Denied("The session has ended.", code="session_ended", advice="Sign in again.")


def _credential(header: str, *, basic: bool) -> str:
    """The token of an Authorization header; of basic ones the password, whoever the user."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    if basic and scheme.lower() == "basic":
        try:
            raw = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            return ""
        return raw.partition(b":")[2].decode("utf-8", "replace")
    return ""


def _over_unix_socket(request: web.Request) -> bool:
    transport = request.transport
    own = None if transport is None else transport.get_extra_info("socket")
    return own is not None and own.family == socket.AF_UNIX


def _host_name(header: str) -> str:
    if header.startswith("["):
        name, bracket, _ = header[1:].partition("]")
        return name if bracket else ""
    return header.partition(":")[0].rstrip(".").lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
