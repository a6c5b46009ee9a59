"""The PROXY protocol, versions 1 and 2: who a proxy in front says is calling.

It stands before the first byte of HTTP, and only a peer that is known to write it may
be believed: whoever else sends one is answered as for any malformed request.
"""

import ipaddress
import struct
from dataclasses import dataclass

LONGEST_V1 = 107
LONGEST_V2 = 16 + 4096
UNKNOWN = b"unknown"

_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD = 16
_V1 = b"PROXY "
_FAMILIES = {0x11: 4, 0x21: 16}
"""Bytes of an address in TCP over IPv4 and IPv6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """`address` of the caller (`UNKNOWN` when the proxy does not say), and the length of
    the preface.
    """

    address: bytes
    size: int


class Malformed(Exception):
    """The preface is wrong or too long; the connection must be closed."""


def parse_preface(data: bytes) -> Announced | None:
    """What stands at the start of `data`, None when more is needed. Raises `Malformed`."""
    if data[: len(_V2)] == _V2[: len(data)]:
        return _binary(data)
    if data[: len(_V1)] == _V1[: len(data)]:
        return _text(data)
    raise Malformed


def _text(data: bytes) -> Announced | None:
    end = data.find(b"\r\n", 0, LONGEST_V1)
    if end < 0:
        if len(data) >= LONGEST_V1 or b"\n" in data:
            raise Malformed
        return None
    words = data[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return Announced(address=UNKNOWN, size=end + 2)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise Malformed
    source = _address(words[2], words[1])
    _address(words[3], words[1])
    if not all(_is_port(word) for word in words[4:]):
        raise Malformed
    return Announced(address=source, size=end + 2)


def _address(word: bytes, family: bytes) -> bytes:
    kind = ipaddress.IPv4Address if family == b"TCP4" else ipaddress.IPv6Address
    try:
        return _plain(kind(word.decode("ascii")))
    except ValueError:
        raise Malformed from None


def _is_port(word: bytes) -> bool:
    return word.isdigit() and len(word) <= 5 and int(word) <= 65535


def _binary(data: bytes) -> Announced | None:
    if len(data) < _V2_HEAD:
        return None
    command, family, length = struct.unpack_from("!BBH", data, len(_V2))
    size = _V2_HEAD + length
    if command not in (0x20, 0x21) or size > LONGEST_V2:
        raise Malformed
    if len(data) < size:
        return None
    if command == 0x20 or family == 0:
        return Announced(address=UNKNOWN, size=size)
    width = _FAMILIES.get(family)
    if width is None or length < 2 * width + 4:
        raise Malformed
    address = _plain(ipaddress.ip_address(data[_V2_HEAD : _V2_HEAD + width]))
    return Announced(address=address, size=size)


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    """As text; an IPv4 address in IPv6 clothes as what it is."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address).encode("ascii")
