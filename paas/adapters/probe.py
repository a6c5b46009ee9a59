"""Asks a replica over the network whether it can serve: TCP connect or HTTP GET.

One attempt on one new connection; whatever goes wrong is "not ready".
"""

import asyncio
from urllib.parse import quote

from paas.core.spec import Probe
from paas.ports import Address

_PATH_CHARACTERS = "/?&=%:@!$'()*+,;~-._"
_HEAD_LINES = 200
# Frameworks that check the Host header let localhost in, addresses of the bridge rarely.
_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: paas-probe\r\n"
    "Accept: */*\r\nConnection: close\r\n\r\n"
)


class NetworkProber:
    """The `Prober` of replicas that this host can dial."""

    async def ready(self, address: Address, probe: Probe, *, timeout: float) -> bool:
        """True when the probe passed within `timeout` seconds; never raises."""
        try:
            async with asyncio.timeout(timeout):
                return await _attempt(address, probe)
        except (OSError, EOFError, ValueError, LookupError, asyncio.LimitOverrunError):
            return False


async def _attempt(address: Address, probe: Probe) -> bool:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        if probe.http is None:
            return True
        path = quote("/" + probe.http.removeprefix("/"), safe=_PATH_CHARACTERS)
        writer.write(_REQUEST.format(path=path).encode())
        return await _status(reader) in probe.status
    finally:
        writer.transport.abort()


async def _status(reader: asyncio.StreamReader) -> int:
    """The final status of the answer; interim ones (1xx) are passed over."""
    for _ in range(_HEAD_LINES):
        line = await reader.readuntil(b"\n")
        if not line.startswith(b"HTTP/1."):
            continue
        status = int(line.split(maxsplit=2)[1])
        if status >= 200:
            return status
    raise ValueError
