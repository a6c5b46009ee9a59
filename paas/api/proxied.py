"""Calls that come through our own proxy, and whose they are.

They arrive on a listener of their own, which counts as the network: a token is needed.
What the proxy says about the client is believed of its own connections only, which the
proxy itself recognises by their port.
"""

from collections.abc import Callable

from aiohttp import web

Owns = Callable[[int], bool]
"""Whether the proxy has a connection from that local port to this API."""


class Proxied:
    """`port` is that of the listener, 0 while there is none. `on_open` is told its host and
    port.
    """

    def __init__(self, owns: Owns = lambda _port: False) -> None:
        self._owns = owns
        self.port = 0
        self.on_open: Callable[[str, int], None] = lambda _host, _port: None

    def client(self, request: web.Request) -> str:
        """The caller's address: what the proxy says, else the connection's."""
        peer, own = _address(request, "peername"), _address(request, "sockname")
        if self.port and own is not None and own[1] == self.port and peer is not None:
            said = request.headers.get("X-Real-IP", "")
            if said and self._owns(peer[1]):
                return said[:100]
        return peer[0] if peer else ""


def _address(request: web.Request, name: str) -> tuple[str, int] | None:
    """Host and port; None over a unix socket, and when the connection is gone."""
    transport = request.transport
    found = transport.get_extra_info(name) if transport is not None else None
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None
