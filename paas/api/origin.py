"""Where a call comes from: the client's address, whether it used TLS, and which page sent it.

The daemon's own proxy forwards the console from a loopback address, and says so in
X-Forwarded-*; from anywhere else those headers are nobody's word.
"""

import ipaddress

from aiohttp import web


def client_address(request: web.Request) -> str:
    """The client's IP address; `local` for the unix socket."""
    forwarded = _forwarded(request, "X-Forwarded-For")
    if forwarded is not None and _is_address(forwarded):
        return forwarded
    return _peer(request) or "local"


def is_https(request: web.Request) -> bool:
    """Whether the client spoke TLS, to us or to the proxy before us."""
    return (_forwarded(request, "X-Forwarded-Proto") or request.scheme).lower() == "https"


def same_origin(request: web.Request) -> bool:
    """Whether a page of our own sent it, by what the browser itself says.

    A call that carries neither header is nobody's page: it is not taken for our own.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is None and origin is None:
        return False
    if site not in {None, "same-origin"}:
        return False
    return origin is None or origin.lower() == _own_origin(request)


def from_elsewhere(request: web.Request) -> bool:
    """Whether the browser says that another site's page sent it."""
    told = {"Sec-Fetch-Site", "Origin"} & request.headers.keys()
    return bool(told) and not same_origin(request)


def _own_origin(request: web.Request) -> str:
    scheme = "https" if is_https(request) else "http"
    return f"{scheme}://{request.headers.get('Host', '')}".lower()


def _forwarded(request: web.Request, name: str) -> str | None:
    """The last word, which the proxy beside us added; None from other peers."""
    peer = _peer(request)
    values = request.headers.getall(name, [])
    if not values or not _is_loopback(peer):
        return None
    return values[-1].rpartition(",")[2].strip()


def _peer(request: web.Request) -> str:
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _is_loopback(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
