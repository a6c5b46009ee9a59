"""What a request's head says, as far as its sender is believed."""

from collections.abc import Sequence

from paas.core.networks import IPAddress, Network, original_client
from paas.http1.events import RequestHead
from paas.http1.head import Peer

_SCHEMES = (b"http", b"https")


def values(head: RequestHead, name: bytes) -> list[bytes]:
    """The values of all fields of that lower-case name."""
    return [field.value for field in head.fields if field.name == name]


def first(head: RequestHead, name: bytes) -> bytes:
    """The value of the first field of that name; empty when there is none."""
    return next((field.value for field in head.fields if field.name == name), b"")


def client(head: RequestHead, peer: Peer, trusted: Sequence[Network]) -> IPAddress | None:
    """Whose request it is, through the proxies that are trusted; None when unclear."""
    forwarded = values(head, b"x-forwarded-for") if peer.trusted else []
    return original_client(peer.address, forwarded, trusted)


def scheme(head: RequestHead, peer: Peer) -> bytes:
    """What the client used; of several proxies the nearest one is believed."""
    said = values(head, b"x-forwarded-proto") if peer.trusted else []
    nearest = said[-1].rpartition(b",")[2].strip(b" \t").lower() if said else peer.scheme
    return nearest if nearest in _SCHEMES else peer.scheme
