"""A listening address: public hosts, plain or TLS, or one fixed route for an internal one."""

import asyncio
import socket
from collections.abc import Callable

from paas.core.networks import inside, parse_ip
from paas.core.routing import Route
from paas.errors import Unavailable
from paas.http1.head import Peer
from paas.live.certificates import HTTP2
from paas.proxy.connection import ClientConnection
from paas.proxy.handshake import Handshake, Session
from paas.proxy.multiplexed import Multiplexed
from paas.proxy.plane import Plane
from paas.proxy.registry import Member, Registry
from paas.proxy.threshold import Threshold

BACKLOG = 4096
"""Connections that wait while nobody accepts; the kernel may allow fewer."""
_AT_ONCE = 8
"""Connections that asyncio's own loop accepts before anybody looks at them."""

Router = Callable[[str], Route | None]


class Listener:
    """Accepts connections on one socket until `close`, but for pauses."""

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
        self._sock: socket.socket | None = None
        self._secure = secure
        self._scheme = b"https" if secure else b"http"
        self._server: asyncio.Server | None = None
        self.route = router
        self.host = ""
        self.port = 0

    @property
    def closed(self) -> bool:
        return self._sock is None

    async def start(self, sock: socket.socket) -> None:
        """Accept on that bound socket."""
        self._sock = sock
        try:
            await self.resume()
        except BaseException:
            await self.close()
            raise
        self.host, self.port = sock.getsockname()[:2]

    def pause(self) -> None:
        """Accept nothing until `resume`; who comes waits in the kernel's queue."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def resume(self) -> None:
        """Accept again. Raises `OSError` when there is no descriptor to do it with."""
        sock = self._sock
        if sock is None or self._server is not None:
            return
        # the loop closes what it is given, and a pause must not close the socket
        copy = sock.dup()
        try:
            server = await asyncio.get_running_loop().create_server(
                self._protocol, sock=copy, backlog=_AT_ONCE
            )
        except BaseException:
            copy.close()
            raise
        self._server = server
        if self.closed:
            self.pause()
        else:
            sock.listen(BACKLOG)

    async def close(self) -> None:
        """Stop accepting; connections that are open go on. A second call does nothing."""
        self.pause()
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    # ---- for connections

    def admit(self, member: Member, address: bytes) -> Peer | None:
        trusted = self._trusts(address)
        # a proxy in front connects for all its clients: its address is nobody's in particular
        if not self._registry.admit(member, None if trusted else address):
            return None
        return Peer(address=address, scheme=self._scheme, trusted=trusted)

    def leave(self, member: Member) -> None:
        self._registry.leave(member)

    # ---- for thresholds and handshakes

    def enter(self, member: Member, address: bytes | None = None) -> bool:
        counts = address is not None and not self._trusts(address)
        return self._registry.admit(member, address if counts else None)

    def depart(self, member: Member) -> None:
        self._registry.leave(member)

    def expects_preface(self, address: bytes) -> bool:
        return self._trusts(address)

    def announced(self, address: bytes) -> asyncio.Protocol:
        if self._secure:
            return Handshake(self._plane, self, address=address)
        return ClientConnection(self._plane, self, address=address)

    def secured(self, session: Session, address: bytes) -> asyncio.Protocol:
        proven = session.certificate if session.name else None
        if session.selected_alpn_protocol() == HTTP2:
            return Multiplexed(self._plane, self, address=address, certificate=proven)
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
