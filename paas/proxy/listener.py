"""A listening address: public hosts, plain or TLS, or one fixed route for an internal one."""

import asyncio
import socket
from collections.abc import Callable

from paas.core.networks import inside, parse_ip
from paas.core.routing import Route
from paas.errors import Unavailable
from paas.http1.head import Peer
from paas.proxy.connection import ClientConnection
from paas.proxy.handshake import Handshake, Session
from paas.proxy.plane import Plane
from paas.proxy.registry import Member, Registry
from paas.proxy.threshold import Threshold

BACKLOG = 1024

Router = Callable[[str], Route | None]


class Listener:
    """Accepts connections on one socket until `close`."""

    def __init__(
        self,
        plane: Plane,
        registry: Registry,
        router: Router,
        *,
        proxy_protocol: bool = False,
        secure: bool = False,
    ) -> None:
        self._plane = plane
        self._registry = registry
        self._proxy_protocol = proxy_protocol
        self._secure = secure
        self._scheme = b"https" if secure else b"http"
        self._server: asyncio.Server | None = None
        self.route = router
        self.host = ""
        self.port = 0

    @property
    def accepting(self) -> bool:
        return self._server is not None

    async def start(self, sock: socket.socket) -> None:
        """Accept on that bound socket."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._protocol, sock=sock, backlog=BACKLOG)
        except BaseException:
            sock.close()
            raise
        self.host, self.port = sock.getsockname()[:2]

    async def close(self) -> None:
        """Stop accepting; connections that are open go on. A second call does nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    # ---- for connections

    def admit(self, member: ClientConnection, address: bytes) -> Peer | None:
        if not self._registry.admit(member, address):
            return None
        return Peer(address=address, scheme=self._scheme, trusted=self._trusts(address))

    def leave(self, member: ClientConnection, address: bytes) -> None:
        self._registry.leave(member, address)

    # ---- for thresholds and handshakes

    def enter(self, member: Member, address: bytes | None = None) -> bool:
        return self._registry.admit(member, address)

    def depart(self, member: Member, address: bytes | None = None) -> None:
        self._registry.leave(member, address)

    def expects_preface(self, address: bytes) -> bool:
        return self._trusts(address)

    def announced(self, address: bytes) -> asyncio.Protocol:
        if self._secure:
            return Handshake(self._plane, self, address=address)
        return ClientConnection(self._plane, self, address=address)

    def secured(self, session: Session, address: bytes) -> asyncio.Protocol:
        proven = session.certificate if session.name else None
        return ClientConnection(self._plane, self, address=address, certificate=proven)

    # ---- private

    def _protocol(self) -> asyncio.Protocol:
        if self._proxy_protocol:
            return Threshold(self._plane, self)
        return self.announced(b"")

    def _trusts(self, address: bytes) -> bool:
        trusted = self._plane.trusted
        return bool(trusted) and inside(parse_ip(address), trusted)


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket; "" means every address, of both families where there are.

    Raises `Unavailable` (`address_in_use`).
    """
    try:
        if host:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family, backlog=BACKLOG)
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
            )
        return socket.create_server(("", port), backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(
            f"Cannot listen on {host or '*'}:{port}: {error.strerror}.",
            code="address_in_use",
            advice="Free the address, or choose another one in the settings.",
        ) from error
