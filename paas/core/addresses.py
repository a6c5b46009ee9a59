"""Addresses to listen on (`host:port`, `:port`, `[::1]:port`) and host names."""

import ipaddress
import re

ADDRESS_RULE = "host:port or :port, such as 127.0.0.1:8080, [::1]:8080 or :8080"
FIRST_UNPRIVILEGED_PORT = 1024

_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def parse_address(text: str) -> tuple[str, int]:
    """Host (empty: every interface; IPv6 without brackets) and port (0: any free one).

    Raises `ValueError` whose text completes "must be …".
    """
    host, colon, port = text.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(ADDRESS_RULE)
    if host.startswith("[") and host.endswith("]"):
        return _ipv6(host[1:-1]), int(port)
    if host and not is_host_name(host.lower()):
        raise ValueError(ADDRESS_RULE)
    return host, int(port)


def address_text(host: str, port: int) -> str:
    """As `parse_address` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_host_name(name: str) -> bool:
    """Whether `name` is a host name or IPv4 address in lower case, one label or more."""
    return len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))


def check_port_range(value: str) -> str:
    """The range `first-last` itself. Raises `ValueError` ("must be …")."""
    low, dash, high = value.partition("-")
    rule = f"a range first-last within {FIRST_UNPRIVILEGED_PORT}-65535, such as 20000-31999"
    numeric = low.isascii() and low.isdigit() and high.isascii() and high.isdigit()
    if not dash or not numeric or len(value) > 11:
        raise ValueError(rule)
    if not FIRST_UNPRIVILEGED_PORT <= int(low) <= int(high) <= 65535:
        raise ValueError(rule)
    return value


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError(ADDRESS_RULE) from None
