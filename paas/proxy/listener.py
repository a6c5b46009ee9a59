"""A listening address: public hosts, or one fixed route for an internal address."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence

from paas.core.routing import Route
from paas.errors import Unavailable
from paas.http1.head import Peer
from paas.proxy.connection import ClientConnection
from paas.proxy.plane import Plane
from paas.proxy.registry import Registry

BACKLOG = 1024

Router = Callable[[str], Route | None]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Listener:
    """Accepts connections on one socket until `close`."""

    def __init__(
        self, plane: Plane, registry: Registry, router: Router, *, trusted: Sequence[Network] = ()
    ) -> None:
        self._plane = plane
        self._registry = registry
        self._trusted = trusted
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
            self._server = await loop.create_server(
                lambda: ClientConnection(self._plane, self), sock=sock, backlog=BACKLOG
            )
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
        return Peer(address=address, trusted=bool(self._trusted) and self._trusts(address))

    def leave(self, member: ClientConnection, address: bytes) -> None:
        self._registry.leave(member, address)

    def _trusts(self, address: bytes) -> bool:
        try:
            parsed = ipaddress.ip_address(address.decode("ascii"))
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


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
