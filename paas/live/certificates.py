"""Which certificate answers for which host name; replaced one by one while it runs.

A host is found by its exact name, else by the wildcard of its parent (`*.example.com`
covers exactly one label). Of several certificates for one name the one that expires
last counts, so a stale one never hides its successor.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime

from paas.live.challenges import Challenges

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; all suites of 1.3 are of this kind: forward secrecy, authenticated."""
HTTP2 = "h2"
PROTOCOLS = [HTTP2, "http/1.1"]
"""What a client may speak over it, the better first (RFC 7301)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """`names` are lower-case host names, wildcards included; `context` holds chain and key."""

    names: frozenset[str]
    expires: datetime
    context: ssl.SSLContext

    def covers(self, host: str) -> bool:
        """Whether it proves that lower-case host."""
        return host in self.names or wildcard(host) in self.names


class Certificates:
    """The certificates by a key of their owner's choice; the first is the default. What
    authorities look for is in `challenges`.
    """

    def __init__(self) -> None:
        self.challenges = Challenges()
        self._all: dict[str, Certificate] = {}
        self._by_name: dict[str, Certificate] = {}

    def put(self, key: str, certificate: Certificate) -> None:
        """Use it from the next handshake on, in place of the one with that key."""
        self._all[key] = certificate
        self._index()

    def remove(self, key: str) -> None:
        """Use it no more; connections that did go on. An unknown key changes nothing."""
        self._all.pop(key, None)
        self._index()

    def find(self, host: str) -> Certificate | None:
        """The one that proves that lower-case host."""
        return self._by_name.get(host) or self._by_name.get(wildcard(host))

    @property
    def all(self) -> tuple[Certificate, ...]:
        """In the order in which their keys came."""
        return tuple(self._all.values())

    @property
    def default(self) -> Certificate | None:
        """For clients that name no host."""
        return next(iter(self._all.values()), None)

    def _index(self) -> None:
        by_name: dict[str, Certificate] = {}
        for certificate in sorted(self._all.values(), key=lambda one: one.expires):
            by_name.update(dict.fromkeys(certificate.names, certificate))
        self._by_name = by_name


def server_context() -> ssl.SSLContext:
    """How we speak TLS: 1.2 and later. Among ciphers of equal strength the client chooses,
    because it knows its hardware.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(PROTOCOLS)
    return context


def wildcard(host: str) -> str:
    """The wildcard name that covers a host: `*.example.com` for `a.example.com`."""
    return f"*.{host.partition('.')[2]}"
