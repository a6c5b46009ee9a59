"""Certificates: the authority that issues them, where they are kept, how hosts are proved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from paas.core.certifying import Challenge, Facts, Held, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCertificate:
    """PEM texts. `order` is the URL of the order that it came from, empty for an upload."""

    host: str
    chain: str
    key: str = field(repr=False)
    held: Held
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOrder:
    """An order at the authority behind a directory, and the key whose certificate it is for."""

    url: str
    directory: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of an authority: `csr` names the hosts, `order` is the URL of one that
    was begun before, or empty.
    """

    account_key: str = field(repr=False)
    csr: str
    kind: Challenge
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What has to be shown for a name: `authorization` by HTTP or TLS, `record` by DNS."""

    name: str
    token: str
    authorization: str
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`proofs` are those that are missing."""

    url: str
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What must not be forgotten over a restart, in wall time: failures by host, of the
    authority under the empty name, and when orders began.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    orders: tuple[float, ...] = ()


class Authority(Protocol):
    """A certificate authority. Each call raises `Unavailable` (`authority_unreachable`) when
    it cannot be talked to, `TooOften` (`rate_limited`) when it wants to be left alone,
    `Failed` (`validation_failed`, `order_refused`, `challenge_not_offered`,
    `authority_slow`) when it is about this order.
    """

    @property
    def directory(self) -> str: ...

    async def begin(self, request: Request) -> Order:
        """Go on with the request's order if it is of any use, else order anew."""

    async def finish(self, request: Request) -> str:
        """The proofs are there: the chain as PEM."""

    async def renewals(
        self, account_key: str, chains: Mapping[str, str]
    ) -> Mapping[str, float | None]:
        """When it wants which certificate renewed, wall time; None where it does not say."""


class Keyring(Protocol):
    """Keeps certificates and keys; what a call returned from survives a crash. Raises
    `Unavailable` (`disk_full`, `file_unusable`).
    """

    async def certificates(self) -> list[KeptCertificate]:
        """All that can be read."""

    async def keep(self, certificate: KeptCertificate) -> None: ...

    async def drop(self, host: str) -> None: ...

    async def account(self, directory: str) -> str:
        """The key of our account there, PEM; made the first time, and the same ever after."""

    async def order(self, host: str) -> PendingOrder | None: ...

    async def keep_order(self, host: str, order: PendingOrder) -> None: ...

    async def drop_order(self, host: str) -> None: ...

    async def notes(self) -> Notes: ...

    async def keep_notes(self, notes: Notes) -> None: ...


class Forge(Protocol):
    """Makes and reads keys and certificates, PEM texts all."""

    def new_key(self) -> str: ...

    def request(self, key: str, names: tuple[str, ...]) -> str:
        """A signing request for these names."""

    def read(self, chain: str) -> Facts:
        """What stands in the first certificate. Raises `Invalid` (`bad_certificate`)."""

    def proof(self, name: str, authorization: str) -> tuple[str, str]:
        """Certificate and key that answer a challenge by TLS (RFC 8737, section 3)."""


class NameServers(Protocol):
    """The DNS as this host sees it."""

    async def look(self, host: str) -> str:
        """Raises `Failed` (`dns_unresolved`) when the host has no address. Answers what is
        odd about those it has, or nothing.
        """


class Zone(Protocol):
    """Sets records of the DNS. Each call returns once the world can see it; raises `Failed`
    (`dns_hook_failed`).
    """

    async def put(self, name: str, text: str) -> None: ...

    async def clear(self, name: str, text: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All that certificates need from outside. Without an `authority` none are ordered."""

    keyring: Keyring
    forge: Forge
    names: NameServers
    zone: Zone
    authority: Authority | None = None
