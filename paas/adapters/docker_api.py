"""The one door to the engine's HTTP API: versions, deadlines and errors.

Every request has a deadline; every failure leaves as a `PaasError`. It uses
aiodocker's `_query`, which is private: only this module does, and the dependency
is pinned to one minor version for that.
"""

import asyncio
import json
import os
import re
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp

from paas.errors import Conflict, Denied, Failed, Invalid, NotFound, PaasError, Unavailable

DEFAULT_HOST = "unix:///var/run/docker.sock"
# The newest API this code was written for; a newer engine is spoken to in this one
# unless it refuses, an older one in its own.
KNOWN_API = (1, 47)
NEGOTIATION_SECONDS = 5.0
CALL_SECONDS = 30.0
LINE_LIMIT = 4 * 1024 * 1024

_AUTO = "auto"
_TCP = re.compile(r"^(tcp|http|https)://(.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """What the engine said of itself; `time` is its clock in whole seconds, 0 if unknown."""

    version: str
    api: str
    time: int
    architecture: str = ""


class DockerApi:
    """One engine at one address. Connects at the first call."""

    def __init__(self, host: str = "") -> None:
        self.host = host or os.environ.get("DOCKER_HOST", "") or DEFAULT_HOST
        self._client: aiodocker.Docker | None = None
        self._connector: aiohttp.BaseConnector | None = None
        self.calls: Counter[tuple[str, str]] = Counter()

    async def close(self) -> None:
        client, self._client = self._client, None
        connector, self._connector = self._connector, None
        if client is not None:
            await client.close()
        if connector is not None:
            await connector.close()

    async def negotiate(self) -> Negotiated:
        """Ask who answers and agree on the API version of all later calls."""
        client = self._connected()
        with translated(f"the engine at {self.host}"):
            async with (
                asyncio.timeout(NEGOTIATION_SECONDS),
                client._query("version", versioned_api=False) as response,  # noqa: SLF001 - see above
            ):
                date = response.headers.get("Date", "")
                said = await response.json()
        client.api_version = "v" + choose_api(said["ApiVersion"], said.get("MinAPIVersion", ""))
        return Negotiated(
            version=said["Version"],
            api=client.api_version[1:],
            time=_seconds(date),
            architecture=str(said.get("Arch", "")),
        )

    async def version(self) -> str:
        """The API version that is spoken with this engine."""
        client = self._connected()
        if client.api_version == _AUTO:
            await self.negotiate()
        return str(client.api_version).removeprefix("v")

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        deadline: float = CALL_SECONDS,
    ) -> Any:
        """The JSON answer, None when there is no body."""
        data = None if body is None else json.dumps(body).encode()
        request = self.stream(method, path, params=params, data=data, deadline=deadline)
        async with request as response:
            with translated(path):
                async with asyncio.timeout(deadline):
                    content = await response.read()
                return json.loads(content) if content.strip() else None

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        deadline: float = CALL_SECONDS,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The open answer, for reading piece by piece. `deadline` is for its head.

        Leaving the context closes the connection: the engine ends what it streams.
        """
        await self.version()
        client = self._connected()
        with self._counting(method), translated(path):
            async with asyncio.timeout(deadline):
                response = await client._do_query(  # noqa: SLF001 - see above
                    path, method, params=dict(params or {}), data=data, headers=headers
                )
        try:
            yield response
        finally:
            response.close()

    @contextmanager
    def _counting(self, method: str) -> Iterator[None]:
        try:
            yield
        except PaasError as error:
            self.calls[method, error.code] += 1
            raise
        self.calls[method, "ok"] += 1

    def _connected(self) -> aiodocker.Docker:
        if self._client is None:
            url, self._connector = _connector(self.host)
            self._client = aiodocker.Docker(url=url, connector=self._connector, api_version=_AUTO)
        return self._client


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn every exception of the engine's client into one of `paas.errors`."""
    try:
        yield
    except aiodocker.DockerError as error:
        raise _from_status(error.status, error.message) from error
    except TimeoutError as error:
        raise Unavailable(
            f"The Docker Engine did not answer in time ({what}).",
            code="engine_timeout",
            advice="Look at the engine's load and its log.",
        ) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _unreachable(f"{type(error).__name__}: {error}") from error


async def pieces(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The body as it arrives. Raises `Unavailable` when the connection breaks."""
    while True:
        with translated("stream"):
            piece = await response.content.readany()
        if not piece:
            return
        yield piece


async def documents(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The JSON documents of a stream with one on each line."""
    rest = b""
    async for piece in pieces(response):
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LINE_LIMIT:
            raise Failed("The engine sent a line without end.", code="engine_error")
        for line in filter(None, map(bytes.strip, lines)):
            yield parse_document(line)
    if rest.strip():
        yield parse_document(rest)


def parse_document(line: bytes) -> dict[str, Any]:
    """One JSON object of a stream."""
    with translated("stream"):
        found = json.loads(line)
    return found if isinstance(found, dict) else {}


def choose_api(newest: str, oldest: str) -> str:
    """The API version to speak with an engine that knows `oldest` to `newest`."""
    wanted = min(_numbers(newest), KNOWN_API)
    if oldest:
        wanted = max(wanted, _numbers(oldest))
    return f"{wanted[0]}.{wanted[1]}"


def engine_tls(scheme: str) -> ssl.SSLContext | None:
    """The docker CLI's environment: DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."""
    if scheme != "https" and not os.environ.get("DOCKER_TLS_VERIFY"):
        return None
    folder = os.environ.get("DOCKER_CERT_PATH", "")
    if not folder:
        return ssl.create_default_context()
    certificates = Path(folder)
    try:
        context = ssl.create_default_context(cafile=certificates / "ca.pem")
        context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    except OSError as error:
        raise Invalid(
            f"The certificates in {folder} cannot be used: {error}.",
            code="bad_docker_host",
            advice="DOCKER_CERT_PATH must hold ca.pem, cert.pem and key.pem.",
        ) from error
    return context


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _seconds(date: str) -> int:
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return 0


def _connector(host: str) -> tuple[str, aiohttp.BaseConnector]:
    """The base URL and the connector for an engine address.

    No limit: every followed log holds a connection. One request each: a connection
    kept over a restart of the engine would fail the next call.
    """
    if host.startswith("unix://"):
        path = host.removeprefix("unix://")
        return "unix://localhost", aiohttp.UnixConnector(path, limit=0, force_close=True)
    if match := _TCP.match(host):
        context = engine_tls(match[1])
        scheme = "http" if context is None else "https"
        url = f"{scheme}://{match[2].rstrip('/')}"
        tls = True if context is None else context
        return url, aiohttp.TCPConnector(limit=0, force_close=True, ssl=tls)
    raise Invalid(
        f"{host!r} is not an engine address.",
        code="bad_docker_host",
        advice="Set docker.host to unix:///path/to/docker.sock or tcp://host:port.",
    )


def _from_status(status: int, message: str) -> PaasError:
    text = message.strip() or f"status {status}"
    if status == 900:  # aiodocker's own number for "no connection"
        return _unreachable(text)
    kinds: dict[int, type[PaasError]] = {
        400: Invalid,
        401: Denied,
        403: Denied,
        404: NotFound,
        409: Conflict,
        503: Unavailable,
    }
    return kinds.get(status, Failed)(text, code="engine_error")


def _unreachable(text: str) -> Unavailable:
    return Unavailable(
        f"The Docker Engine cannot be reached: {text}",
        code="engine_unreachable",
        advice="Check that the engine runs and that docker.host names its address.",
    )
