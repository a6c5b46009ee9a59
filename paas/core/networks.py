"""IP networks, and whose address a request that came through proxies really has."""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

NETWORK_RULE = "an address or network such as 10.0.0.0/8, 203.0.113.7 or 2001:db8::/32"


def parse_network(text: str) -> Network:
    """Raises `ValueError` whose text completes "must be …"."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{NETWORK_RULE}, without host bits") from None


@lru_cache(maxsize=4096)
def parse_ip(text: bytes) -> IPAddress | None:
    """An address as proxies write it, with or without a port; None for anything else.

    An IPv4 address in IPv6 clothes is taken as what it is.
    """
    plain = text.decode("ascii", "replace").strip(' \t"')
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        found = ipaddress.ip_address(plain)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def is_public(address: IPAddress) -> bool:
    """Whether an address is of the open internet, also where IPv6 carries one of IPv4: not
    of this host, a local network, a carrier's inside, a cloud's metadata or a group.
    """
    inner = _carried(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks that were checked when they were given."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def inside(address: IPAddress | None, known: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in known)


def original_client(
    peer: bytes, forwarded: Sequence[bytes], trusted: Sequence[Network]
) -> IPAddress | None:
    """Who sent a request that `peer` handed over, by the X-Forwarded-For fields.

    Read from the right, as far as each hop is trusted: what stands further left was
    written by somebody unknown. None when the place that counts holds no address.
    """
    client = parse_ip(peer)
    chain = [part for value in forwarded for part in value.split(b",")]
    while chain and inside(client, trusted):
        client = parse_ip(chain.pop())
    return client


def _carried(address: IPAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, Teredo or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
