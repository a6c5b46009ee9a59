"""Requests of our own to repository servers: where one redirects to, and files of LFS.

Each connection goes to an address that the gate let pass; no redirect is followed.
"""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import AF_INET, AF_INET6, AddressFamily
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from paas.adapters.git_gate import Gate, bad_ca_file, bad_url
from paas.core.git_urls import PORTS, GitUrl
from paas.errors import Denied, Invalid, Unavailable
from paas.ports.fetching import GitLogin

ANSWER_SECONDS = 30.0
_INFO = "/info/refs"


class CheckedHttp:
    """`ca_file` is as in `Trust`."""

    def __init__(self, gate: Gate, ca_file: str) -> None:
        self._gate = gate
        self._ca_file = ca_file

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, headers: dict[str, str], body: object = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, while it is read. Raises as `Gate.addresses`, `Denied`
        (`repository_certificate`), `Unavailable` (`repository_unreachable`).
        """
        host, port = self._target(url)
        await self._gate.addresses(host, port)
        connector = aiohttp.TCPConnector(resolver=_Resolver(self._gate), ssl=self._tls())
        timeout = aiohttp.ClientTimeout(total=None, connect=15, sock_read=ANSWER_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(
                    method, url, headers=headers, json=body, allow_redirects=False
                ) as answer,
            ):
                yield answer
        except aiohttp.ClientConnectorCertificateError as error:
            raise _untrusted(host) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(host, port) from error

    async def redirect(self, url: GitUrl, login: GitLogin | None) -> GitUrl:
        """The URL on the same server that this one redirects to.

        Raises `Invalid` (`repository_redirects`) for every other target, naming it.
        """
        wanted = f"{url.text.rstrip('/')}{_INFO}?service=git-upload-pack"
        headers = {"User-Agent": "git/2", **authorization(login)}
        async with self.request("GET", wanted, headers=headers) as answer:
            target = urljoin(wanted, answer.headers.get("Location", ""))
        path = target.partition("?")[0].removesuffix(_INFO)
        try:
            found = self._gate.url(path)
        except Invalid:
            raise _redirects(url, target) from None
        if found.origin != url.origin or found.text == url.text:
            raise _redirects(url, path)
        return found

    def _target(self, url: str) -> tuple[str, int]:
        """Raises `Invalid` (`bad_repository_url`)."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise bad_url(url, "a URL") from None
        allowed = {"https", "http"} if self._gate.allow_http else {"https"}
        if parts.scheme not in allowed or not parts.hostname:
            raise bad_url(url, "a URL with https://")
        return parts.hostname, port or PORTS[parts.scheme]

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context()
            if self._ca_file:
                context.load_verify_locations(cafile=self._ca_file)
        except OSError as error:
            raise bad_ca_file(self._ca_file, error) from error
        return context


def authorization(login: GitLogin | None) -> dict[str, str]:
    """The header fields of a login."""
    if login is None or not login.password:
        return {}
    token = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


class _Resolver(AbstractResolver):
    """Looks up by the gate, so that what is connected to was checked."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        del family
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=AF_INET6 if ":" in address else AF_INET,
                proto=0,
                flags=0,
            )
            for address in await self._gate.addresses(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _redirects(url: GitUrl, target: str) -> Invalid:
    return Invalid(
        f"{url.text} redirects to {target[:300]!r}.",
        code="repository_redirects",
        advice="If that is the repository you mean, give its URL instead. Redirects are "
        "followed on the same server only.",
    )


def _untrusted(host: str) -> Denied:
    return Denied(
        f"The certificate of {host} is not trusted.",
        code="repository_certificate",
        advice="If a certificate authority of your own signed it, the operator can name its "
        "file in git.ca_file.",
    )


def _unreachable(host: str, port: int) -> Unavailable:
    return Unavailable(
        f"{host} does not answer on port {port}.",
        code="repository_unreachable",
        advice="Check whether that server is up and can be reached from here.",
    )
