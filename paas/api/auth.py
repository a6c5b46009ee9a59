"""Who may call: anyone who can open the unix socket, and holders of a token over TCP.

Over TCP the Host header must name this daemon, so that a web page cannot reach
it by DNS rebinding. Comparing tokens in constant time is the injected
`verify`'s promise.
"""

import ipaddress
import socket
from collections.abc import Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Middleware

from paas.api.problems import Handler
from paas.errors import Denied

ACTOR = web.RequestKey("actor", str)
SOCKET = "socket"
ADMIN = "admin"
ANONYMOUS = ""
"""The actor of a call without token on a path that answers anyone."""

_SCHEME = "bearer"
_LOCAL_NAMES = frozenset({"localhost"})


class Guard:
    """Sets the request's actor, or refuses it. `public` are paths that need no token."""

    def __init__(
        self, *, verify: Callable[[str], bool], hosts: Collection[str], public: Collection[str]
    ) -> None:
        self._verify = verify
        self._hosts = _LOCAL_NAMES | {host.lower().rstrip(".") for host in hosts if host}
        self._public = frozenset(public)

    def admit(self, request: web.Request) -> str:
        """The actor. Raises `Denied` (`host_not_allowed`, `no_token`, `bad_token`)."""
        if _over_unix_socket(request):
            return SOCKET
        self._check_host(request.headers.get("Host", ""))
        header = request.headers.get("Authorization")
        if header is None:
            if request.path in self._public:
                return ANONYMOUS
            raise Denied(
                "This call needs a token.",
                code="no_token",
                advice="Send `Authorization: Bearer <token>`; the first token is in the file "
                "admin.token of the data directory.",
            )
        return self._check_token(header)

    def _check_token(self, header: str) -> str:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != _SCHEME or not self._verify(token.strip()):
            raise Denied(
                "The token is not valid.",
                code="bad_token",
                advice="Send `Authorization: Bearer <token>` with a token of this daemon.",
            )
        return ADMIN

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
        request[ACTOR] = guard.admit(request)
        return await handler(request)

    return guarded


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
