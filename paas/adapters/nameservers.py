"""The `NameServers` port: the resolver of this host."""

import asyncio
import socket
from contextlib import closing, suppress
from ipaddress import ip_address

from paas.errors import Failed

SECONDS = 10.0
_OUTSIDE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of nobody, one of each family: asking for the way there sends nothing."""


class SystemNameServers:
    """Asks as every program of this host does."""

    async def look(self, host: str) -> str:
        found = await _addresses(host)
        ours = {one for one in _ours() if ip_address(one).is_global}
        if not ours or found & ours:
            return ""
        return (
            f"{host} leads to {', '.join(sorted(found))}, and this host goes out as "
            f"{', '.join(sorted(ours))}."
        )


async def _addresses(host: str) -> set[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            found = await loop.getaddrinfo(host, 80, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise Failed(
            f"The DNS has no address for {host}.",
            code="dns_unresolved",
            advice=f"Add an A or AAAA record for {host} that leads to this host. Where only "
            "the outside can see it, set acme.check_dns to false.",
        ) from error
    return {str(address[0]) for *_, address in found}


def _ours() -> set[str]:
    """From where packets to the internet would go out."""
    found = set()
    for family, there in _OUTSIDE:
        with suppress(OSError), closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
            probe.connect((there, 53))
            found.add(probe.getsockname()[0])
    return found
