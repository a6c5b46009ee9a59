"""Which servers repositories may come from: addresses are looked up once, checked, and
then connected to as they are, so that a name cannot mean another address later.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence

from paas.core.git_urls import GitUrl, parse_url
from paas.core.networks import IPAddress, Network, inside, is_public
from paas.errors import Denied, FieldError, Invalid, Unavailable

LOOK_UP_SECONDS = 10.0
MOST_ADDRESSES = 8

_LOGIN = re.compile(r"//[^/]*@")

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def look_up(host: str, port: int) -> list[str]:
    """The host's addresses, IPv4 first. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found)
    return sorted(addresses, key=lambda address: ":" in address)


class Gate:
    """Lets pass what the settings allow, of private addresses those in `networks` or all;
    `resolve` is the system's own but in tests.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        allow_http: bool,
        networks: Sequence[Network] = (),
        resolve: Resolve = look_up,
    ) -> None:
        self._allow_private = allow_private
        self._networks = networks
        self._resolve = resolve
        self.allow_http = allow_http

    def url(self, text: str) -> GitUrl:
        """Raises `Invalid` (`bad_repository_url`)."""
        try:
            return parse_url(text, allow_http=self.allow_http)
        except ValueError as error:
            raise bad_url(text, str(error)) from error

    async def addresses(self, host: str, port: int) -> list[str]:
        """All addresses of the host. Raises `Denied` (`private_address`) when there is one
        among them that may not be connected to, `Unavailable` (`repository_unreachable`).
        """
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unavailable(
                f"The host {host} was not found.",
                code="repository_unreachable",
                advice="Check the URL, and whether this machine can look up names.",
            ) from error
        for address in found:
            if not self._allow_private and not self._allows(ipaddress.ip_address(address)):
                raise _private(host, address)
        return found[:MOST_ADDRESSES]

    def _allows(self, address: IPAddress) -> bool:
        return is_public(address) or inside(address, self._networks)


def bad_ca_file(path: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"The file {path} cannot be used: {getattr(error, 'strerror', None) or error}.",
        code="bad_ca_file",
        advice="Set git.ca_file to a PEM file of certificates, or leave it empty.",
    )


def bad_url(text: str, rule: str) -> Invalid:
    """`rule` completes "must be …". Logins and signatures in the text are not repeated."""
    shown = _LOGIN.sub("//***@", text.partition("?")[0])[:200]
    return Invalid(
        f"{shown!r} is no repository's URL.",
        code="bad_repository_url",
        advice=f"It must be {rule}.",
        fields=(FieldError(field="source.url", message=f"must be {rule}"),),
    )


def _private(host: str, address: str) -> Denied:
    name = host if host == address else f"{host} is {address}, which"
    return Denied(
        f"{name} is an address of this host or of a private network.",
        code="private_address",
        advice="Use a public server, or have the operator name it in git.private_networks.",
    )
