"""A connection of the engine's that stops being HTTP/1.1: `Upgrade`, then raw bytes.

The engine's client library cannot do this for the protocol that build sessions speak.
"""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from paas.adapters.docker_api import DockerApi, engine_tls, translated
from paas.errors import Failed

HEAD_LIMIT = 64 * 1024
UPGRADE_SECONDS = 15.0
NO_SESSION = "no_upgrade"
_PORTS = {"https": 2376, "http": 2375, "tcp": 2375}

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def upgrade(
    api: DockerApi,
    path: str,
    *,
    protocol: str,
    headers: Mapping[str, str | Sequence[str]],
) -> Connection:
    """POST `path` and take over the connection. Raises `Failed` (`no_upgrade`) when the
    engine answers otherwise, `Unavailable`.
    """
    version = await api.version()
    with translated(path):
        async with asyncio.timeout(UPGRADE_SECONDS):
            reader, writer = await _connect(api.host)
            try:
                writer.write(_head(f"/v{version}/{path}", protocol, headers))
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
            except BaseException as error:
                writer.close()
                if isinstance(error, (asyncio.IncompleteReadError, asyncio.LimitOverrunError)):
                    raise _refused("no answer") from error
                raise
    status = head.partition(b"\r\n")[0].decode("latin-1")
    if status.split()[1:2] != ["101"]:
        writer.close()
        raise _refused(status)
    return reader, writer


async def _connect(host: str) -> Connection:
    if host.startswith("unix://"):
        path = host.removeprefix("unix://")
        return await asyncio.open_unix_connection(path, limit=HEAD_LIMIT)
    parts = urlsplit(host)
    context = engine_tls(parts.scheme)
    port = parts.port or _PORTS["http" if context is None else "https"]
    return await asyncio.open_connection(parts.hostname, port, ssl=context, limit=HEAD_LIMIT)


def _head(path: str, protocol: str, headers: Mapping[str, str | Sequence[str]]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: docker", "Connection: Upgrade"]
    lines += [f"Upgrade: {protocol}", "Content-Length: 0"]
    for name, given in headers.items():
        values = [given] if isinstance(given, str) else given
        lines += [f"{name}: {value}" for value in values]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _refused(answer: str) -> Failed:
    return Failed(
        f"The engine did not begin a build session: {answer}",
        code=NO_SESSION,
        advice="Let builds.builder be classic on this engine.",
    )
